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
    /// In the order of their numbers.
    ready: VecDeque<Entry>,
    later: Resting<Entry>,
    /// How many have come.
    count: u64,
    /// How many wait for room.
    senders: usize,
}

/// A message, with who waits for its answer. It is held as it is: memory that one thread takes and another one gives back
/// makes the two wait for each other.
pub(super) struct Entry {
    pub(super) message: Incoming,
    pub(super) caller: Option<oneshot::Sender<Incoming>>,
    /// Where it stands among the others, once it is one of them.
    pub(super) number: u64,
}

/// Waits for room, until it is dropped.
struct ForRoom<'a>(&'a Queue);

/// Knows when something will be due, maybe as the only one. Dropped before that, it has another one look.
struct KnowsWhen<'a>(&'a Queue);

impl Drop for KnowsWhen<'_> {
    fn drop(&mut self) {
        self.0.items.notify_one();
    }
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
        if self.try_push(&mut entry) {
            return true;
        }
        let _waiting = ForRoom::begin(self);
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
        if let Some(mut entry) = entry.take() {
            waiting.count += 1;
            entry.number = waiting.count;
            waiting.ready.push_back(entry);
        }
        let others_wait = waiting.senders > 0 && waiting.len() < self.capacity;
        drop(waiting);
        self.items.notify_one();
        if others_wait {
            // One notice may have stood for more room than one message takes.
            self.room.notify_one();
        }
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
                    let knows_when = KnowsWhen(self);
                    let _ = timeout_at(due, self.items.notified()).await;
                    std::mem::forget(knows_when);
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
        let (has_more, has_room) = (waiting.len() > 0, waiting.senders > 0);
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

    /// Puts a message back to where it stood.
    pub(super) fn put_back(&self, entry: Entry) {
        let mut waiting = self.lock();
        let at = waiting.ready.partition_point(|other| other.number < entry.number);
        waiting.ready.insert(at, entry);
        drop(waiting);
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

impl Entry {
    pub(super) fn new(message: Incoming, caller: Option<oneshot::Sender<Incoming>>) -> Self {
        Self { message, caller, number: 0 }
    }
}

impl<'a> ForRoom<'a> {
    fn begin(queue: &'a Queue) -> Self {
        queue.lock().senders += 1;
        Self(queue)
    }
}

impl Drop for ForRoom<'_> {
    fn drop(&mut self) {
        self.0.lock().senders -= 1;
    }
}

impl Waiting {
    fn len(&self) -> usize {
        self.ready.len() + self.later.len()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::task::yield_now;

    use super::*;

    fn entry(body: &'static str) -> Entry {
        Entry::new(Incoming::new(body), None)
    }

    async fn filled(bodies: [&'static str; 3]) -> Queue {
        let queue = Queue::new(3);
        for body in bodies {
            assert!(queue.push(entry(body), Instant::now()).await);
        }
        queue
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_room_hears_of_all_there_is() {
        let queue = filled(["1", "2", "3"]).await;
        let until = Instant::now() + Duration::from_secs(10);
        let taking = async {
            yield_now().await;
            // Before any of the senders has another turn.
            (0..3).for_each(|_| assert!(queue.try_pop().is_ok()));
        };
        let senders = ["4", "5", "6"].map(|body| queue.push(entry(body), until));
        let (sent, ()) = futures_util::future::join(futures_util::future::join_all(senders), taking).await;
        assert_eq!((sent, queue.len()), (vec![true; 3], 3));
    }

    /// Notices are not counted: those who have looked in vain, and do not listen yet, have one of them together.
    #[tokio::test(start_paused = true)]
    async fn who_is_about_to_wait_hears_of_all_there_is() {
        let queue = filled(["1", "2", "3"]).await;
        let taking = async || {
            queue.items.notified().await;
            queue.try_pop().is_ok()
        };
        let taken = timeout_at(
            Instant::now() + Duration::from_secs(1),
            futures_util::future::join3(taking(), taking(), taking()),
        );
        assert_eq!(taken.await, Ok((true, true, true)));

        let queue = filled(["1", "2", "3"]).await;
        let _waiting = [ForRoom::begin(&queue), ForRoom::begin(&queue)];
        (0..2).for_each(|_| assert!(queue.try_pop().is_ok()));
        let sending = async |body| {
            queue.room.notified().await;
            queue.try_push(&mut Some(entry(body)))
        };
        let sent =
            timeout_at(Instant::now() + Duration::from_secs(1), futures_util::future::join(sending("4"), sending("5")));
        assert_eq!(sent.await, Ok((true, true)));
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_waiting_leaves_the_room_to_others() {
        let queue = filled(["1", "2", "3"]).await;
        assert!(!queue.push(entry("late"), Instant::now() + Duration::from_millis(1)).await);
        assert_eq!(queue.lock().senders, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_what_is_due_leaves_that_to_another_one() {
        let queue = Queue::new(3);
        let (mut first, mut second) = (Box::pin(queue.pop()), Box::pin(queue.pop()));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        let due = Instant::now() + Duration::from_secs(10);
        queue.put_later(entry("later"), due);
        // One of them hears of it, and goes.
        assert!((&mut first).now_or_never().is_none());
        drop(first);
        let taken = timeout_at(due + Duration::from_secs(1), second).await;
        assert!(taken.is_ok() && Instant::now() < due + Duration::from_millis(10), "nobody knows when it is due");
    }

    #[tokio::test]
    async fn what_comes_back_stands_where_it_stood() {
        let queue = filled(["1", "2", "3"]).await;
        let taken: Vec<Entry> = std::iter::from_fn(|| queue.try_pop().ok()).take(2).collect();
        taken.into_iter().for_each(|entry| queue.put_back(entry));
        let order: Vec<_> = std::iter::from_fn(|| queue.try_pop().ok()).map(|entry| entry.message.body).collect();
        assert_eq!(order, ["1", "2", "3"]);
    }
}
