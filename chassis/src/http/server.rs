//! A server as its resource sees it: open, close, drain, stop; and the list of its connections.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{DuplexStream, duplex},
    net::TcpListener,
    sync::{Notify, watch},
    time::timeout,
};

use super::{
    ConnectionSettings, Exchange, Peer, Spawner, TestClient,
    accept::{Acceptor, Failures, Gate},
    connection::{self, Speech},
    peer::Stage,
    tls::Tls,
    transport::Stream,
};
use crate::{Health, HealthStatus};

/// How long a cut waits for connections to let go; only a handler that blocks its thread takes longer.
const CUT_WAIT: Duration = Duration::from_secs(1);

/// How many bytes a client in the process may send before it is read.
const MEMORY_PIPE: usize = 64 * 1024;

/// A server on a bound address.
pub(crate) struct Server {
    address: SocketAddr,
    gate: watch::Sender<Gate>,
    connections: Arc<Connections>,
    tls: Option<Arc<Tls>>,
    connect: Arc<dyn Fn() -> DuplexStream + Send + Sync>,
}

/// What a stop cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CutOff {
    pub(crate) connections: usize,
    pub(crate) exchanges: usize,
}

impl CutOff {
    pub(crate) fn is_nothing(self) -> bool {
        self.exchanges == 0
    }
}

/// Figures of a server since it was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Statistics {
    /// Connections there are.
    pub(crate) open: usize,
    /// Exchanges there are.
    pub(crate) in_flight: usize,
    pub(crate) accepted: u64,
    /// What was no HTTP, or had a head too large.
    pub(crate) refused_heads: u64,
    /// Heads that did not arrive in time.
    pub(crate) timed_out_heads: u64,
    /// TLS handshakes that failed.
    pub(crate) failed_handshakes: u64,
    /// Connections closed because no request came.
    pub(crate) idle: u64,
    /// Connections closed because the client did not take its answer.
    pub(crate) stalled: u64,
    /// Connections closed by a panic.
    pub(crate) panicked: u64,
    /// Failures to accept, such as having no file descriptor left.
    pub(crate) accept_errors: u64,
}

impl Server {
    pub(super) fn new(
        listener: TcpListener,
        address: SocketAddr,
        settings: &ConnectionSettings,
        tls: Option<Arc<Tls>>,
        exchange: impl Exchange,
        spawner: Spawner,
    ) -> Self {
        let (gate, watch) = watch::channel(Gate::Bound);
        let speech = Arc::new(Speech::new(settings, tls.clone(), &spawner));
        let connections = Arc::new(Connections::new(spawner));
        let serve = {
            let connections = Arc::clone(&connections);
            move |stream, address| {
                let registration = connections.register(address);
                let work = connection::serve(stream, registration, exchange.clone(), Arc::clone(&speech));
                connections.spawner.spawn(work);
            }
        };
        let connect = {
            let serve = serve.clone();
            move || {
                let (client, server) = duplex(MEMORY_PIPE);
                serve(Stream::Memory(server), Peer::in_process());
                client
            }
        };
        let acceptor = Acceptor {
            listener,
            gate: watch,
            connections: Arc::clone(&connections),
            max_connections: settings.max_connections,
            hold: settings.idle_hold,
            admit: move |stream, address| serve(Stream::Tcp(stream), address),
            latest: None,
            failures: Failures::default(),
        };
        connections.spawner.spawn(acceptor.run());
        if let Some(tls) = &tls {
            connections.spawner.spawn(Arc::clone(tls).keep_fresh());
        }
        Self { address, gate, connections, tls, connect: Arc::new(connect) }
    }

    /// The bound address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts from now on.
    pub(crate) fn open(&self) {
        self.turn(Gate::Open);
    }

    /// Says goodbye with every answer from now on, serves who has connected, and closes the address.
    ///
    /// At once when there is no connection.
    ///
    /// # Cancel safety
    /// Safe: it goes on by itself.
    pub(crate) async fn close(&self) {
        self.connections.set_stage(Stage::Closing);
        self.turn(Gate::Closing);
        self.gate.closed().await;
    }

    /// Waits until every connection has ended and what was left unfinished is done.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost by dropping it.
    pub(crate) async fn drain(&self) {
        self.connections.ended().await;
    }

    /// Ends what is left, and says how much that was.
    pub(crate) async fn stop(&self) -> CutOff {
        let cut = self.cut();
        // Who does not let go is cancelled with the server's other background work.
        let _ = timeout(CUT_WAIT, self.connections.ended()).await;
        self.gate.closed().await;
        cut
    }

    /// Its figures.
    pub(crate) fn statistics(&self) -> Statistics {
        self.connections.statistics()
    }

    /// How it is: its certificate, and whether it can accept.
    pub(crate) fn health(&self) -> Health {
        let health = self.tls.as_ref().map_or_else(Health::pass, |tls| tls.health());
        match self.connections.cannot_accept() {
            Some(problem) if health.status() == HealthStatus::Pass => Health::warn(problem),
            _ => health,
        }
    }

    /// A client in the same process, which needs no socket and so runs on a paused clock too.
    pub(crate) fn client(&self) -> TestClient {
        TestClient::new(Arc::clone(&self.connect))
    }

    fn cut(&self) -> CutOff {
        let statistics = self.statistics();
        self.connections.set_stage(Stage::Cut);
        self.turn(Gate::Cut);
        CutOff { connections: statistics.open, exchanges: statistics.in_flight }
    }

    #[cfg(test)]
    pub(super) fn register_for_test(&self) -> Arc<Peer> {
        Arc::clone(self.connections.register(Peer::in_process()).peer())
    }

