//! Messages of a queue that is nobody else's, while they rest: they are gone with the connection, as the queue is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::messaging::{Incoming, engine::Resting};

/// Messages that rest in this process.
#[derive(Default)]
pub(super) struct Later {
    resting: Mutex<Resting<Arc<Incoming>>>,
    added: Notify,
}

impl Later {
    /// Lets a message rest.
    pub(super) fn put(&self, message: Arc<Incoming>, due: Instant) {
        self.lock().put(message, due);
        self.added.notify_one();
    }

    /// Takes the first message that is due.
    ///
    /// # Cancel safety
    /// Safe: what was taken is given.
    pub(super) async fn next(&self) -> Arc<Incoming> {
        loop {
            let due = match self.lock().take() {
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

    fn lock(&self) -> MutexGuard<'_, Resting<Arc<Incoming>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
