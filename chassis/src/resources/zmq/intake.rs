//! Takes what is published, and what is pushed.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::{
    arrival::Arrived,
    replyer::Intaking,
    zmtp::{Item, Peer, Role, Serve, Source, encode, encode_command},
};
use crate::{Error, Result};

/// The socket that subscribes, or that pulls.
#[derive(Debug)]
pub(super) struct Taker {
    pub(super) socket: Intaking,
    /// What a peer is told to send, by the first bytes of it; none for a socket that pulls.
    pub(super) subscription: Option<Bytes>,
    /// How long what is on its way may take at the end.
    linger: Duration,
    /// A peer knows what is wanted.
    pub(super) is_known: watch::Sender<bool>,
}

/// One of those who send.
struct Sending<'a> {
    taker: &'a Taker,
    /// What has come, and is handed over together: to wake who handles it costs more than a message.
    arrived: Vec<Arrived>,
    /// How many bytes came with it.
    bytes: usize,
}

/// How many messages, and how many bytes, are handed over together at most.
const MOST_MESSAGES: usize = 128;
const MOST_BYTES: usize = 256 << 10;

/// What is wanted, and nothing after it.
struct Once<'a> {
    taker: &'a Taker,
    first: Option<BytesMut>,
}

impl Taker {
    pub(super) fn new(socket: Intaking, subscription: Option<Bytes>, linger: Duration) -> Self {
        Self { socket, subscription, linger, is_known: watch::Sender::new(false) }
    }
}

impl Serve for Taker {
    async fn serve(&self, peer: Peer) -> Result<()> {
        let mut first = BytesMut::new();
        if let Some(prefix) = &self.subscription {
            // A message, as ZMTP 3.0 has it: publishers of every version understand it.
            encode(&mut first, &[[&[1], &prefix[..]].concat()]);
        }
        // Its answer says that we are known, and that the subscription before it has been taken.
        encode_command(&mut first, "PING", b"\0\0known");
        let first = Some(first);
        let mut once = Once { taker: self, first };
        let mut sending = Sending { taker: self, arrived: Vec::new(), bytes: 0 };
        peer.serve(&mut sending, &mut once).await
    }
}

impl Source for Once<'_> {
    async fn fill(&mut self, out: &mut BytesMut) -> bool {
        if let Some(first) = self.first.take() {
            out.extend_from_slice(&first);
            return true;
        }
        self.taker.socket.finishing.cancelled().await;
        false
    }

    /// What is on its way is taken as well: there is nobody it could go back to.
    fn lingers(&self) -> Duration {
        self.taker.linger
    }
}

impl Role for Sending<'_> {
    async fn take(&mut self, item: Item) -> Result<()> {
        let Taker { socket, is_known, .. } = self.taker;
        match item {
            Item::Command(name, _) => {
                if name == "PONG" {
                    is_known.send_replace(true);
                }
            }
            Item::TooLarge(_, length) => {
                socket
                    .faults
                    .note(format_args!("a message of {length} bytes is longer than `max_frame_size`, and lost"));
            }
            Item::Message(mut parts) => {
                let frame = match (parts.pop(), parts.is_empty()) {
                    (Some(frame), true) => frame,
                    _ => {
                        socket.faults.note("a message has more than one part, and is lost");
                        return Ok(());
                    }
                };
                match Arrived::parse(&frame) {
                    Ok(arrived) => {
                        self.arrived.push(arrived);
                        self.bytes += frame.len();
                        let most = MOST_MESSAGES.min(socket.inbox.max_capacity().div_ceil(2));
                        if self.arrived.len() >= most || self.bytes >= MOST_BYTES {
                            return self.pause().await;
                        }
                    }
                    Err(wrong) => socket.faults.note(format_args!("a message cannot be read, and is lost: {wrong}")),
                }
            }
        }
        Ok(())
    }

    /// Waits for room for all of it.
    async fn pause(&mut self) -> Result<()> {
        if self.arrived.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let room = self.taker.socket.inbox.reserve_many(self.arrived.len()).await;
        let room = room.map_err(|_| Error::msg("nobody takes anything here any more"))?;
        room.zip(self.arrived.drain(..)).for_each(|(place, arrived)| place.send(arrived));
        Ok(())
    }
}
