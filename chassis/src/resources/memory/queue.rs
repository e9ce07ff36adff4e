//! What waits under one name.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout_at},
};

use crate::messaging::{Incoming, engine::Resting};

/// What waits under one name, some of it for its time.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    capacity: usize,
    /// Something can be taken, or could later.
    items: Notify,
    /// There is room again.
    room: Notify,
    /// Somebody has taken from it, or would have.
    is_known: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    ready: VecDeque<Entry>,
    later: Resting<Entry>,
}

/// A message, with who waits for its answer. It is held as it is: memory that one thread takes and another one gives back
/// makes the two wait for each other.
pub(super) struct Entry {
    pub(super) message: Incoming,
    pub(super) caller: Option<oneshot::Sender<Incoming>>,
}

impl Queue {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            capacity,
            items: Notify::new(),
            room: Notify::new(),
            is_known: AtomicBool::new(false),
        }
    }

    /// Puts a message behind the others once there is room; whether there was room in time.
    pub(super) async fn push(&self, entry: Entry, until: Instant) -> bool {
        let mut entry = Some(entry);
        while !self.try_push(&mut entry) {
            if timeout_at(until, self.room.notified()).await.is_err() {
                return false;
            }
        }
        true
    }

    /// Takes the message in, if there is room.
    fn try_push(&self, entry: &mut Option<Entry>) -> bool {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity {
            return false;
        }
        waiting.ready.extend(entry.take());
        drop(waiting);
        self.items.notify_one();
        true
    }

    /// Takes the first message that is due.
    ///
    /// # Cancel safety
    /// Safe: what was taken is given.
    pub(super) async fn pop(&self) -> Entry {
        loop {
            let due = match self.try_pop() {
                Ok(entry) => return entry,
                Err(due) => due,
            };
            match due {
                None => self.items.notified().await,
                Some(due) => {
                    let _ = timeout_at(due, self.items.notified()).await;
                }
            }
        }
    }

    /// The first message that is due, or when the next one will be.
    pub(super) fn try_pop(&self) -> Result<Entry, Option<Instant>> {
        let mut waiting = self.lock();
        let rested = waiting.later.take();
        let entry = match rested {
            Ok(entry) => entry,
            Err(due) => waiting.ready.pop_front().ok_or(due)?,
        };
        let (has_more, has_room) = (waiting.len() > 0, waiting.len() + 1 == self.capacity);
        drop(waiting);
        if has_more {
            // One notice may have stood for several messages.
            self.items.notify_one();
        }
        if has_room {
            self.room.notify_one();
        }
        Ok(entry)
    }

    /// Puts a message back in front, as it came.
    pub(super) fn put_back(&self, entry: Entry) {
        self.lock().ready.push_front(entry);
        self.items.notify_one();
    }

    /// Lets a message rest.
    pub(super) fn put_later(&self, entry: Entry, due: Instant) {
        self.lock().later.put(entry, due);
        self.items.notify_one();
    }

    /// Somebody takes from it.
    pub(super) fn is_taken(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    /// Whether anybody has ever taken from it.
    pub(super) fn was_taken(&self) -> bool {
        self.is_known.load(Ordering::Relaxed)
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.ready.len() + self.later.len()
    }
}
