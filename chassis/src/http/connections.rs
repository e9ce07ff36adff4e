//! The connections of one server: who there is, when all are gone, and what happened to them.

use std::{
    any::Any,
    collections::HashMap,
    fmt,
    future::Future,
    io, mem,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use super::{
    ConnectionSettings, Figures, Peer, Spawner, Statistics, descriptors::affordable, patience::Limits, peer::Stage,
    statistics::Counters,
};
use crate::process::Panic;

/// The connections of one server.
pub(super) struct Connections {
    pub(super) spawner: Spawner,
    list: Mutex<List>,
    /// Work that requests left unfinished.
    background: AtomicUsize,
    /// A connection or unfinished work has ended.
    ended: Notify,
    pub(super) counters: Counters,
    /// Why nobody can be accepted at the moment.
    accept_problem: Mutex<Option<String>>,
    /// How many there may be.
    max: AtomicUsize,
    /// Whether clients wait for room, so that connections end with the answers they get.
    is_crowded: AtomicBool,
}

struct List {
    peers: HashMap<u64, Arc<Peer>>,
    /// What new ones begin with.
    stage: Stage,
    /// The address in use; who comes through one before it is told to come again.
    door: u32,
    limits: Limits,
    lines: Lines,
}

/// Limits the lines about troubles to some per second.
#[derive(Debug, Default)]
struct Lines {
    /// The second that is under way.
    second: Option<Instant>,
    /// Lines within it.
    told: u32,
    /// Troubles without a line since the latest one with.
    untold: u64,
}

impl Lines {
    const PER_SECOND: u32 = 10;

    /// How many troubles were not told, if this one may be.
    fn next(&mut self, now: Instant) -> Option<u64> {
        let is_new = self.second.is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1));
        if is_new {
            (self.second, self.told) = (Some(now), 0);
        }
        if self.told == Self::PER_SECOND {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        Some(mem::take(&mut self.untold))
    }
}

impl Connections {
    pub(super) fn new(settings: &ConnectionSettings, spawner: Spawner, figures: Option<&Figures>) -> Self {
        let list = List {
            peers: HashMap::new(),
            stage: Stage::Open,
            door: 0,
            limits: Limits::from(settings),
            lines: Lines::default(),
        };
        Self {
            spawner,
            list: Mutex::new(list),
            background: AtomicUsize::new(0),
            ended: Notify::new(),
            counters: Counters::new(figures),
            accept_problem: Mutex::new(None),
            max: AtomicUsize::new(affordable(settings.max_connections)),
            is_crowded: AtomicBool::new(false),
        }
    }

    /// Lists a new connection until the registration is dropped; `door` is how it came.
    pub(super) fn register(self: &Arc<Self>, address: SocketAddr, door: u32) -> Registration {
        static NEXT: AtomicU64 = AtomicU64::new(1);

        let connection = NEXT.fetch_add(1, Relaxed);
        let mut list = self.lock();
        let stage = if door < list.door { list.stage.max(Stage::Closing) } else { list.stage };
        let peer = Arc::new(Peer::new(connection, address, door, Arc::clone(self), stage));
        list.peers.insert(connection, Arc::clone(&peer));
        self.counters.set_open(list.peers.len());
        self.counters.accepted.inc();
        Registration { peer }
    }

    pub(super) fn set_stage(&self, stage: Stage) {
        let peers: Vec<_> = {
            let mut list = self.lock();
            list.stage = list.stage.max(stage);
            list.peers.values().cloned().collect()
        };
        for peer in peers {
            peer.set_stage(stage);
        }
    }

    /// Says goodbye to everybody who came through a door before this one, or will.
    pub(super) fn leave_for(&self, door: u32) {
        let leaving: Vec<_> = {
            let mut list = self.lock();
            list.door = list.door.max(door);
            list.peers.values().filter(|peer| peer.door() < door).cloned().collect()
        };
        leaving.iter().for_each(|peer| peer.set_stage(Stage::Closing));
    }

    /// Says goodbye to everybody who is here, and to nobody who comes.
    pub(super) fn end_present(&self) {
        let present: Vec<_> = self.lock().peers.values().cloned().collect();
        present.iter().for_each(|peer| peer.set_stage(Stage::Closing));
    }

