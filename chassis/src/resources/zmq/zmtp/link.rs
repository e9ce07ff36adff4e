//! Comes by peers: accepts them at an address, or goes to one and goes there again whenever it is lost.

use std::{
    future::Future,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{super::faults::Faults, handshake::shake_hands, kind::SocketKind, peer::Peer};
use crate::{Context, Error, Result, resources::zmq::Address};

/// What a kind of socket does with each of its peers.
pub(in super::super) trait Serve: Send + Sync + 'static {
    /// Serves a peer until it goes, or the socket ends.
    ///
    /// # Errors
    /// Why it went.
    fn serve(&self, peer: Peer) -> impl Future<Output = Result<()>> + Send;
}

/// How an address is reached, and by what.
#[derive(Debug, Clone)]
pub(in super::super) struct Link {
    pub(in super::super) kind: SocketKind,
    pub(in super::super) address: Address,
    /// The longest message that is kept.
    pub(in super::super) limit: u64,
    /// How long it rests before it goes there again, at first and at most.
    pub(in super::super) rest: (Duration, Duration),
    pub(in super::super) faults: Arc<Faults>,
    pub(in super::super) reach: Arc<Reach>,
    /// No more peers are wanted.
    pub(in super::super) ending: CancellationToken,
    /// Everything that is at work for the socket.
    pub(in super::super) tasks: TaskTracker,
}

/// How many peers there are.
#[derive(Debug)]
pub(in super::super) struct Reach {
    peers: AtomicUsize,
    /// What became of the way to an address; `None` as long as it is tried for the first time.
    way: watch::Sender<Option<Result<(), String>>>,
}

/// More connections to one socket than that are not accepted.
const MOST_PEERS: usize = 4096;
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(5);
/// A connection that lived that long was a good one: the next attempt comes soon.
const GOOD: Duration = Duration::from_secs(1);

impl Link {
    /// Listens at the address.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub(in super::super) async fn listen(&self) -> Result<TcpListener> {
        let address = &self.address;
        let listening = TcpListener::bind((address.listening_host(), address.port())).await;
        listening.map_err(|error| {
            let advice = match error.kind() {
                io::ErrorKind::AddrInUse => {
                    "; stop what listens there (`ss -ltnp` names it), or choose another address"
                }
                _ => "",
            };
            let what = &self.faults.what;
            Error::from(error).context(format!("{what} cannot listen at `{address}`{advice}"))
        })
    }

    /// Accepts peers until the end.
    pub(in super::super) async fn accept<S: Serve>(self, listener: TcpListener, cx: Context, socket: Arc<S>) {
        let room = Arc::new(Semaphore::new(MOST_PEERS));
        while let Some(accepted) = self.ending.run_until_cancelled(listener.accept()).await {
            let (stream, _) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.faults.note(format_args!("a connection cannot be accepted: {error}"));
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
                self.faults.note(format_args!("a connection is not accepted: there are {MOST_PEERS} already"));
                continue;
            };
            let (link, socket) = (self.clone(), Arc::clone(&socket));
            cx.spawn_detached(self.tasks.track_future(async move {
                let _place = place;
                match link.shake_hands(stream).await {
                    Ok(peer) => {
                        let address = peer.address;
                        let ended = link.reach.with(socket.serve(peer)).await;
                        if let Err(error) = ended {
                            tracing::debug!("{}: {address} has gone: {error:#}", link.faults.what);
                        }
                    }
                    Err(error) => link.faults.note(format_args!("a peer is refused: {error:#}")),
                }
            }));
        }
    }

    /// Goes to the address, again and again, until the end. A loss and the return are a line each in the log.
    pub(in super::super) async fn dial<S: Serve>(self, socket: Arc<S>) {
        let (what, address) = (&self.faults.what, &self.address);
        let (first, most) = self.rest;
        let mut rest = first;
        let mut lost: Option<Instant> = None;
        loop {
            let reached = self.ending.run_until_cancelled(self.connect()).await;
            let began = Instant::now();
            match reached {
                None => return,
                Some(Ok(peer)) => {
                    if let Some(lost) = lost.take() {
                        tracing::info!("{what}: `{address}` is reached again, after {:.1?}", lost.elapsed());
                    }
                    let ended = self.reach.with(socket.serve(peer)).await;
                    if self.ending.is_cancelled() {
                        return;
                    }
                    let error = ended.err().unwrap_or_else(|| Error::msg("it ended"));
                    tracing::warn!("{what}: `{address}` is lost, and tried again: {error:#}");
                    lost = Some(Instant::now());
                    self.reach.fails(&error);
                }
                Some(Err(error)) => {
                    if lost.is_none() {
                        tracing::warn!("{what}: `{address}` is not reached, and tried again: {error:#}");
                        lost = Some(Instant::now());
                    }
                    self.reach.fails(&error);
                }
            }
            if began.elapsed() >= GOOD {
                rest = first;
            }
            // Half of it by chance: those who lost the same peer do not come back as one.
            let jittered = rest.mul_f64(0.5 + fastrand::f64() / 2.0);
            if self.ending.run_until_cancelled(sleep(jittered)).await.is_none() {
                return;
            }
            rest = (2 * rest).min(most);
        }
    }

    async fn connect(&self) -> Result<Peer> {
        let connecting = TcpStream::connect((self.address.host(), self.address.port()));
        let stream = match timeout(CONNECT, connecting).await {
            Ok(stream) => stream?,
            Err(_) => return Err(Error::unavailable(Error::msg(format!("no connection within {CONNECT:?}")))),
        };
        self.shake_hands(stream).await
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<Peer> {
        stream.set_nodelay(true)?;
        watch_over(&stream, self.kind)?;
        shake_hands(stream, self.kind, self.limit).await
    }
}

