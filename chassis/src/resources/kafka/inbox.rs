//! The messages of one handler between the thread that reads them and the tasks that handle them.

mod inside;

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use self::inside::{Awaited, Inside, Phase, Read};
pub(super) use self::inside::{Origin, Taken, Want};
use crate::{Error, messaging::Incoming};

/// How many messages, and how many bytes, are handed over together while more of them wait in the client.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 256 << 10;

/// The messages of one handler.
pub(super) struct Inbox {
    /// What was read and is handed over soon: the thread and the tasks meet once for many messages.
    read: Mutex<Batch>,
    inside: Mutex<Inside>,
    /// Something can be handed over, or nothing ever again.
    news: Notify,
    committed: Notify,
    /// There is room, a message was settled, or the end has come; for the thread.
    settled: Condvar,
    /// How many may be handed over and not settled.
    prefetch: usize,
}

/// Messages that were read, and how many bytes they have.
#[derive(Default)]
struct Batch {
    messages: Vec<Read>,
    bytes: usize,
}

impl Inbox {
    pub(super) fn new(prefetch: usize, most_uncommitted: usize) -> Self {
        let (inside, settled) = (Mutex::new(Inside::new(most_uncommitted)), Condvar::new());
        let (read, news, committed) = (Mutex::default(), Notify::new(), Notify::new());
        Self { read, inside, news, committed, settled, prefetch: prefetch.max(1) }
    }

    // For the thread.

    /// A partition is given to this service.
    pub(super) fn add_share(&self, partition: i32) {
        self.hand_over();
        self.lock().add_share(partition);
    }

    /// Puts a message in that was read; it can be taken once it is handed over. Whether it is time for that.
    pub(super) fn put(&self, partition: i32, offset: i64, message: Incoming) -> bool {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.bytes += message.body.len();
        read.messages.push(Read { partition, offset, message });
        read.messages.len() >= BATCH || read.bytes >= BATCH_BYTES
    }

    /// Hands over what was read.
    pub(super) fn hand_over(&self) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.messages.is_empty() {
            return;
        }
        read.bytes = 0;
        let mut inside = self.lock();
        let was_empty = inside.ready.is_empty();
        for read in read.messages.drain(..) {
            inside.put(read);
        }
        let has_news = was_empty && !inside.ready.is_empty();
        drop(inside);
        if has_news {
            self.news.notify_one();
        }
    }

    /// How many more may be taken.
    pub(super) fn room(&self) -> usize {
        self.lock().room()
    }

    /// What the thread is to do.
    pub(super) fn want(&self) -> Want {
        self.lock().want()
    }

    /// Waits until the thread is wanted for something else, or for that long.
    pub(super) fn wait(&self, limit: Duration) -> Want {
        let inside = self.lock();
        let before = inside.want();
        self.wait_while(inside, Awaited::Settled, limit, |inside| inside.want() == before).want()
    }

    /// Waits that long for a good deal of room, or for the end; whether it came.
    pub(super) fn wait_for_room(&self, limit: Duration) -> bool {
        let inside = self.lock();
        let awaited = if inside.want() == Want::Nothing { Awaited::Settled } else { Awaited::Room };
        let waiting = |inside: &Inside| match inside.want() {
            Want::More => !inside.has_ample_room(),
            Want::Room | Want::Nothing => true,
            Want::Commit | Want::End => false,
        };
        !waiting(&self.wait_while(inside, awaited, limit, |inside| waiting(inside)))
    }

    /// Whether there is so much room that it is worth to read on after a pause.
    pub(super) fn has_ample_room(&self) -> bool {
        self.lock().has_ample_room()
    }

    /// The partitions that have begun anew since the last time.
    pub(super) fn began_anew(&self) -> Vec<i32> {
        std::mem::take(&mut self.lock().anew)
    }

    /// Takes back what was not handed over of these partitions, and waits until the rest of them is settled, but not
    /// longer than that. The number of messages that are not.
    pub(super) fn release(&self, partitions: &[i32], limit: Duration) -> usize {
        self.hand_over();
        let mut inside = self.lock();
        let is_kept = |taken: &Taken| !partitions.contains(&taken.origin.partition);
        inside.ready.retain(is_kept);
        inside.resting.retain(is_kept);
        inside.count_bytes();
        let left = |inside: &Inside| {
            partitions.iter().filter_map(|partition| inside.shares.get(partition)).map(|share| share.in_hand).sum()
        };
        let inside = self.wait_while(inside, Awaited::Settled, limit, |inside| left(inside) > 0);
        left(&inside)
    }

    fn wait_while<'a>(
        &self,
        mut inside: MutexGuard<'a, Inside>,
        awaited: Awaited,
        limit: Duration,
        waiting: impl FnMut(&mut Inside) -> bool,
    ) -> MutexGuard<'a, Inside> {
        inside.awaited = Some(awaited);
        let waited = self.settled.wait_timeout_while(inside, limit, waiting);
        let (mut inside, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inside.awaited = None;
        inside
    }

    /// These partitions are somebody else's now; what is settled of them later concerns nobody.
    pub(super) fn remove_shares(&self, partitions: &[i32]) {
        self.hand_over();
        let mut inside = self.lock();
        partitions.iter().for_each(|partition| inside.remove_share(*partition));
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
        if let Some(error) = inside.failure.take() {
            return Next::Failed(error);
        }
        if inside.phase > Phase::Open {
            return Next::End;
        }
        if inside.in_hand >= self.prefetch {
            return Next::Wait(None);
        }
        let taken = match inside.resting.take() {
            Ok(taken) => {
                inside.resting_bytes = inside.resting_bytes.saturating_sub(taken.message.body.len());
                taken
            }
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
        if inside.wakes_thread(Awaited::Room) {
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
                inside.resting_bytes += taken.message.body.len();
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
        if inside.wakes_thread(Awaited::Settled) {
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
        inside.resting.retain(|_| false);
        inside.count_bytes();
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

#[cfg(test)]
mod tests;
