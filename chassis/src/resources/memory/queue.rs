//! What waits under one name.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
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

/// A message, with who waits for its answer.
pub(super) struct Entry {
    pub(super) message: Arc<Incoming>,
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

    /// Puts a message behind the others once there is room; gives it back when there is none in time.
    pub(super) async fn push(&self, entry: Entry, until: Instant) -> Result<(), Entry> {
        let mut entry = entry;
        loop {
            entry = match self.try_push(entry) {
                Ok(()) => return Ok(()),
                Err(entry) => entry,
            };
            if timeout_at(until, self.room.notified()).await.is_err() {
                return Err(entry);
            }
        }
    }

    fn try_push(&self, entry: Entry) -> Result<(), Entry> {
        let mut waiting = self.lock();
        if waiting.len() >= self.capacity {
            return Err(entry);
        }
        waiting.ready.push_back(entry);
        drop(waiting);
        self.items.notify_one();
        Ok(())
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