    /// Lets all go on with other limits, those who wait included.
    pub(super) fn set_limits(&self, settings: &ConnectionSettings) {
        let present: Vec<_> = {
            let mut list = self.lock();
            list.limits = Limits::from(settings);
            list.peers.values().cloned().collect()
        };
        present.iter().for_each(|peer| peer.call());
        self.max.store(affordable(settings.max_connections), Relaxed);
        self.ended.notify_waiters();
    }

    /// What each may keep its server waiting.
    pub(super) fn limits(&self) -> Limits {
        self.lock().limits
    }

    pub(super) fn len(&self) -> usize {
        self.lock().peers.len()
    }

    /// Waits until there is room for another connection; meanwhile nobody keeps one longer than needed.
    pub(super) async fn room(&self) {
        struct Crowd<'a>(&'a AtomicBool);
        impl Drop for Crowd<'_> {
            fn drop(&mut self) {
                self.0.store(false, Relaxed);
            }
        }
        let max = || self.max.load(Relaxed);
        if self.len() < max() {
            return;
        }
        self.is_crowded.store(true, Relaxed);
        let _crowd = Crowd(&self.is_crowded);
        self.close_idle(max() / 64 + 1);
        self.wait(|| self.len() < max()).await;
    }

    /// Whether answers shall end their connections.
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded.load(Relaxed)
    }

    /// Lets go of some connections that have had their requests, the oldest first.
    fn close_idle(&self, count: usize) {
        let mut idle: Vec<_> = {
            let list = self.lock();
            list.peers.values().filter(|peer| peer.is_idle()).cloned().collect()
        };
        idle.sort_unstable_by_key(|peer| peer.connection());
        for peer in idle.into_iter().take(count) {
            peer.set_stage(Stage::Closing);
        }
    }

    pub(super) async fn ended(&self) {
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
        self.counters.refused_heads.inc();
        self.tell(peer, format_args!("refused what is no request: {error}"));
    }

    /// Notes a head that did not arrive in time.
    pub(super) fn timed_out_head(&self, peer: &Peer) {
        self.counters.timed_out_heads.inc();
        self.tell(peer, format_args!("no request arrived in time"));
    }

    /// Notes that a client and TLS did not come together.
    pub(super) fn failed_handshake(&self, peer: &Peer, error: &io::Error) {
        self.counters.failed_handshakes.inc();
        self.tell(peer, format_args!("the TLS handshake failed: {error}"));
    }

    /// Notes a client that did not take its answer.
    pub(super) fn stalled(&self, peer: &Peer) {
        self.counters.stalled.inc();
        self.tell(peer, format_args!("the client does not take its answer"));
    }

    /// Notes a panic that nobody above has caught.
    pub(super) fn panicked(&self, peer: &Peer, panic: &(dyn Any + Send)) {
        self.counters.panicked.inc();
        let panic = Panic::caught(panic);
        tracing::error!(connection = peer.connection(), ip = %peer.address().ip(), "a connection panicked: {panic}");
    }

    /// Whoever sends rubbish must not fill the log with it.
    fn tell(&self, peer: &Peer, what: fmt::Arguments<'_>) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let Some(untold) = self.lock().lines.next(Instant::now()) else { return };
        tracing::debug!(connection = peer.connection(), ip = %peer.address().ip(), untold, "{what}");
    }

    /// Notes why nobody can be accepted, or that it works again.
    pub(super) fn set_accept_problem(&self, problem: Option<String>) {
        *self.accept_problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    pub(super) fn cannot_accept(&self) -> Option<String> {
        self.accept_problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn statistics(&self) -> Statistics {
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
        let mut list = connections.lock();
        list.peers.remove(&self.peer.connection());
        connections.counters.set_open(list.peers.len());
        drop(list);
        connections.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_beyond_ten_a_second_are_counted_instead_of_told() {
        let (mut lines, start) = (Lines::default(), Instant::now());
        let told = (0..25).filter_map(|_| lines.next(start)).count();
        assert_eq!(told, 10);
        assert_eq!(lines.next(start + Duration::from_secs(1)), Some(15));
        assert_eq!(lines.next(start + Duration::from_secs(1)), Some(0));
    }
}