/// A peer that has gone without a word is found out in a minute while nothing is sent to it.
///
/// Where requests and answers go to and fro it is found out in half of that, whatever is sent. What is pushed and published
/// waits for as long as its peer takes: to the system, one that does not read for want of room is like one that has gone.
fn watch_over(stream: &TcpStream, kind: SocketKind) -> io::Result<()> {
    let socket = socket2::SockRef::from(stream);
    let keepalive =
        socket2::TcpKeepalive::new().with_time(Duration::from_secs(15)).with_interval(Duration::from_secs(5));
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    if matches!(kind, SocketKind::Dealer | SocketKind::Rep) {
        socket.set_tcp_user_timeout(Some(Duration::from_secs(30)))?;
    }
    Ok(())
}

impl Reach {
    pub(in super::super) fn new() -> Self {
        Self { peers: AtomicUsize::new(0), way: watch::Sender::new(None) }
    }

    /// How many peers there are now.
    pub(in super::super) fn peers(&self) -> usize {
        self.peers.load(Ordering::Relaxed)
    }

    /// Why an address is not reached at the moment.
    pub(in super::super) fn trouble(&self) -> Option<String> {
        self.way.borrow().as_ref()?.as_ref().err().cloned()
    }

    /// Waits for the first attempt; whether it was a good one.
    pub(in super::super) async fn first(&self) -> bool {
        let mut way = self.way.subscribe();
        way.wait_for(Option::is_some).await.is_ok_and(|way| matches!(*way, Some(Ok(()))))
    }

    async fn with<T>(&self, serving: impl Future<Output = T>) -> T {
        /// Also when it is cancelled.
        struct Here<'a>(&'a Reach);
        impl Drop for Here<'_> {
            fn drop(&mut self) {
                self.0.peers.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.peers.fetch_add(1, Ordering::Relaxed);
        let _here = Here(self);
        self.way.send_replace(Some(Ok(())));
        serving.await
    }

    fn fails(&self, error: &Error) {
        self.way.send_replace(Some(Err(format!("{error:#}"))));
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn only_where_each_side_reads_soon_is_silence_a_loss() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        for (kind, is_watched) in [
            (SocketKind::Dealer, true),
            (SocketKind::Rep, true),
            (SocketKind::Push, false),
            (SocketKind::Pull, false),
            (SocketKind::Pub, false),
            (SocketKind::Sub, false),
        ] {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            watch_over(&stream, kind).unwrap();
            let socket = socket2::SockRef::from(&stream);
            assert_eq!(socket.tcp_user_timeout().unwrap().is_some(), is_watched, "{kind:?}");
            assert!(socket.keepalive().unwrap());
        }
    }
}
