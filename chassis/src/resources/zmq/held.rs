//! Messages that were handed over and came back: this wire has nobody else to keep them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::arrival::Arrived;
use crate::messaging::engine::Resting;

/// Messages that came back, some of them for their time.
#[derive(Debug)]
pub(super) struct Held {
    inside: Mutex<Inside>,
    /// Something came back.
    pub(super) news: Notify,
    /// Nothing is taken in any more.
    pub(super) closing: CancellationToken,
    /// Counts those that came back when nobody was left to take them.
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Inside {
    ready: VecDeque<Arrived>,
    resting: Resting<Arrived>,
}

impl Held {
    pub(super) fn new(closing: CancellationToken, lost: Arc<AtomicU64>) -> Self {
        Self { inside: Mutex::default(), news: Notify::new(), closing, lost }
    }

    /// A message came back that nobody is left to take.
    pub(super) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a message back, in front of all others.
    pub(super) fn put_back(&self, arrived: Arrived) {
        self.lock().ready.push_front(arrived);
        self.news.notify_one();
    }

    /// Lets a message rest.
    pub(super) fn rest(&self, arrived: Arrived, due: Instant) {
        self.lock().resting.put(arrived, due);
        self.news.notify_one();
    }

    /// The first message that is due, or when one will be. At the end all of them are.
    pub(super) fn take(&self, is_end: bool) -> Result<Arrived, Option<Instant>> {
        let mut inside = self.lock();
        if let Some(arrived) = inside.ready.pop_front() {
            return Ok(arrived);
        }
        if is_end { inside.resting.take_any().ok_or(None) } else { inside.resting.take() }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        let inside = self.lock();
        inside.ready.len() + inside.resting.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nobody is left to take what is still here.
impl Drop for Held {
    fn drop(&mut self) {
        self.lost.fetch_add(self.len() as u64, Ordering::Relaxed);
    }
}
