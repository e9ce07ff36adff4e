//! Messages of a queue that is nobody else's, while they rest: they are gone with the connection, as the queue is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::messaging::Incoming;

/// Messages that rest in this process, by when they are due.
#[derive(Default)]
pub(super) struct Later {
    resting: Mutex<BTreeMap<(Instant, u64), Arc<Incoming>>>,
    added: Notify,
}

impl Later {
    /// Lets a message rest.
    pub(super) fn put(&self, message: Arc<Incoming>, due: Instant) {
        let mut resting = self.lock();
        // Of two that are due at the same time the first one that was put comes first.
        let number = resting.range(..=(due, u64::MAX)).next_back().map_or(0, |((_, number), _)| number + 1);
        resting.insert((due, number), message);
        drop(resting);
        self.added.notify_one();
    }

    /// Takes the first message that is due.
    ///
    /// # Cancel safety
    /// Safe: what was taken is given.
    pub(super) async fn next(&self) -> Arc<Incoming> {
        loop {
            let due = {
                let mut resting = self.lock();
                match resting.first_entry() {
                    Some(first) if first.key().0 <= Instant::now() => return first.remove(),
                    Some(first) => Some(first.key().0),
                    None => None,
                }
            };
            match due {
                Some(due) => {
                    let _ = timeout_at(due, self.added.notified()).await;
                }
                None => self.added.notified().await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Instant, u64), Arc<Incoming>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn messages_come_when_they_are_due_and_not_before() {
        let (later, began) = (Later::default(), Instant::now());
        for (body, millis) in [("c", 30), ("a", 10), ("b", 10)] {
            later.put(Arc::new(Incoming::new(body)), began + Duration::from_millis(millis));
        }
        for (body, millis) in [("a", 10), ("b", 10), ("c", 30)] {
            assert_eq!(&*later.next().await.body, body.as_bytes());
            assert_eq!(began.elapsed().as_millis(), millis, "{body}");
        }
    }
}
