//! Acknowledgements of one channel, several of them told as one.
//!
//! The broker takes an acknowledgement of a message as one of all before it, if it is told so: that is most of its work for
//! a message that is taken. So they are gathered, as long as there is something else to do: until a part of the prefetch is
//! done, nothing is there to be taken, or a few milliseconds are over.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicNackOptions},
    types::DeliveryTag,
};
use tokio::time::sleep;

use super::failure::unsettled;
use crate::{Context, Result};

/// The messages of one channel that are handed over, until the broker is told what came of them.
pub(super) struct Acks {
    cx: Context,
    channel: Channel,
    /// More do not wait to be told.
    most: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    messages: Tags,
    /// Nobody will come for a while that these could wait for.
    is_idle: bool,
    /// They are told soon.
    is_due: bool,
}

/// What came of the messages of a channel, by the numbers that the broker gives them, one after the other.
#[derive(Default)]
struct Tags {
    /// At work.
    open: BTreeSet<DeliveryTag>,
    /// Done and not told, in any order.
    done: Vec<DeliveryTag>,
}

/// An acknowledgement to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ack {
    tag: DeliveryTag,
    /// Of all before it, too.
    multiple: bool,
}

/// How long one may wait.
const LATEST: Duration = Duration::from_millis(5);

impl Acks {
    pub(super) fn new(cx: &Context, channel: &Channel, prefetch: u16) -> Arc<Self> {
        let most = usize::from(prefetch / 4).max(1);
        Arc::new(Self { cx: cx.clone(), channel: channel.clone(), most, inside: Mutex::default() })
    }

    /// A message is handed over.
    pub(super) fn take(&self, tag: DeliveryTag) {
        let mut inside = self.lock();
        inside.is_idle = false;
        inside.messages.take(tag);
    }

    /// A message is done. Nobody waits until that is written: if the connection is lost before, the message comes again, as
    /// it would a moment earlier.
    ///
    /// # Errors
    /// When the channel is lost.
    pub(super) fn done(self: &Arc<Self>, tag: DeliveryTag) -> Result<()> {
        let mut inside = self.lock();
        inside.messages.done(tag);
        if inside.is_idle || inside.messages.done.len() >= self.most {
            return self.tell(&mut inside);
        }
        if !self.is_there() {
            return Err(unsettled());
        }
        if !std::mem::replace(&mut inside.is_due, true) {
            let acks = Arc::clone(self);
            self.cx.spawn_detached(async move {
                sleep(LATEST).await;
                let mut inside = acks.lock();
                inside.is_due = false;
                let _ = acks.tell(&mut inside);
            });
        }
        Ok(())
    }

    /// A message goes back to its queue.
    pub(super) fn back(&self, tag: DeliveryTag) {
        // The broker hears of it before it can hear that all up to a later one are done.
        let mut inside = self.lock();
        inside.messages.back(tag);
        self.give_back(tag);
    }

    /// What was fetched and not handed over goes back to its queue.
    pub(super) fn leave(&self, mut fetched: lapin::Consumer) {
        let mut inside = self.lock();
        self.tell_at_once(&mut inside);
        while let Some(Some(fetched)) = fetched.next().now_or_never() {
            if let Ok(delivery) = fetched {
                self.give_back(delivery.delivery_tag);
            }
        }
    }

    fn give_back(&self, tag: DeliveryTag) {
        let options = BasicNackOptions { requeue: true, multiple: false };
        // Where the channel is lost the broker has put it back by itself.
        let _ = self.channel.basic_nack(tag, options).now_or_never();
    }

    /// Nothing is there to be taken: what is done is told, and what will be is told at once.
    pub(super) fn idle(&self) {
        self.tell_at_once(&mut self.lock());
    }

    /// Whether the channel is there that the messages came by.
    pub(super) fn is_there(&self) -> bool {
        self.channel.status().connected()
    }

    /// What is done is told now, and what will be is told as soon as it is.
    fn tell_at_once(&self, inside: &mut Inside) {
        inside.is_idle = true;
        // Where the channel is lost, all of it comes again.
        let _ = self.tell(inside);
    }

