//! Sends what is pushed to one of those who pull.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    sync::Notify,
    task::yield_now,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::zmtp::{BATCH, Item, Peer, Role, Serve, Source, encode};
use crate::{Result, messaging::Failure};

/// The socket that pushes.
#[derive(Debug)]
pub(super) struct Pusher {
    waiting: Mutex<Waiting>,
    high_water_mark: usize,
    /// There is something to send.
    items: Notify,
    /// There is room again.
    room: Notify,
    finishing: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Bytes>,
    peers: usize,
}

/// One of those who pull.
struct Pulling<'a> {
    pusher: &'a Pusher,
    /// What is on its way to the kernel; if it does not get there, it waits again.
    batch: Vec<Bytes>,
}

/// Those who pull say nothing.
struct Silent;

impl Pusher {
    pub(super) fn new(high_water_mark: usize, finishing: CancellationToken) -> Self {
        let (waiting, items, room) = (Mutex::default(), Notify::new(), Notify::new());
        Self { waiting, high_water_mark, items, room, finishing }
    }

    /// Puts a frame behind the others once there is room.
    ///
    /// # Errors
    /// A [`Failure`], when there is none in time.
    pub(super) async fn push(&self, frame: Bytes, until: Instant) -> Result<()> {
        loop {
            {
                let mut waiting = self.lock();
                if waiting.frames.len() < self.high_water_mark {
                    waiting.frames.push_back(frame);
                    let has_room = waiting.frames.len() < self.high_water_mark;
                    drop(waiting);
                    self.items.notify_one();
                    if has_room {
                        // One notice may have stood for more room than one message takes.
                        self.room.notify_one();
                    }
                    return Ok(());
                }
            }
            if timeout_at(until, self.room.notified()).await.is_err() {
                let why = format!("no room: {} messages wait already for somebody who pulls", self.high_water_mark);
                return Err(Failure::NotSent(why).into_error());
            }
        }
    }

    /// Waits until none waits any more.
    pub(super) async fn emptied(&self) {
        while self.len() > 0 {
            self.room.notified().await;
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().frames.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serve for Pusher {
    async fn serve(&self, peer: Peer) -> Result<()> {
        self.lock().peers += 1;
        let mut pulling = Pulling { pusher: self, batch: Vec::new() };
        peer.serve(&mut Silent, &mut pulling).await
    }
}

impl Source for Pulling<'_> {
    async fn fill(&mut self, out: &mut BytesMut) -> bool {
        if self.pusher.lock().peers > 1 {
            // The others take their share first.
            yield_now().await;
        }
        loop {
            if self.take(out) {
                return true;
            }
            tokio::select! {
                biased;
                () = self.pusher.items.notified() => {}
                () = self.pusher.finishing.cancelled() => return self.take(out),
            }
        }
    }

    fn written(&mut self) {
        self.batch.clear();
    }
}

impl Pulling<'_> {
    /// Takes its share of what waits.
    fn take(&mut self, out: &mut BytesMut) -> bool {
        let mut waiting = self.pusher.lock();
        let mut share = waiting.frames.len().div_ceil(waiting.peers.max(1));
        while share > 0
            && out.len() < BATCH
            && let Some(frame) = waiting.frames.pop_front()
        {
            encode(out, std::slice::from_ref(&frame));
            self.batch.push(frame);
            share -= 1;
        }
        let has_more = !waiting.frames.is_empty();
        drop(waiting);
        if self.batch.is_empty() {
            return false;
        }
        self.pusher.room.notify_one();
        if has_more {
            self.pusher.items.notify_one();
        }
        true
    }
}

impl Drop for Pulling<'_> {
    fn drop(&mut self) {
        let mut waiting = self.pusher.lock();
        waiting.peers = waiting.peers.saturating_sub(1);
        let is_left = !self.batch.is_empty();
        for frame in self.batch.drain(..).rev() {
            waiting.frames.push_front(frame);
        }
        drop(waiting);
        if is_left {
            self.pusher.items.notify_one();
        }
    }
}

impl Role for Silent {
    async fn take(&mut self, _: Item) -> Result<()> {
        Ok(())
    }
}
