//! The other end of a connection, and what its exchanges and its task tell each other.

use std::{
    collections::HashMap,
    future::Future,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{
            AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    task::Waker,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::time::Instant;

use super::{TlsInfo, connections::Connections};

/// One connection: who is there, and how far it is.
///
/// The counters are written by the connection's own task (and those of its HTTP/2 streams) and read by whoever asks,
/// so that a request touches nothing that other connections touch.
pub(crate) struct Peer {
    connection: u64,
    address: SocketAddr,
    connections: Arc<Connections>,
    opened: Instant,
    /// Through which of its server's addresses it came.
    door: u32,
    stage: AtomicU8,
    /// Wakes the connection's task.
    waker: AtomicWaker,
    /// How often that was used up.
    calls: AtomicU32,
    in_flight: AtomicUsize,
    requests: AtomicU64,
    /// When the latest request began, in nanoseconds after `opened`.
    began: AtomicU64,
    /// Whether bytes came that no exchange has taken.
    has_bytes: AtomicBool,
    /// Whether the socket takes nothing at the moment.
    is_blocked: AtomicBool,
    written: AtomicU64,
    is_read_to_end: AtomicBool,
    /// Whether the latest request came with a body.
    had_body: AtomicBool,
    /// Nanoseconds after `opened`; zero when the exchange has none.
    deadline: AtomicU64,
    is_past_deadline: AtomicBool,
    is_http2: AtomicBool,
    tls: OnceLock<TlsInfo>,
    /// Answers on HTTP/2 that wait for their client to take more, by number, and since when.
    waiting: Mutex<HashMap<u64, Instant>>,
}

/// How a connection shall go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// Takes requests.
    Open,
    /// Answers what comes, and says that it closes.
    Closing,
    /// Ends at once.
    Cut,
}

impl Peer {
    pub(super) fn new(
        connection: u64,
        address: SocketAddr,
        door: u32,
        connections: Arc<Connections>,
        stage: Stage,
    ) -> Self {
        Self {
            connection,
            address,
            connections,
            opened: Instant::now(),
            door,
            stage: AtomicU8::new(stage as u8),
            waker: AtomicWaker::new(),
            calls: AtomicU32::new(0),
            in_flight: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
            began: AtomicU64::new(0),
            has_bytes: AtomicBool::new(false),
            is_blocked: AtomicBool::new(false),
            written: AtomicU64::new(0),
            is_read_to_end: AtomicBool::new(false),
            had_body: AtomicBool::new(false),
            deadline: AtomicU64::new(0),
            is_past_deadline: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            tls: OnceLock::new(),
            waiting: Mutex::default(),
        }
    }

    /// The address of a client in the same process.
    pub(super) fn in_process() -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }

    /// The remote address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A number that no other connection of the process has.
    pub(crate) fn connection(&self) -> u64 {
        self.connection
    }

    /// What the TLS handshake agreed on; `None` in clear text.
    pub(crate) fn tls(&self) -> Option<&TlsInfo> {
        self.tls.get()
    }

    pub(super) fn set_tls(&self, info: TlsInfo) {
        // There is one handshake.
        let _ = self.tls.set(info);
    }

    /// Whether the connection ends after the exchanges it has.
    pub(crate) fn is_closing(&self) -> bool {
        self.stage() != Stage::Open
    }

    /// Whether an answer has to say that the connection closes after it.
    pub(super) fn is_last_exchange(&self) -> bool {
        !self.is_http2() && (self.is_closing() || self.connections.is_crowded())
    }

    /// Runs what a request left unfinished: a drain waits for it, a stop cuts it off.
    pub(crate) fn finish_in_background(&self, rest: impl Future<Output = ()> + Send + 'static) {
        self.connections.finish_in_background(rest);
    }

    pub(super) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }

    pub(super) fn opened(&self) -> Instant {
        self.opened
    }

    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Relaxed) {
            0 => Stage::Open,
            1 => Stage::Closing,
            _ => Stage::Cut,
        }
    }

    /// Moves to a later stage; never back.
    pub(super) fn set_stage(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Relaxed);
        self.call();
    }

    /// Wakes the connection's task, so that it looks at what has changed.
    pub(super) fn call(&self) {
        let waker = self.waker.take();
        // Between the two, so that whoever is woken knows that the waker has to be registered again.
        self.calls.fetch_add(1, Release);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// How often the task was called; a waker that was registered since then is still there.
    pub(super) fn calls(&self) -> u32 {
        self.calls.load(Acquire)
    }

    /// Lets `waker` be woken by the next call.
    pub(super) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    /// Through which of its server's addresses it came.
    pub(super) fn door(&self) -> u32 {
        self.door
    }

    /// Counts an exchange that begins now.
    pub(super) fn begin_exchange(&self, has_body: bool, now: Instant) {
        self.add_in_flight(1);
        self.began.store(self.nanos(now), Relaxed);
        // Heads are read by one task, so nothing is lost between the two.
        self.requests.store(self.requests.load(Relaxed) + 1, Relaxed);
        self.had_body.store(has_body, Relaxed);
        self.has_bytes.store(false, Relaxed);
        self.deadline.store(0, Relaxed);
        self.is_past_deadline.store(false, Relaxed);
    }

    pub(super) fn end_exchange(&self) {
        self.has_bytes.store(false, Relaxed);
        self.deadline.store(0, Relaxed);
        self.add_in_flight(usize::MAX);
    }

    /// Adds one, or takes one away by adding the greatest number there is.
    fn add_in_flight(&self, more: usize) {
        if self.is_http2() {
            // Streams end in tasks of their own.
            self.in_flight.fetch_add(more, Relaxed);
        } else {
            // One task does it all, and saves a locked instruction.
            self.in_flight.store(self.in_flight.load(Relaxed).wrapping_add(more), Relaxed);
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Whether it has had its requests and waits for another one.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight() == 0 && self.requests() > 0 && (self.is_http2() || !self.has_bytes())
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// When the latest request began.
    pub(super) fn began(&self) -> Option<Instant> {
        self.opened.checked_add(Duration::from_nanos(self.began.load(Relaxed)))
    }

    pub(super) fn has_bytes(&self) -> bool {
        self.has_bytes.load(Relaxed)
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.is_blocked.load(Relaxed)
    }

    pub(super) fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    pub(super) fn is_read_to_end(&self) -> bool {
        self.is_read_to_end.load(Relaxed)
    }

    pub(super) fn had_body(&self) -> bool {
        self.had_body.load(Relaxed)
    }

    pub(super) fn is_http2(&self) -> bool {
        self.is_http2.load(Relaxed)
    }

    pub(super) fn set_http2(&self) {
        self.is_http2.store(true, Relaxed);
    }

    /// Notes what a read brought.
    pub(super) fn on_read(&self, bytes: usize) {
        if bytes == 0 {
            self.is_read_to_end.store(true, Relaxed);
        } else {
            self.has_bytes.store(true, Relaxed);
        }
    }

    /// Notes what a write took; `None` when it has to wait.
    pub(super) fn on_write(&self, bytes: Option<usize>) {
        match bytes {
            None => self.is_blocked.store(true, Relaxed),
            Some(bytes) => {
                self.is_blocked.store(false, Relaxed);
                self.written.store(self.written.load(Relaxed) + bytes as u64, Relaxed);
            }
        }
    }

    /// Asks the connection's task to wake the exchange once `at` has passed.
    pub(super) fn set_deadline(&self, at: Instant) {
        self.deadline.store(self.nanos(at).max(1), Relaxed);
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.deadline.load(Relaxed) {
            0 => None,
            nanos => self.opened.checked_add(Duration::from_nanos(nanos)),
        }
    }

    pub(super) fn pass_deadline(&self) {
        self.deadline.store(0, Relaxed);
        self.is_past_deadline.store(true, Relaxed);
    }

    pub(super) fn is_past_deadline(&self) -> bool {
        self.is_past_deadline.load(Relaxed)
    }

    /// How long after `opened`.
    fn nanos(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.opened).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Notes that an answer on HTTP/2 waits for its client, or does not any more.
    pub(super) fn set_waiting(&self, answer: u64, is_waiting: bool) {
        let mut waiting = self.waiting();
        if is_waiting {
            waiting.insert(answer, Instant::now());
        } else {
            waiting.remove(&answer);
        }
    }

    /// Since when the client has not taken an answer of which it was sent a part.
    pub(super) fn waits_since(&self) -> Option<Instant> {
        self.waiting().values().min().copied()
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
