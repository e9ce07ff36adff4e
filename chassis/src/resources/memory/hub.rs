//! Where the messages are.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use super::queue::Queue;
use crate::messaging::Pattern;

/// The queues of services that reach each other; a clone is the same hub.
#[derive(Clone, Default)]
pub struct Hub(Arc<Mutex<Names>>);

#[derive(Default)]
pub(super) struct Names {
    /// Of push/pull and of request/response.
    queues: HashMap<(Pattern, Box<str>), Arc<Queue>>,
    topics: HashMap<Box<str>, Vec<Subscription>>,
}

/// One subscriber, or one group of them.
struct Subscription {
    group: Option<Box<str>>,
    queue: Arc<Queue>,
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
        let key = (pattern, Box::from(name));
        Arc::clone(self.lock().queues.entry(key).or_insert_with(|| Arc::new(Queue::new(capacity))))
    }

    /// A queue that gets what is published under a name from now on.
    pub(super) fn subscribe(&self, name: &str, group: Option<&str>, capacity: usize) -> Arc<Queue> {
        let mut names = self.lock();
        let subscriptions = names.topics.entry(name.into()).or_default();
        let of_group = subscriptions.iter().find(|known| group.is_some() && known.group.as_deref() == group);
        if let Some(subscription) = of_group {
            return Arc::clone(&subscription.queue);
        }
        let queue = Arc::new(Queue::new(capacity));
        subscriptions.push(Subscription { group: group.map(Into::into), queue: Arc::clone(&queue) });
        queue
    }

    /// Lets go of the queue of a subscriber; that of a group goes on waiting for its next member.
    pub(super) fn unsubscribe(&self, name: &str, queue: &Arc<Queue>) {
        if let Some(subscriptions) = self.lock().topics.get_mut(name) {
            subscriptions.retain(|known| known.group.is_some() || !Arc::ptr_eq(&known.queue, queue));
        }
    }

    /// The queues of all subscribers of a name.
    pub(super) fn subscribers(&self, name: &str) -> Vec<Arc<Queue>> {
        let names = self.lock();
        let subscriptions = names.topics.get(name).map(Vec::as_slice).unwrap_or_default();
        subscriptions.iter().map(|known| Arc::clone(&known.queue)).collect()
    }

    /// How many messages wait, under all names.
    pub(super) fn waiting(&self) -> usize {
        let names = self.lock();
        let subscribed = names.topics.values().flatten().map(|known| &known.queue);
        names.queues.values().chain(subscribed).map(|queue| queue.len()).sum()
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
