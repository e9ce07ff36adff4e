//! A connection after the handshake, lent to what a kind of socket does.

use std::{
    future::{Future, ready},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::AsyncReadExt as _,
    net::tcp::OwnedReadHalf,
    sync::mpsc::{self, error::TrySendError},
    time::{sleep, timeout},
};

use super::{
    apart::Apart,
    frame::{Decoder, Item, encode_command},
    writer::Writer,
};
use crate::{Error, Result};

/// How much is read at once. Messages are parts of this memory, which is counted by an atomic number: it is small, so that
/// who reads the next messages seldom counts in the same one as who handles the last.
const CHUNK: usize = 32 << 10;
/// How much is gathered before it is written.
pub(in super::super) const BATCH: usize = 64 << 10;
/// Answers to commands that wait to be written.
const COMMANDS: usize = 64;
/// How long a peer may ask for more of them without reading any.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many times over a peer is waited for that goes on sending at the end.
const MOST_LINGERS: u32 = 5;

/// A peer that fits.
#[derive(Debug)]
pub(in super::super) struct Peer {
    pub(in super::super) address: SocketAddr,
    pub(super) reader: Reader,
    /// Gone with the connection, and so held by nobody else for longer than a moment.
    pub(in super::super) writer: Arc<Writer>,
}

/// Reads messages.
#[derive(Debug)]
pub(super) struct Reader {
    stream: OwnedReadHalf,
    buffer: BytesMut,
    decoder: Decoder,
}

/// What is written to a peer: whole messages, encoded.
pub(in super::super) trait Source: Send {
    /// Adds the next messages to what is written; `false` when there will be none any more.
    ///
    /// # Cancel safety
    /// Safe: what it took is in `out`.
    fn fill(&mut self, out: &mut BytesMut) -> impl Future<Output = bool> + Send;

    /// What was filled in is written: the kernel has it.
    fn written(&mut self) {}

    /// How long the peer may be silent before it is let go, once there is nothing to write any more. It hears of the end at
    /// once, and ends as well when it has sent what it was sending; one that does not end is let go all the same.
    fn lingers(&self) -> Duration {
        Duration::ZERO
    }
}

/// What a kind of socket does with a peer.
pub(in super::super) trait Role: Send {
    /// Takes what came.
    ///
    /// # Errors
    /// When the peer is to be let go.
    fn take(&mut self, item: Item) -> impl Future<Output = Result<()>> + Send;

    /// All is taken that has come so far: what was kept back, to hand over many together, is handed over now.
    ///
    /// # Errors
    /// When the peer is to be let go.
    fn pause(&mut self) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }
}

/// How far it is with what a peer sends.
#[derive(Debug, Default)]
struct Progress {
    taken: AtomicU64,
    /// A message waits for us to take it.
    is_ours: AtomicBool,
}

impl Peer {
    /// Reads and writes until the peer goes, or there is nothing to write any more.
    ///
    /// # Errors
    /// What became of the connection; `Ok` when the source ended it.
    pub(in super::super) async fn serve(self, role: &mut impl Role, source: &mut impl Source) -> Result<()> {
        let Self { mut reader, writer, .. } = self;
        let (answers, mut asked) = mpsc::channel(COMMANDS);
        let progress = Progress::default();
        let reading = async {
            loop {
                let item = match reader.ready() {
                    Ok(Some(item)) => item,
                    none => {
                        progress.taking(role.pause()).await?;
                        none?;
                        if !reader.read().await? {
                            return Err(Error::unavailable(Error::msg("it closed the connection")));
                        }
                        continue;
                    }
                };
                match item {
                    Item::Command(name, body) if name == "PING" => {
                        // What is behind the time to live goes back as it came.
                        let context = body.get(2..).unwrap_or_default();
                        let mut pong = BytesMut::new();
                        encode_command(&mut pong, "PONG", context);
                        let Err(TrySendError::Full(pong)) = answers.try_send(pong.freeze()) else { continue };
                        progress.taking(role.pause()).await?;
                        // They may have come together: they are read faster than anything is written. That nobody writes any
                        // more is no fault of the peer's.
                        if timeout(PATIENCE, answers.send(pong)).await.is_err() {
                            return Err(Error::msg("it asks whether anybody is there, and does not listen"));
                        }
                    }
                    item => {
                        progress.taking(role.take(item)).await?;
                        progress.taken.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        };
        let writing = async {
            let mut out = BytesMut::with_capacity(BATCH);
            loop {
                let goes_on = tokio::select! {
                    goes_on = source.fill(&mut out) => goes_on,
                    Some(answer) = asked.recv() => {
                        out.extend_from_slice(&answer);
                        true
                    }
                    () = writer.left() => true,
                };
                writer.write(&out).await?;
                source.written();
                if !goes_on {
                    asked.close();
                    writer.end().await?;
                    progress.ends(source.lingers()).await;
                    return Ok(());
                }
                if out.capacity() > 4 * BATCH {
                    out = BytesMut::with_capacity(BATCH);
                }
                out.clear();
            }
        };
        tokio::select! {
            result = reading => result,
            // What comes in does not ask all that is waited for to be written.
            result = Apart::new(writing) => result,
        }
    }
}

impl Progress {
    async fn taking(&self, taking: impl Future<Output = Result<()>>) -> Result<()> {
        self.is_ours.store(true, Ordering::Relaxed);
        let taken = taking.await;
        self.is_ours.store(false, Ordering::Relaxed);
        taken
    }

    /// Waits until the peer has been silent for that long; not for ever, and not while it is us who take our time.
    async fn ends(&self, silence: Duration) {
        let mut lingers = 0;
        while lingers < MOST_LINGERS && !silence.is_zero() {
            let before = self.taken.load(Ordering::Relaxed);
            sleep(silence).await;
            if self.is_ours.load(Ordering::Relaxed) {
                continue;
            }
            if self.taken.load(Ordering::Relaxed) == before {
                break;
            }
            lingers += 1;
        }
    }
}

impl Reader {
    pub(super) fn new(stream: OwnedReadHalf, limit: u64) -> Self {
        Self { stream, buffer: BytesMut::new(), decoder: Decoder::new(limit) }
    }

    /// The next message or command; `None` at the end.
    ///
    /// # Errors
    /// When the connection is lost, or this is no ZMTP.
    pub(super) async fn next(&mut self) -> Result<Option<Item>> {
        loop {
            match self.ready()? {
                Some(item) => return Ok(Some(item)),
                None if !self.read().await? => return Ok(None),
                None => {}
            }
        }
    }

    /// The next message or command, if all of it has been read.
    ///
    /// # Errors
    /// When this is no ZMTP.
    fn ready(&mut self) -> Result<Option<Item>> {
        let item = self.decoder.decode(&mut self.buffer);
        item.map_err(|wrong| Error::unavailable(Error::msg(format!("it sends {wrong}"))))
    }

    /// That many bytes.
    pub(super) async fn exactly(&mut self, length: usize) -> Result<Bytes> {
        while self.buffer.len() < length {
            if !self.read().await? {
                return Err(Error::unavailable(Error::msg("it closed the connection at the handshake")));
            }
        }
        Ok(self.buffer.split_to(length).freeze())
    }

    /// Reads on; `false` at the end.
    ///
    /// # Errors
    /// When the connection is lost.
    async fn read(&mut self) -> Result<bool> {
        if self.buffer.capacity() - self.buffer.len() < CHUNK / 2 {
            self.buffer.reserve(CHUNK.max(self.buffer.len()));
        }
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}
