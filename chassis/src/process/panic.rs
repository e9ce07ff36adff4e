//! Panics, with the place where they happened, for whoever catches them.
//!
//! A caught panic has lost its place: only the hook is told. The hook notes it here, and [`Panic::caught`] finds the
//! note again, so that one line in the log says all of it. A panic that no [`catch`] waits for is logged by the hook.

use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::Cell,
    collections::VecDeque,
    error::Error,
    fmt,
    future::Future,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll},
    thread::{self, ThreadId},
};

use pin_project_lite::pin_project;

thread_local! {
    /// How many calls of [`catch`] are under way on this thread.
    static CATCHING: Cell<usize> = const { Cell::new(0) };
}

/// Notes of panics that nobody has caught yet; most are caught microseconds later.
static NOTED: Mutex<VecDeque<Note>> = Mutex::new(VecDeque::new());

/// A thread that dies of its panic leaves its note behind; the oldest one makes room.
const NOTES: usize = 64;

struct Note {
    thread: ThreadId,
    panic: Panic,
}

/// A panic that was caught: what it said, and where.
#[derive(Debug, Clone)]
pub struct Panic {
    message: Box<str>,
    place: Option<Box<str>>,
    backtrace: Option<Box<str>>,
}

impl Panic {
    /// What `catch_unwind` or a `JoinError` gave back.
    pub fn caught(payload: &(dyn Any + Send)) -> Self {
        let message = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
            (Some(text), _) => text,
            (_, Some(text)) => text.as_str(),
            (None, None) => NOT_TEXT,
        };
        let here = thread::current().id();
        let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        let position = |is_it: &dyn Fn(&Note) -> bool| noted.iter().rposition(is_it);
        // A panic that crossed threads inside a `JoinError` is known by its words alone.
        let found = position(&|note| note.thread == here && &*note.panic.message == message)
            .or_else(|| position(&|note| &*note.panic.message == message));
        match found.and_then(|index| noted.remove(index)) {
            Some(note) => note.panic,
            None => Self { message: message.into(), place: None, backtrace: None },
        }
    }

    /// What was said.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// `file:line:column`, if the hook of this crate was in place.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The stack, if `RUST_BACKTRACE` asks for it.
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }

    /// What the hook is told.
    pub(super) fn of_hook(info: &PanicHookInfo<'_>) -> Self {
        let backtrace = Backtrace::capture();
        let is_captured = backtrace.status() == BacktraceStatus::Captured;
        Self {
            message: info.payload_as_str().unwrap_or(NOT_TEXT).into(),
            place: info.location().map(|place| place.to_string().into()),
            backtrace: is_captured.then(|| backtrace.to_string().into()),
        }
    }

    /// Keeps it for whoever catches the panic.
    pub(super) fn note(self) {
        let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= NOTES {
            noted.pop_front();
        }
        noted.push_back(Note { thread: thread::current().id(), panic: self });
    }
}

const NOT_TEXT: &str = "a value that is not text";

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "panicked at {place}: {}", self.message),
            None => write!(f, "panicked: {}", self.message),
        }
    }
}

impl Error for Panic {}

/// Calls `f`, and gives a panic back as an error.
///
/// # Errors
/// The panic. Values that `f` left half changed stay so: see [`std::panic::UnwindSafe`].
pub fn catch<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    let _catching = Catching::begin();
    panic::catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Panic::caught(&*payload))
}

/// Wraps a future so that a panic in it becomes its result.
pub fn catch_future<F: Future>(future: F) -> CatchPanic<F> {
    CatchPanic { future }
}

/// Whether the panic of this thread will be caught by [`catch`], whose caller logs it.
pub(super) fn is_awaited() -> bool {
    CATCHING.try_with(|depth| depth.get() > 0).unwrap_or(false)
}

struct Catching;

impl Catching {
    fn begin() -> Self {
        let _ = CATCHING.try_with(|depth| depth.set(depth.get() + 1));
        Self
    }
}

impl Drop for Catching {
    fn drop(&mut self) {
        let _ = CATCHING.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

pin_project! {
    /// A future that ends with its panic instead of passing it on; made by [`catch_future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CatchPanic<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for CatchPanic<F> {
    type Output = Result<F::Output, Panic>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let future = self.project().future;
        match catch(|| future.poll(cx)) {
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
