//! A server as its resource sees it: open, change, close, drain, stop.

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    io::{DuplexStream, duplex},
    time::timeout,
};

use super::{
    ConnectionSettings, Exchange, Listener, Peer, Spawner, Statistics, TestClient,
    accept::{Acceptor, Failures, Gate},
    change::Change,
    connection::{self, Speech},
    connections::Connections,
    door::Door,
    peer::Stage,
    tls::Tls,
    transport::Stream,
};
use crate::{Health, HealthStatus, Result};

/// How long a cut waits for connections to let go; only a handler that blocks its thread takes longer.
const CUT_WAIT: Duration = Duration::from_secs(1);

/// How many bytes a client in the process may send before it is read.
const MEMORY_PIPE: usize = 64 * 1024;

/// A server on a bound address.
pub(crate) struct Server {
    connections: Arc<Connections>,
    /// The last one is in use; those before it are being left.
    doors: Mutex<Vec<Door>>,
    /// How clients in the process speak, but for TLS.
    speech: Arc<ArcSwap<Speech>>,
    serve: Serve,
    connect: Arc<dyn Fn() -> DuplexStream + Send + Sync>,
}

/// Begins to serve whoever came through the door of that number.
type Serve = Arc<dyn Fn(Stream, SocketAddr, u32, &ArcSwap<Speech>) + Send + Sync>;

/// No address is left for that of a client in the process.
const IN_PROCESS: u32 = u32::MAX;

/// What a stop cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct CutOff {
    pub(crate) connections: usize,
    pub(crate) exchanges: usize,
}

impl Server {
    pub(super) fn new(
        listener: Listener,
        settings: &ConnectionSettings,
        exchange: impl Exchange,
        spawner: Spawner,
    ) -> Self {
        let speech = Arc::new(ArcSwap::from_pointee(Speech::new(settings, None, &spawner)));
        let connections = Arc::new(Connections::new(settings, spawner, listener.figures.as_ref()));
        let serve: Serve = {
            let connections = Arc::clone(&connections);
            Arc::new(move |stream, address, door, speech| {
                let registration = connections.register(address, door);
                // By what is in force once it is listed, so that a change misses nobody.
                let work = connection::serve(stream, registration, exchange.clone(), speech.load_full());
                connections.spawner.spawn(work);
            })
        };
        let connect = {
            let (serve, speech) = (Arc::clone(&serve), Arc::clone(&speech));
            move || {
                let (client, server) = duplex(MEMORY_PIPE);
                serve(Stream::Memory(server), Peer::in_process(), IN_PROCESS, &speech);
                client
            }
        };
        let server = Self { connections, doors: Mutex::default(), speech, serve, connect: Arc::new(connect) };
        let tls = listener.tls.clone();
        server.keep_fresh(tls.as_ref());
        let door = server.door(0, listener, settings, tls);
        server.doors().push(door);
        server
    }

    /// Puts an acceptor behind an address, which waits for the door to open.
    fn door(&self, number: u32, listener: Listener, settings: &ConnectionSettings, tls: Option<Arc<Tls>>) -> Door {
        let speech = Speech::new(settings, tls, &self.connections.spawner);
        let (door, listener, gate) = Door::new(number, listener, speech);
        let (serve, speech) = (Arc::clone(&self.serve), Arc::clone(&door.speech));
        let acceptor = Acceptor {
            listener,
            gate,
            connections: Arc::clone(&self.connections),
            is_closing: false,
            admit: move |stream, address| serve(Stream::Tcp(stream), address, number, &speech),
            latest: None,
            at_the_door: None,
            failures: Failures::default(),
        };
        self.connections.spawner.spawn(acceptor.run());
        door
    }

    fn keep_fresh(&self, tls: Option<&Arc<Tls>>) {
        if let Some(tls) = tls {
            self.connections.spawner.spawn(Arc::clone(tls).keep_fresh());
        }
    }

    /// The bound address.
    pub(crate) fn address(&self) -> SocketAddr {
        let unbound = || SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        self.doors().last().map_or_else(unbound, |door| door.address)
    }

