//! Messages that were handed over and came back: this wire has nobody else to keep them.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use super::arrival::Call;
use crate::messaging::engine::Resting;

/// Messages that came back, some of them for their time.
#[derive(Debug)]
pub(super) struct Held {
    inside: Mutex<Inside>,
    /// How many there are: mostly none, and then nobody looks.
    count: AtomicUsize,
    /// Something came back.
    pub(super) news: Arc<Notify>,
    /// Nothing is taken in any more.
    pub(super) closing: CancellationToken,
    /// Counts those that came back when nobody was left to take them.
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Inside {
    ready: VecDeque<Call>,
    resting: Resting<Call>,
}

impl Held {
    pub(super) fn new(closing: CancellationToken, lost: Arc<AtomicU64>) -> Self {
        Self { inside: Mutex::default(), count: AtomicUsize::new(0), news: Arc::default(), closing, lost }
    }

    /// A message came back that nobody is left to take.
    pub(super) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes a message back, in front of all others.
    pub(super) fn put_back(&self, call: Call) {
        self.put(|inside| inside.ready.push_front(call));
    }

    /// Lets a message rest.
    pub(super) fn rest(&self, call: Call, due: Instant) {
        self.put(|inside| inside.resting.put(call, due));
    }

    fn put(&self, put: impl FnOnce(&mut Inside)) {
        let mut inside = self.lock();
        put(&mut inside);
        self.count.fetch_add(1, Ordering::Release);
        drop(inside);
        self.news.notify_one();
    }

    /// The first message that is due, or when one will be. At the end all of them are.
    pub(super) fn take(&self, is_end: bool) -> Result<Call, Option<Instant>> {
        if self.len() == 0 {
            return Err(None);
        }
        let mut inside = self.lock();
        let call = match inside.ready.pop_front() {
            Some(call) => call,
            None if is_end => inside.resting.take_any().ok_or(None)?,
            None => inside.resting.take()?,
        };
        self.count.fetch_sub(1, Ordering::Release);
        Ok(call)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count.load(Ordering::Acquire)
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
