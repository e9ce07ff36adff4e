//! What is known of the messages of one handler, and what follows from it.

use std::collections::{BTreeMap, VecDeque};

use super::super::window::Window;
use crate::{
    Error,
    messaging::{Incoming, engine::Resting},
};

/// How many messages, and how many bytes, are read ahead of those who handle them.
const AHEAD: usize = 1000;
const AHEAD_BYTES: usize = 4 << 20;
/// How many bytes may rest until it is waited for their next attempts: what fails, fails for many messages at a time.
const RESTING_BYTES: usize = 64 << 20;

/// What the thread and the tasks share.
pub(super) struct Inside {
    pub(super) ready: VecDeque<Taken>,
    pub(super) ready_bytes: usize,
    pub(super) resting: Resting<Taken>,
    pub(super) resting_bytes: usize,
    pub(super) shares: BTreeMap<i32, Share>,
    /// How many are handed over and not settled, also of partitions that are somebody else's now.
    pub(super) in_hand: usize,
    /// How many were taken and cannot be committed.
    pub(super) uncommitted: usize,
    /// How many of a topic may be taken beyond the first one that is not done.
    most_uncommitted: usize,
    /// Counts the times that a partition was given to this service.
    terms: u64,
    /// What the thread waits for, by `settled`.
    pub(super) awaited: Option<Awaited>,
    pub(super) phase: Phase,
    /// Partitions whose offsets have begun anew, until that is told.
    pub(super) anew: Vec<i32>,
    /// It was closed because nobody takes from it any more; the thread ends by itself.
    pub(super) is_abandoned: bool,
    pub(super) failure: Option<Error>,
}

/// How far it is with its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
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
pub(super) struct Share {
    term: u64,
    pub(super) window: Window,
    pub(super) in_hand: usize,
}

/// Where a message comes from.
#[derive(Debug, Clone, Copy)]
pub(in crate::resources::kafka) struct Origin {
    pub(in crate::resources::kafka) partition: i32,
    pub(in crate::resources::kafka) offset: i64,
    /// The partition may be somebody else's by now, or ours again.
    term: u64,
}

/// A message that was read. It is held as it is: memory that one thread takes and another one gives back makes the two wait
/// for each other.
#[derive(Debug)]
pub(in crate::resources::kafka) struct Taken {
    pub(in crate::resources::kafka) message: Incoming,
    pub(in crate::resources::kafka) origin: Origin,
}

/// What the thread is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::resources::kafka) enum Want {
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

/// A message as it was read.
pub(super) struct Read {
    pub(super) partition: i32,
    pub(super) offset: i64,
    pub(super) message: Incoming,
}

/// What the thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Enough room that it is worth waking up for.
    Room,
    /// Any message that is settled.
    Settled,
}

impl Inside {
    pub(super) fn new(most_uncommitted: usize) -> Self {
        Self {
            ready: VecDeque::new(),
            ready_bytes: 0,
            resting: Resting::default(),
            resting_bytes: 0,
            shares: BTreeMap::new(),
            in_hand: 0,
            uncommitted: 0,
            most_uncommitted,
            terms: 0,
            awaited: None,
            phase: Phase::Open,
            anew: Vec::new(),
            is_abandoned: false,
            failure: None,
        }
    }

    /// A partition is ours from now on.
    pub(super) fn add_share(&mut self, partition: i32) {
        self.remove_share(partition);
        self.terms += 1;
        self.shares.insert(partition, Share { term: self.terms, window: Window::default(), in_hand: 0 });
    }

    /// A partition is somebody else's now.
    pub(super) fn remove_share(&mut self, partition: i32) {
        let share = self.shares.remove(&partition);
        self.uncommitted -= share.map_or(0, |share| share.window.len());
    }

    /// How many more may be taken.
    pub(super) fn room(&self) -> usize {
        AHEAD.saturating_sub(self.ready.len()).min(self.most_uncommitted.saturating_sub(self.uncommitted))
    }

    /// What the thread is to do.
    pub(super) fn want(&self) -> Want {
        match self.phase {
            Phase::Over => Want::End,
            Phase::Closed if self.is_abandoned && self.in_hand == 0 => Want::End,
            Phase::Settled => Want::Commit,
            Phase::Closed | Phase::Committed => Want::Nothing,
            Phase::Open if self.ready.len() >= AHEAD || self.ready_bytes >= AHEAD_BYTES => Want::Room,
            Phase::Open if self.uncommitted >= self.most_uncommitted => Want::Room,
            Phase::Open if self.resting_bytes >= RESTING_BYTES => Want::Room,
            Phase::Open => Want::More,
        }
    }

    /// Whether there is so much room that the thread reads a good deal before it has to wait again.
    pub(super) fn has_ample_room(&self) -> bool {
        let is_read_off = self.ready.len() <= AHEAD / 2 && self.ready_bytes <= AHEAD_BYTES / 2;
        let has_risen = self.resting_bytes < RESTING_BYTES;
        is_read_off && has_risen && self.uncommitted + (self.most_uncommitted / 8).max(1) <= self.most_uncommitted
    }

    /// Whether the thread waits for what has happened.
    pub(super) fn wakes_thread(&self, happened: Awaited) -> bool {
        match self.awaited {
            Some(Awaited::Room) => self.has_ample_room(),
            Some(Awaited::Settled) => happened == Awaited::Settled,
            None => false,
        }
    }

    /// Puts a message in that was read.
    pub(super) fn put(&mut self, read: Read) {
        let Read { partition, offset, message } = read;
        // One that was read before its partition was taken away is read by somebody else.
        let Some(share) = self.shares.get_mut(&partition).filter(|_| self.phase == Phase::Open) else { return };
        let is_next = share.window.take(offset);
        if !is_next {
            // The client gives no message twice: it has been told to begin at a lower offset.
            self.anew.push(partition);
            self.add_share(partition);
        }
        let Some(share) = self.shares.get_mut(&partition) else { return };
        if is_next || share.window.take(offset) {
            self.uncommitted += 1;
            self.ready_bytes += message.body.len();
            self.ready.push_back(Taken { message, origin: Origin { partition, offset, term: share.term } });
        }
    }

    /// Counts what is left of the bytes that wait.
    pub(super) fn count_bytes(&mut self) {
        self.ready_bytes = self.ready.iter().map(|taken| taken.message.body.len()).sum();
        let mut bytes = 0;
        self.resting.retain(|taken| {
            bytes += taken.message.body.len();
            true
        });
        self.resting_bytes = bytes;
    }

    /// The partition that a message comes from, while it is ours as it was then.
    pub(super) fn share_of(&mut self, origin: Origin) -> Option<&mut Share> {
        self.shares.get_mut(&origin.partition).filter(|share| share.term == origin.term)
    }
}
