//! Messages that wait to be written to one peer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::zmtp::{BATCH, Source, encode};

/// Messages that wait to be written to one peer.
pub(super) struct Outbox {
    queue: mpsc::Receiver<Vec<Bytes>>,
    unwritten: Arc<AtomicUsize>,
    /// How many are being written.
    taken: usize,
    /// What waits is written, and then nothing more.
    finishing: CancellationToken,
}

/// Puts messages in, in their parts.
#[derive(Debug)]
pub(super) struct OutboxSender {
    queue: mpsc::Sender<Vec<Bytes>>,
    unwritten: Arc<AtomicUsize>,
}

/// An outbox for so many messages.
pub(super) fn outbox(high_water_mark: usize, finishing: &CancellationToken) -> (OutboxSender, Outbox) {
    let (sender, queue) = mpsc::channel(high_water_mark);
    let (unwritten, finishing) = (Arc::new(AtomicUsize::new(0)), finishing.clone());
    let outbox = Outbox { queue, unwritten: Arc::clone(&unwritten), taken: 0, finishing };
    (OutboxSender { queue: sender, unwritten }, outbox)
}

impl OutboxSender {
    /// Puts a message in, if there is room.
    ///
    /// # Errors
    /// There is none, or nobody writes any more.
    pub(super) fn try_send(&self, parts: Vec<Bytes>) -> Result<(), TrySendError<Vec<Bytes>>> {
        self.unwritten.fetch_add(1, Ordering::AcqRel);
        let sent = self.queue.try_send(parts);
        if sent.is_err() {
            self.unwritten.fetch_sub(1, Ordering::AcqRel);
        }
        sent
    }

    /// Puts a message in once there is room.
    ///
    /// # Cancel safety
    /// It is not in then.
    pub(super) async fn send(&self, parts: Vec<Bytes>) {
        if let Ok(room) = self.queue.reserve().await {
            self.unwritten.fetch_add(1, Ordering::AcqRel);
            room.send(parts);
        }
    }

    /// Whether all is written that was put in.
    pub(super) fn is_written(&self) -> bool {
        self.unwritten.load(Ordering::Acquire) == 0
    }
}

impl Source for Outbox {
    async fn fill(&mut self, out: &mut BytesMut) -> bool {
        let first = tokio::select! {
            biased;
            first = self.queue.recv() => first,
            () = self.finishing.cancelled() => None,
        };
        let Some(first) = first else { return false };
        encode(out, &first);
        self.taken += 1;
        while out.len() < BATCH
            && let Ok(parts) = self.queue.try_recv()
        {
            encode(out, &parts);
            self.taken += 1;
        }
        true
    }

    fn written(&mut self) {
        self.unwritten.fetch_sub(std::mem::take(&mut self.taken), Ordering::AcqRel);
    }
}
