//! Messages that wait to be written to one peer.

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::zmtp::{Source, encode};

/// How much is gathered before it is written.
pub(super) const BATCH: usize = 64 << 10;

/// Messages that wait to be written to one peer.
pub(super) struct Outbox {
    pub(super) queue: mpsc::Receiver<Vec<Bytes>>,
    /// What waits is written, and then nothing more.
    pub(super) finishing: CancellationToken,
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
        while out.len() < BATCH
            && let Ok(parts) = self.queue.try_recv()
        {
            encode(out, &parts);
        }
        true
    }
}
