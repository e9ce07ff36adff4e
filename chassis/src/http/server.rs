//! A server as its resource sees it: open, close, drain, stop; and the list of its connections.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{DuplexStream, duplex},
    net::TcpListener,
    sync::watch,
    time::timeout,
};

use super::{
    ConnectionSettings, Exchange, Figures, Peer, Spawner, Statistics, TestClient,
    accept::{Acceptor, Failures, Gate},
    connection::{self, Speech},
    connections::Connections,
    descriptors::affordable,
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

impl Server {
    pub(super) fn new(
        listener: TcpListener,
        address: SocketAddr,
        settings: &ConnectionSettings,
        tls: Option<Arc<Tls>>,
        figures: Option<&Figures>,
        exchange: impl Exchange,
        spawner: Spawner,
    ) -> Self {
        let (gate, watch) = watch::channel(Gate::Bound);
        let speech = Arc::new(Speech::new(settings, tls.clone(), &spawner));
        let connections = Arc::new(Connections::new(spawner, figures));
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
            max_connections: affordable(settings.max_connections),
            hold: settings.idle_hold,
            admit: move |stream, address| serve(Stream::Tcp(stream), address),
            latest: None,
            at_the_door: None,
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
    pub(super) fn is_crowded_for_test(&self) -> bool {
        self.connections.is_crowded()
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
