//! Sends what is pushed to one of those who pull.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::BytesMut;
use tokio::{
    sync::Notify,
    task::{coop::consume_budget, yield_now},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{
    backlog::{Backlog, Piece},
    body::Frame,
    zmtp::{Item, Peer, Role, Serve, Source, encode_one},
};
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
    messages: Backlog,
    peers: usize,
}

/// One of those who pull.
struct Pulling<'a> {
    pusher: &'a Pusher,
    /// What is on its way to the kernel; if it does not get there, it waits again.
    piece: Option<Piece>,
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
    pub(super) async fn push(&self, frame: Frame<'_>, until: Instant) -> Result<()> {
        // Who pushes without end must not keep those from working who send it.
        consume_budget().await;
        loop {
            {
                let mut waiting = self.lock();
                if waiting.messages.len() < self.high_water_mark {
                    let length = frame.length();
                    waiting.messages.push(length, |out| encode_one(out, length, |out| frame.write(out)));
                    let has_room = waiting.messages.len() < self.high_water_mark;
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
        self.lock().messages.len()
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serve for Pusher {
    async fn serve(&self, peer: Peer) -> Result<()> {
        self.lock().peers += 1;
        let mut pulling = Pulling { pusher: self, piece: None };
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
        if let Some(piece) = self.piece.take() {
            self.pusher.lock().messages.reuse(piece);
        }
    }
}

impl Pulling<'_> {
    /// Takes its share of what waits.
    fn take(&mut self, out: &mut BytesMut) -> bool {
        let mut waiting = self.pusher.lock();
        let share = waiting.messages.len().div_ceil(waiting.peers.max(1));
        let Some(piece) = waiting.messages.take(share) else { return false };
        let has_more = waiting.messages.len() > 0;
        drop(waiting);
        out.extend_from_slice(self.piece.insert(piece).bytes());
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
        if let Some(piece) = self.piece.take() {
            waiting.messages.put_back(piece);
            drop(waiting);
            self.pusher.items.notify_one();
        }
    }
}

impl Role for Silent {
    async fn take(&mut self, _: Item) -> Result<()> {
        Ok(())
    }
}
