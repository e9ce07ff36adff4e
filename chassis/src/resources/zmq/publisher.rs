//! Sends what is published to those who want it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    sync::{mpsc::error::TrySendError, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    faults::Faults,
    outbox::{OutboxSender, outbox},
    zmtp::{Item, Peer, Role, Serve},
};
use crate::{Error, Result};

/// The socket that publishes.
#[derive(Debug)]
pub(super) struct Publisher {
    subscribers: Mutex<Vec<Arc<Subscriber>>>,
    high_water_mark: usize,
    faults: Arc<Faults>,
    finishing: CancellationToken,
    /// How many subscriptions there are.
    pub(super) subscriptions: watch::Sender<usize>,
}

/// One of those who may want it.
#[derive(Debug)]
struct Subscriber {
    /// The first bytes of what it wants; as often as it said so.
    wanted: Mutex<Vec<Bytes>>,
    queue: OutboxSender,
    /// It had no room in time.
    is_slow: AtomicBool,
}

struct Listening<'a> {
    publisher: &'a Publisher,
    subscriber: &'a Subscriber,
}

/// How long a message waits for a subscriber that has no room. After that, the subscriber is slow: it misses messages, and
/// nobody waits for it until it has room again.
const PATIENCE: Duration = Duration::from_millis(100);
/// More subscriptions of one peer are not kept.
const MOST_SUBSCRIPTIONS: usize = 10_000;
/// And none that is longer: what it begins with is a topic.
const LONGEST_SUBSCRIPTION: usize = 1024;

impl Publisher {
    pub(super) fn new(high_water_mark: usize, faults: Arc<Faults>, finishing: CancellationToken) -> Self {
        let (subscribers, subscriptions) = (Mutex::default(), watch::Sender::new(0));
        Self { subscribers, high_water_mark, faults, finishing, subscriptions }
    }

    /// Hands a frame to everybody who wants it.
    pub(super) async fn publish(&self, frame: Bytes) {
        let wanting: Vec<_> = {
            let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
            subscribers.iter().filter(|subscriber| subscriber.wants(&frame)).cloned().collect()
        };
        for subscriber in wanting {
            subscriber.send(frame.clone(), &self.faults).await;
        }
    }
}

impl Subscriber {
    fn wants(&self, frame: &[u8]) -> bool {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|prefix| frame.starts_with(prefix))
    }

    async fn send(&self, frame: Bytes, faults: &Faults) {
        let parts = match self.queue.try_send(vec![frame]) {
            Ok(()) => return self.is_slow.store(false, Ordering::Relaxed),
            // It has gone.
            Err(TrySendError::Closed(_)) => return,
            Err(TrySendError::Full(parts)) => parts,
        };
        if !self.is_slow.load(Ordering::Relaxed) && timeout(PATIENCE, self.queue.send(parts)).await.is_ok() {
            return;
        }
        self.is_slow.store(true, Ordering::Relaxed);
        faults.note("a subscriber is too slow, and misses messages");
    }
}

impl Serve for Publisher {
    async fn serve(&self, peer: Peer) -> Result<()> {
        /// Takes the subscriber from the list, also when this is cancelled.
        struct Listed<'a>(&'a Publisher, Arc<Subscriber>);
        impl Drop for Listed<'_> {
            fn drop(&mut self) {
                let mut subscribers = self.0.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
                subscribers.retain(|other| !Arc::ptr_eq(other, &self.1));
                let gone = self.1.wanted.lock().unwrap_or_else(PoisonError::into_inner).len();
                self.0.subscriptions.send_modify(|count| *count = count.saturating_sub(gone));
            }
        }
        let (queue, mut outbox) = outbox(self.high_water_mark, &self.finishing);
        let subscriber = Arc::new(Subscriber { wanted: Mutex::default(), queue, is_slow: AtomicBool::new(false) });
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&subscriber));
        let listed = Listed(self, subscriber);
        peer.serve(&mut Listening { publisher: self, subscriber: &listed.1 }, &mut outbox).await
    }
}

impl Role for Listening<'_> {
    /// A subscription is a command in ZMTP 3.1, and a message that begins with 1 or 0 before.
    async fn take(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Command(name, prefix) if name == "SUBSCRIBE" => self.subscribe(prefix),
            Item::Command(name, prefix) if name == "CANCEL" => self.cancel(&prefix),
            Item::Command(..) => {}
            Item::TooLarge(..) => return Err(Error::msg("it sends what is no subscription")),
            Item::Message(parts) => match &parts[..] {
                [part] if part.first() == Some(&1) => self.subscribe(part.slice(1..)),
                [part] if part.first() == Some(&0) => self.cancel(&part[1..]),
                _ => self.publisher.faults.note("a subscriber sends what is no subscription"),
            },
        }
        Ok(())
    }
}

impl Listening<'_> {
    fn subscribe(&self, prefix: Bytes) {
        if prefix.len() > LONGEST_SUBSCRIPTION {
            let length = prefix.len();
            let wrong =
                format_args!("a subscription of {length} bytes is more than {LONGEST_SUBSCRIPTION}, and not kept");
            return self.publisher.faults.note(wrong);
        }
        let mut wanted = self.subscriber.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.len() >= MOST_SUBSCRIPTIONS {
            drop(wanted);
            let wrong = format_args!("a subscriber has {MOST_SUBSCRIPTIONS} subscriptions, and gets no more");
            return self.publisher.faults.note(wrong);
        }
        // By itself: what was read beside it is not kept.
        wanted.push(Bytes::copy_from_slice(&prefix));
        drop(wanted);
        self.publisher.subscriptions.send_modify(|count| *count += 1);
    }

    fn cancel(&self, prefix: &[u8]) {
        let mut wanted = self.subscriber.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = wanted.iter().position(|known| known == prefix) {
            wanted.swap_remove(at);
            drop(wanted);
            self.publisher.subscriptions.send_modify(|count| *count = count.saturating_sub(1));
        }
    }
}