    fn tell(&self, inside: &mut Inside) -> Result<()> {
        let mut told = Ok(());
        inside.messages.tell(|Ack { tag, multiple }| {
            if let Some(Err(_)) = self.channel.basic_ack(tag, BasicAckOptions { multiple }).now_or_never() {
                told = Err(unsettled());
            }
        });
        told
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tags {
    fn take(&mut self, tag: DeliveryTag) {
        self.open.insert(tag);
    }

    fn done(&mut self, tag: DeliveryTag) {
        if self.open.remove(&tag) {
            self.done.push(tag);
        }
    }

    fn back(&mut self, tag: DeliveryTag) {
        self.open.remove(&tag);
    }

    /// All that is done: what has nothing open before it as one.
    fn tell(&mut self, mut ack: impl FnMut(Ack)) {
        let open = self.open.first().copied().unwrap_or(DeliveryTag::MAX);
        let before = self.done.iter().filter(|tag| **tag < open);
        if let Some(tag) = before.clone().max().copied() {
            ack(Ack { tag, multiple: before.count() > 1 });
        }
        for tag in self.done.drain(..).filter(|tag| *tag > open) {
            ack(Ack { tag, multiple: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(tags: &mut Tags) -> Vec<(DeliveryTag, bool)> {
        let mut told = Vec::new();
        tags.tell(|Ack { tag, multiple }| told.push((tag, multiple)));
        told
    }

    #[test]
    fn what_has_nothing_open_before_it_is_told_as_one() {
        let mut tags = Tags::default();
        (1..=6).for_each(|tag| tags.take(tag));
        [2, 1, 3, 5].into_iter().for_each(|tag| tags.done(tag));
        assert_eq!(told(&mut tags), [(3, true), (5, false)]);
        assert_eq!(told(&mut tags), []);
        tags.done(4);
        assert_eq!(told(&mut tags), [(4, false)], "the one behind it was told already");
        tags.done(6);
        assert_eq!(told(&mut tags), [(6, false)]);
        assert!(tags.open.is_empty() && tags.done.is_empty());
    }

    #[test]
    fn what_went_back_is_not_told_as_done() {
        let mut tags = Tags::default();
        [1, 2, 3, 6].into_iter().for_each(|tag| tags.take(tag));
        tags.back(3);
        [1, 2].into_iter().for_each(|tag| tags.done(tag));
        // The broker knows 3 to 5 no more, and takes none of them for the last of many.
        assert_eq!(told(&mut tags), [(2, true)]);
        tags.done(6);
        assert_eq!(told(&mut tags), [(6, false)]);
    }

    /// In any order: the broker is told of each message that is done, once, and of no other.
    #[test]
    fn every_order_tells_each_once() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut tags, mut open, mut unacked) = (Tags::default(), Vec::new(), std::collections::BTreeSet::new());
            let (mut done, mut acked) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
            let mut next = 0;
            for _ in 0..300 {
                match random.u8(..8) {
                    0..=2 => {
                        next += 1;
                        tags.take(next);
                        open.push(next);
                        unacked.insert(next);
                    }
                    3..=5 if !open.is_empty() => {
                        let tag = open.swap_remove(random.usize(..open.len()));
                        tags.done(tag);
                        done.insert(tag);
                    }
                    6 if !open.is_empty() => {
                        let tag = open.swap_remove(random.usize(..open.len()));
                        tags.back(tag);
                        unacked.remove(&tag);
                    }
                    _ => tags.tell(|Ack { tag, multiple }| {
                        assert!(unacked.contains(&tag), "{seed}: {tag} is not known to the broker");
                        let told: Vec<_> =
                            unacked.iter().copied().filter(|of| *of == tag || multiple && *of < tag).collect();
                        for tag in told {
                            unacked.remove(&tag);
                            assert!(acked.insert(tag));
                        }
                    }),
                }
                assert!(acked.is_subset(&done), "{seed}");
            }
            tags.tell(|Ack { tag, multiple }| {
                let told: Vec<_> = unacked.iter().copied().filter(|of| *of == tag || multiple && *of < tag).collect();
                for tag in told {
                    unacked.remove(&tag);
                    acked.insert(tag);
                }
            });
            assert_eq!(acked, done, "{seed}");
        }
    }
}
