//! Messages of a queue that is nobody else's, while they rest. The broker has been told that they are done:
//! they come again after a new connection, and end with this service.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::messaging::{Incoming, engine::Resting};

/// Messages that rest in this process.
#[derive(Default)]
pub(super) struct Later {
    inside: Mutex<Inside>,
    added: Notify,
}

#[derive(Default)]
struct Inside {
    resting: Resting<Arc<Incoming>>,
    bytes: usize,
}

/// How many bytes may rest until nothing more is taken in: what fails, fails for many messages at a time.
const MOST_BYTES: usize = 64 << 20;
/// What a message takes besides its body, or more.
const BESIDES: usize = 1 << 10;

impl Later {
    /// Lets a message rest.
    pub(super) fn put(&self, message: Arc<Incoming>, due: Instant) {
        let mut inside = self.lock();
        inside.bytes += size(&message);
        inside.resting.put(message, due);
        drop(inside);
        self.added.notify_one();
    }

    /// Whether no more of them may rest.
    pub(super) fn is_full(&self) -> bool {
        self.lock().bytes >= MOST_BYTES
    }

    /// Takes the first message that is due.
    ///
    /// # Cancel safety
    /// Safe: what was taken is given.
    pub(super) async fn next(&self) -> Arc<Incoming> {
        loop {
            let due = match self.take() {
                Ok(message) => return message,
                Err(due) => due,
            };
            match due {
                Some(due) => {
                    let _ = timeout_at(due, self.added.notified()).await;
                }
                None => self.added.notified().await,
            }
        }
    }

    /// The first message that is due, or when the next one will be.
    pub(super) fn take(&self) -> Result<Arc<Incoming>, Option<Instant>> {
        let mut inside = self.lock();
        let message = inside.resting.take()?;
        inside.bytes -= size(&message);
        Ok(message)
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn size(message: &Incoming) -> usize {
    message.body.len() + BESIDES
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_rests_than_there_is_room_for() {
        let later = Later::default();
        let message = Arc::new(Incoming::new(vec![0; MOST_BYTES / 2]));
        let due = Instant::now() + Duration::from_secs(1);
        later.put(Arc::clone(&message), due);
        assert!(!later.is_full());
        later.put(message, due);
        assert!(later.is_full());
        later.next().await;
        assert!(!later.is_full());
        later.next().await;
        assert_eq!(later.lock().bytes, 0);
    }
}
