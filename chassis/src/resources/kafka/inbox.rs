//! The messages of one handler between the thread that reads them and the tasks that handle them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::window::Window;
use crate::{
    Error,
    messaging::{Incoming, engine::Resting},
};

/// How many messages, and how many bytes, are read ahead of those who handle them.
const AHEAD: usize = 1000;
const AHEAD_BYTES: usize = 4 << 20;

/// The messages of one handler.
pub(super) struct Inbox {
    inside: Mutex<Inside>,
    /// Something can be handed over, or nothing ever again.
    news: Notify,
    committed: Notify,
    /// There is room, a message was settled, or the end has come; for the thread.
    settled: Condvar,
    /// How many may be handed over and not settled.
    prefetch: usize,
    /// How many of a topic may be taken beyond the first one that is not done.
    most_uncommitted: usize,
}

#[derive(Default)]
struct Inside {
    ready: VecDeque<Taken>,
    ready_bytes: usize,
    resting: Resting<Taken>,
    shares: HashMap<i32, Share>,
    /// How many are handed over and not settled, also of partitions that are somebody else's now.
    in_hand: usize,
    /// How many were taken and cannot be committed.
    uncommitted: usize,
    /// Counts the times that a partition was given to this service.
    terms: u64,
    /// The thread waits for `settled`.
    is_awaited: bool,
    phase: Phase,
    /// It was closed because nobody takes from it any more; the thread ends by itself.
    is_abandoned: bool,
    failure: Option<Error>,
}

/// How far it is with its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    #[default]
    Open,
    /// Nothing is handed over any more.
    Closed,
    /// All is settled, and to be committed.
    Settled,
    /// It is committed.
    Committed,
    /// The thread is to end.
    Over,
}

/// A partition that is ours to take from.
struct Share {
    term: u64,
    window: Window,
    in_hand: usize,
}

/// Where a message comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// The partition may be somebody else's by now, or ours again.
    term: u64,
}

/// A message that was read.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) message: Arc<Incoming>,
    pub(super) origin: Origin,
}

/// What the thread is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    /// Read on.
    More,
    /// Wait: there is no room.
    Room,
    /// Nothing more is wanted, but what is at work is still to be settled.
    Nothing,
    /// Commit what is done, before anybody leaves the group.
    Commit,
    /// End.
    End,
}

impl Inbox {
    pub(super) fn new(prefetch: usize, most_uncommitted: usize) -> Self {
        let (inside, settled) = (Mutex::default(), Condvar::new());
        let (news, committed) = (Notify::new(), Notify::new());
        Self { inside, news, committed, settled, prefetch: prefetch.max(1), most_uncommitted }
    }

    // For the thread.

    /// A partition is given to this service.
    pub(super) fn add_share(&self, partition: i32) {
        let mut inside = self.lock();
        inside.terms += 1;
        let term = inside.terms;
        let before = inside.shares.insert(partition, Share { term, window: Window::default(), in_hand: 0 });
        inside.uncommitted -= before.map_or(0, |share| share.window.len());
    }

    /// Puts a message in that was read.
    pub(super) fn put(&self, partition: i32, offset: i64, message: Incoming) {
        let mut inside = self.lock();
        let inside = &mut *inside;
        // One that was read before its partition was taken away is read by somebody else.
        let Some(share) = inside.shares.get_mut(&partition).filter(|_| inside.phase == Phase::Open) else { return };
        if !share.window.take(offset) {
            return;
        }
        inside.uncommitted += 1;
        let origin = Origin { partition, offset, term: share.term };
        let is_first = inside.ready.is_empty();
        inside.ready_bytes += message.body.len();
        inside.ready.push_back(Taken { message: Arc::new(message), origin });
        if is_first {
            self.news.notify_one();
        }
    }

    /// What the thread is to do.
    pub(super) fn want(&self) -> Want {
        self.lock().want(self.most_uncommitted)
    }

