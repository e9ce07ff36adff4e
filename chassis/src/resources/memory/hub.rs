//! Where the messages are.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use foldhash::fast::RandomState;

use super::queue::Queue;
use crate::messaging::Pattern;

/// The queues of services that reach each other; a clone is the same hub.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Names>>);

#[derive(Default)]
pub(super) struct Names {
    pushed: HashMap<Box<str>, Arc<Queue>, RandomState>,
    requested: HashMap<Box<str>, Arc<Queue>, RandomState>,
    published: HashMap<Box<str>, Arc<[Subscription]>, RandomState>,
    /// How many services are at it.
    services: usize,
}

/// One subscriber, or one group of them.
#[derive(Clone)]
pub(super) struct Subscription {
    group: Option<Box<str>>,
    pub(super) queue: Arc<Queue>,
}

/// The hubs that settings name. They are process-wide, as is what they stand for.
static NAMED: Mutex<BTreeMap<String, Weak<Mutex<Names>>>> = Mutex::new(BTreeMap::new());

impl Hub {
    /// The hub of that name in this process; it is gone with the last service that is at it.
    pub(super) fn named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = named.get(name).and_then(Weak::upgrade) {
            return Self(hub);
        }
        named.retain(|_, hub| hub.strong_count() > 0);
        let hub = Self::default();
        named.insert(name.to_owned(), Arc::downgrade(&hub.0));
        hub
    }

    /// The queue of a name, made if need be.
    pub(super) fn queue(&self, pattern: Pattern, name: &str, capacity: usize) -> Arc<Queue> {
        let mut names = self.lock();
        let queues = match pattern {
            Pattern::RequestResponse => &mut names.requested,
            Pattern::PushPull | Pattern::PublishSubscribe => &mut names.pushed,
        };
        // Nearly always it is there: a key of its own would be made for nothing.
        if let Some(queue) = queues.get(name) {
            return Arc::clone(queue);
        }
        Arc::clone(queues.entry(name.into()).or_insert_with(|| Arc::new(Queue::new(capacity))))
    }

    /// A queue that gets what is published under a name from now on.
    pub(super) fn subscribe(&self, name: &str, group: Option<&str>, capacity: usize) -> Arc<Queue> {
        let mut names = self.lock();
        let subscriptions = names.published.entry(name.into()).or_default();
        let of_group = subscriptions.iter().find(|known| group.is_some() && known.group.as_deref() == group);
        if let Some(subscription) = of_group {
            return Arc::clone(&subscription.queue);
        }
        let queue = Arc::new(Queue::new(capacity));
        let new = Subscription { group: group.map(Into::into), queue: Arc::clone(&queue) };
        *subscriptions = subscriptions.iter().cloned().chain([new]).collect();
        queue
    }

    /// Lets go of the queue of a subscriber; that of a group goes on waiting for its next member.
    pub(super) fn unsubscribe(&self, name: &str, queue: &Arc<Queue>) {
        if let Some(subscriptions) = self.lock().published.get_mut(name) {
            let stays = |known: &&Subscription| known.group.is_some() || !Arc::ptr_eq(&known.queue, queue);
            *subscriptions = subscriptions.iter().filter(stays).cloned().collect();
        }
    }

    /// All subscribers of a name.
    pub(super) fn subscribers(&self, name: &str) -> Arc<[Subscription]> {
        self.lock().published.get(name).cloned().unwrap_or_default()
    }

    /// One more service is at it.
    pub(super) fn enter(&self) {
        self.lock().services += 1;
    }

    /// One service less is at it; tells how many are left.
    pub(super) fn leave(&self) -> usize {
        let mut names = self.lock();
        names.services = names.services.saturating_sub(1);
        names.services
    }

    /// How many messages wait, under all names.
    pub(super) fn waiting(&self) -> usize {
        self.waiting_by_name().values().sum()
    }

    /// How many messages wait, under the names where some do.
    pub(super) fn waiting_by_name(&self) -> BTreeMap<Box<str>, usize> {
        let names = self.lock();
        let queues = names.pushed.iter().chain(&names.requested);
        let mut waiting = BTreeMap::new();
        let subscribed = names.published.iter().flat_map(|(name, known)| std::iter::repeat(name).zip(&**known));
        for (name, queue) in queues.chain(subscribed.map(|(name, known)| (name, &known.queue))) {
            match queue.len() {
                0 => {}
                count => *waiting.entry(name.clone()).or_default() += count,
            }
        }
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hub({} waiting)", self.waiting())
    }
}
