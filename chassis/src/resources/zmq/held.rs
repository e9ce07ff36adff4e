//! Messages that were handed over and came back: this wire has nobody else to keep them.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::arrival::Arrived;

/// Messages that came back, some of them for their time.
#[derive(Debug, Default)]
pub(super) struct Held {
    inside: Mutex<Inside>,
    /// Something came back.
    pub(super) news: Notify,
}

#[derive(Debug, Default)]
struct Inside {
    ready: VecDeque<Arrived>,
    resting: BinaryHeap<Resting>,
    /// Of two with the same time, the one that went to rest first is taken first.
    count: u64,
}

#[derive(Debug)]
struct Resting {
    due: Instant,
    number: u64,
    arrived: Arrived,
}

impl Held {
    /// Takes a message back, in front of all others.
    pub(super) fn put_back(&self, arrived: Arrived) {
        self.lock().ready.push_front(arrived);
        self.news.notify_one();
    }

    /// Lets a message rest.
    pub(super) fn rest(&self, arrived: Arrived, due: Instant) {
        let mut inside = self.lock();
        inside.count += 1;
        let number = inside.count;
        inside.resting.push(Resting { due, number, arrived });
        drop(inside);
        self.news.notify_one();
    }

    /// The first message that is due, or when one will be. At the end all of them are.
    pub(super) fn take(&self, is_end: bool) -> Result<Arrived, Option<Instant>> {
        let mut inside = self.lock();
        if let Some(arrived) = inside.ready.pop_front() {
            return Ok(arrived);
        }
        let Some(due) = inside.resting.peek().map(|resting| resting.due) else { return Err(None) };
        if !is_end && due > Instant::now() {
            return Err(Some(due));
        }
        inside.resting.pop().map(|resting| resting.arrived).ok_or(None)
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

/// The greatest is the one that is due first, as the heap wants it.
impl Ord for Resting {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}

impl PartialOrd for Resting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Resting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Resting {}