    /// Waits until the thread is wanted for something else, or for that long.
    pub(super) fn wait(&self, limit: Duration) -> Want {
        let mut inside = self.lock();
        let before = inside.want(self.most_uncommitted);
        inside.is_awaited = true;
        let waiting = |inside: &mut Inside| inside.want(self.most_uncommitted) == before;
        let (mut inside, _) =
            self.settled.wait_timeout_while(inside, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        inside.is_awaited = false;
        inside.want(self.most_uncommitted)
    }

    /// Takes back what was not handed over of these partitions, and waits until the rest of them is settled, but not
    /// longer than that. The number of messages that are not.
    pub(super) fn release(&self, partitions: &[i32], limit: Duration) -> usize {
        let until = Instant::now() + limit;
        let mut inside = self.lock();
        let is_kept = |taken: &Taken| !partitions.contains(&taken.origin.partition);
        inside.ready.retain(is_kept);
        inside.ready_bytes = inside.ready.iter().map(|taken| taken.message.body.len()).sum();
        inside.resting.retain(is_kept);
        inside.is_awaited = true;
        let left = |inside: &Inside| {
            partitions.iter().filter_map(|partition| inside.shares.get(partition)).map(|share| share.in_hand).sum()
        };
        let (mut inside, _) = self
            .settled
            .wait_timeout_while(inside, until.saturating_duration_since(Instant::now()), |inside| left(inside) > 0)
            .unwrap_or_else(PoisonError::into_inner);
        inside.is_awaited = false;
        left(&inside)
    }

    /// These partitions are somebody else's now; what is settled of them later concerns nobody.
    pub(super) fn remove_shares(&self, partitions: &[i32]) {
        let mut inside = self.lock();
        for partition in partitions {
            let share = inside.shares.remove(partition);
            inside.uncommitted -= share.map_or(0, |share| share.window.len());
        }
    }

    /// The partitions that are ours.
    pub(super) fn shares(&self) -> Vec<i32> {
        self.lock().shares.keys().copied().collect()
    }

    /// What is to be committed of these partitions, or of all, and was not yet.
    pub(super) fn commits(&self, partitions: Option<&[i32]>) -> Vec<(i32, i64)> {
        let mut inside = self.lock();
        let is_asked = |partition: &i32| partitions.is_none_or(|asked| asked.contains(partition));
        let shares = inside.shares.iter_mut().filter(|(partition, _)| is_asked(partition));
        shares.filter_map(|(partition, share)| Some((*partition, share.window.commit()?))).collect()
    }

    /// The last commit of these partitions did not arrive.
    pub(super) fn uncommit(&self, partitions: impl Iterator<Item = i32>) {
        let mut inside = self.lock();
        for partition in partitions {
            if let Some(share) = inside.shares.get_mut(&partition) {
                share.window.uncommit();
            }
        }
    }

    /// Nothing can be taken any more; the handler is told.
    pub(super) fn fail(&self, error: Error) {
        self.lock().failure = Some(error);
        self.news.notify_one();
    }

    // For those who handle.

    /// The next message, whose time has come and which may be handed over, if there is one.
    pub(super) fn take(&self) -> Next {
        let mut inside = self.lock();
        let inside = &mut *inside;
        if inside.phase > Phase::Open {
            return Next::End;
        }
        if let Some(error) = inside.failure.take() {
            return Next::Failed(error);
        }
        if inside.in_hand >= self.prefetch {
            return Next::Wait(None);
        }
        let taken = match inside.resting.take() {
            Ok(taken) => taken,
            Err(due) => {
                let Some(taken) = inside.ready.pop_front() else { return Next::Wait(due) };
                inside.ready_bytes = inside.ready_bytes.saturating_sub(taken.message.body.len());
                taken
            }
        };
        inside.in_hand += 1;
        if let Some(share) = inside.share_of(taken.origin) {
            share.in_hand += 1;
        }
        if inside.is_awaited && inside.ready.len() <= AHEAD / 2 {
            self.settled.notify_all();
        }
        Next::Message(taken)
    }

    /// Waits for something new to take.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// A message is done.
    pub(super) fn done(&self, origin: Origin) {
        self.settle(origin, |inside| {
            let Some(share) = inside.share_of(origin) else { return };
            let before = share.window.len();
            share.window.finish(origin.offset);
            inside.uncommitted -= before - share.window.len();
        });
    }

    /// A message rests until then.
    pub(super) fn rest(&self, taken: Taken, due: Instant) {
        self.settle(taken.origin, |inside| {
            if inside.phase == Phase::Open && inside.share_of(taken.origin).is_some() {
                inside.resting.put(taken, due);
            }
        });
        self.news.notify_one();
    }

    /// A message is to be taken again, before all others.
    pub(super) fn put_back(&self, taken: Taken) {
        self.settle(taken.origin, |inside| {
            if inside.phase == Phase::Open && inside.share_of(taken.origin).is_some() {
                inside.ready_bytes += taken.message.body.len();
                inside.ready.push_front(taken);
            }
        });
        self.news.notify_one();
    }

    fn settle(&self, origin: Origin, what: impl FnOnce(&mut Inside)) {
        let mut inside = self.lock();
        let was_full = inside.in_hand >= self.prefetch;
        inside.in_hand = inside.in_hand.saturating_sub(1);
        if let Some(share) = inside.share_of(origin) {
            share.in_hand = share.in_hand.saturating_sub(1);
        }
        what(&mut inside);
        if inside.is_awaited {
            self.settled.notify_all();
        }
        drop(inside);
        if was_full {
            self.news.notify_one();
        }
    }

    // For the connection.

    /// Hands nothing over any more; what is handed over can still be settled.
    pub(super) fn close(&self) {
        self.advance(Phase::Closed);
    }

    /// Nobody takes from it any more: it is closed, and the thread ends once all is settled. One that was closed before
    /// ends when it is told to.
    pub(super) fn abandon(&self) {
        let mut inside = self.lock();
        inside.is_abandoned |= inside.phase == Phase::Open;
        drop(inside);
        self.close();
    }

    /// Waits until what is done is committed, or cannot be; nothing is settled any more.
    pub(super) async fn finish(&self) {
        self.advance(Phase::Settled);
        while self.lock().phase < Phase::Committed {
            self.committed.notified().await;
        }
    }

    /// What is done is committed, or cannot be.
    pub(super) fn committed(&self) {
        self.advance(Phase::Committed);
        self.committed.notify_one();
    }

    /// Ends the thread.
    pub(super) fn end(&self) {
        self.advance(Phase::Over);
    }

    fn advance(&self, phase: Phase) {
        let mut inside = self.lock();
        inside.phase = inside.phase.max(phase);
        inside.ready.clear();
        inside.ready_bytes = 0;
        inside.resting.retain(|_| false);
        drop(inside);
        self.news.notify_one();
        self.settled.notify_all();
    }

    /// How many messages were taken and are not committed.
    pub(super) fn uncommitted(&self) -> usize {
        self.lock().uncommitted
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What there is to take.
#[derive(Debug)]
pub(super) enum Next {
    Message(Taken),
    /// Nothing now; perhaps at that time.
    Wait(Option<Instant>),
    /// Nothing ever again.
    End,
    Failed(Error),
}

impl Inside {
    fn want(&self, most_uncommitted: usize) -> Want {
        match self.phase {
            Phase::Over => Want::End,
            Phase::Closed if self.is_abandoned && self.in_hand == 0 => Want::End,
            Phase::Settled => Want::Commit,
            Phase::Closed | Phase::Committed => Want::Nothing,
            Phase::Open if self.ready.len() >= AHEAD || self.ready_bytes >= AHEAD_BYTES => Want::Room,
            Phase::Open if self.uncommitted >= most_uncommitted => Want::Room,
            Phase::Open => Want::More,
        }
    }

    /// The partition that a message comes from, while it is ours as it was then.
    fn share_of(&mut self, origin: Origin) -> Option<&mut Share> {
        self.shares.get_mut(&origin.partition).filter(|share| share.term == origin.term)
    }
}

#[cfg(test)]
mod tests;