    #[cfg(test)]
    pub(super) fn is_closing_for_test(&self) -> bool {
        *self.gate.borrow() >= Gate::Closing
    }

    fn turn(&self, to: Gate) {
        self.gate.send_if_modified(|gate| {
            let is_later = *gate < to;
            *gate = to.max(*gate);
            is_later
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cut();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("gate", &*self.gate.borrow())
            .finish_non_exhaustive()
    }
}

/// The connections of one server.
pub(super) struct Connections {
    spawner: Spawner,
    list: Mutex<List>,
    /// Work that requests left unfinished.
    background: AtomicUsize,
    /// A connection or unfinished work has ended.
    ended: Notify,
    pub(super) counters: Counters,
    /// Why nobody can be accepted at the moment.
    accept_problem: Mutex<Option<String>>,
}

struct List {
    peers: HashMap<u64, Arc<Peer>>,
    /// What new ones begin with.
    stage: Stage,
}

/// What has happened so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: Counter,
    refused_heads: Counter,
    timed_out_heads: Counter,
    failed_handshakes: Counter,
    pub(super) idle: Counter,
    pub(super) stalled: Counter,
    pub(super) panicked: Counter,
    pub(super) accept_errors: Counter,
}

/// Counts what happens to connections, not to requests, so it needs no stripes.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Connections {
    pub(super) fn new(spawner: Spawner) -> Self {
        let list = List { peers: HashMap::new(), stage: Stage::Open };
        Self {
            spawner,
            list: Mutex::new(list),
            background: AtomicUsize::new(0),
            ended: Notify::new(),
            counters: Counters::default(),
            accept_problem: Mutex::new(None),
        }
    }

    /// Lists a new connection until the registration is dropped.
    fn register(self: &Arc<Self>, address: SocketAddr) -> Registration {
        static NEXT: AtomicU64 = AtomicU64::new(1);

        let connection = NEXT.fetch_add(1, Relaxed);
        let mut list = self.lock();
        let peer = Arc::new(Peer::new(connection, address, Arc::clone(self), list.stage));
        list.peers.insert(connection, Arc::clone(&peer));
        self.counters.accepted.add(1);
        Registration { peer }
    }

    fn set_stage(&self, stage: Stage) {
        let peers: Vec<_> = {
            let mut list = self.lock();
            list.stage = list.stage.max(stage);
            list.peers.values().cloned().collect()
        };
        for peer in peers {
            peer.set_stage(stage);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().peers.len()
    }

    /// Waits until there are fewer than `max` connections.
    pub(super) async fn room(&self, max: usize) {
        self.wait(|| self.len() < max).await;
    }

    async fn ended(&self) {
        self.wait(|| self.len() == 0 && self.background.load(Relaxed) == 0).await;
    }

    async fn wait(&self, is_so: impl Fn() -> bool) {
        loop {
            if is_so() {
                return;
            }
            let ended = self.ended.notified();
            // What ends from here on is noticed.
            if is_so() {
                return;
            }
            ended.await;
        }
    }

    pub(super) fn finish_in_background(self: &Arc<Self>, rest: impl Future<Output = ()> + Send + 'static) {
        struct Unfinished(Arc<Connections>);
        impl Drop for Unfinished {
            fn drop(&mut self) {
                self.0.background.fetch_sub(1, Relaxed);
                self.0.ended.notify_waiters();
            }
        }
        self.background.fetch_add(1, Relaxed);
        let unfinished = Unfinished(Arc::clone(self));
        self.spawner.spawn(async move {
            rest.await;
            drop(unfinished);
        });
    }

    /// Notes what hyper refused before there was a request.
    pub(super) fn refused_head(&self, peer: &Peer, error: &hyper::Error) {
        self.counters.refused_heads.add(1);
        tracing::debug!(connection = peer.connection(), ip = %peer.address().ip(), "refused what is no request: {error}");
    }

    /// Notes that a client and TLS did not come together.
    pub(super) fn failed_handshake(&self, peer: &Peer, error: &io::Error) {
        self.counters.failed_handshakes.add(1);
        tracing::debug!(connection = peer.connection(), ip = %peer.address().ip(), "the TLS handshake failed: {error}");
    }

    /// Notes why nobody can be accepted, or that it works again.
    pub(super) fn set_accept_problem(&self, problem: Option<String>) {
        *self.accept_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn cannot_accept(&self) -> Option<String> {
        self.accept_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a head that did not arrive in time.
    pub(super) fn timed_out_head(&self, peer: &Peer) {
        self.counters.timed_out_heads.add(1);
        tracing::debug!(connection = peer.connection(), ip = %peer.address().ip(), "no request arrived in time");
    }

    fn statistics(&self) -> Statistics {
        let (open, in_flight) = {
            let list = self.lock();
            (list.peers.len(), list.peers.values().map(|peer| peer.in_flight()).sum::<usize>())
        };
        let counters = &self.counters;
        Statistics {
            open,
            in_flight: in_flight + self.background.load(Relaxed),
            accepted: counters.accepted.get(),
            refused_heads: counters.refused_heads.get(),
            timed_out_heads: counters.timed_out_heads.get(),
            failed_handshakes: counters.failed_handshakes.get(),
            idle: counters.idle.get(),
            stalled: counters.stalled.get(),
            panicked: counters.panicked.get(),
            accept_errors: counters.accept_errors.get(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a connection on the list of its server.
pub(super) struct Registration {
    peer: Arc<Peer>,
}

impl Registration {
    pub(super) fn peer(&self) -> &Arc<Peer> {
        &self.peer
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let connections = self.peer.connections();
        connections.lock().peers.remove(&self.peer.connection());
        connections.ended.notify_waiters();
    }
}