    /// Whether it could listen at `address` too; tries it out, and nobody can connect meanwhile.
    ///
    /// # Errors
    /// As [`Listener::bind`].
    pub(crate) async fn can_move_to(&self, address: SocketAddr, path: &str) -> Result<()> {
        self.left(address).await;
        self.doors().last().map_or(Ok(()), |door| Listener::try_beside(door, address, path))
    }

    pub(super) async fn bind_beside(
        &self,
        address: SocketAddr,
        settings: &ConnectionSettings,
        path: &str,
    ) -> Result<Listener> {
        self.left(address).await;
        match self.doors().last() {
            Some(door) => Listener::bind_beside(door, address, settings, path),
            None => Listener::bind(address, settings, path),
        }
    }

    /// Waits until the port of `address` is free of this server, which may be just leaving it.
    async fn left(&self, address: SocketAddr) {
        let leaving: Vec<_> = {
            let doors = self.doors();
            let others = doors.iter().rev().skip(1);
            others.filter(|door| door.address.port() == address.port()).map(Door::closing).collect()
        };
        for gate in leaving {
            gate.closed().await;
        }
    }

    /// Begins to change it; `path` is where it was set.
    pub(crate) fn changes<'a>(&'a self, settings: &'a ConnectionSettings, path: &'a str) -> Change<'a> {
        Change::new(self, settings, path)
    }

    /// Goes on with other settings: connections there are by their limits, new ones by all of them.
    ///
    /// An address is left once the next one is open: who has connected is served and told to come again.
    pub(super) fn change(&self, change: Change<'_>) {
        let Change { settings, tls, ends_present, listener, .. } = change;
        let spawner = &self.connections.spawner;
        self.connections.set_limits(settings);
        self.speech.store(Arc::new(Speech::new(settings, None, spawner)));
        let mut doors = self.doors();
        let Some(door) = doors.last() else { return };
        let tls = match tls {
            None => door.speech.load().tls.clone(),
            Some(tls) => {
                self.keep_fresh(tls.as_ref());
                tls
            }
        };
        match listener {
            Some(listener) => {
                let next = self.door(door.number + 1, listener, settings, tls);
                next.turn(door.gate());
                doors.retain(|door| !door.is_closed());
                doors.iter().for_each(|door| door.turn(Gate::Closing));
                self.connections.leave_for(next.number);
                doors.push(next);
            }
            None => {
                door.speech.store(Arc::new(Speech::new(settings, tls, spawner)));
                if let Err(error) = door.set_backlog(settings.backlog) {
                    tracing::warn!("the `backlog` of `{}` stays as it was: {error}", door.address);
                }
            }
        }
        if ends_present {
            self.connections.end_present();
        }
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
        self.closed().await;
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
        self.closed().await;
        cut
    }

    /// Its figures.
    pub(crate) fn statistics(&self) -> Statistics {
        self.connections.statistics()
    }

    /// How it is: its certificate, and whether it can accept.
    pub(crate) fn health(&self) -> Health {
        let speech = self.doors().last().map(|door| door.speech.load_full());
        let tls = speech.as_ref().and_then(|speech| speech.tls.as_ref());
        let health = tls.map_or_else(Health::pass, |tls| tls.health());
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
        Arc::clone(self.connections.register(Peer::in_process(), IN_PROCESS).peer())
    }

    #[cfg(test)]
    pub(super) fn is_crowded_for_test(&self) -> bool {
        self.connections.is_crowded()
    }

    #[cfg(test)]
    pub(super) fn is_closing_for_test(&self) -> bool {
        self.doors().iter().all(|door| door.gate() >= Gate::Closing)
    }

    fn turn(&self, to: Gate) {
        self.doors().iter().for_each(|door| door.turn(to));
    }

    /// Waits until every address is closed.
    async fn closed(&self) {
        let gates: Vec<_> = self.doors().iter().map(Door::closing).collect();
        for gate in gates {
            gate.closed().await;
        }
    }

    fn doors(&self) -> MutexGuard<'_, Vec<Door>> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.cut();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("doors", &*self.doors()).finish_non_exhaustive()
    }
}
