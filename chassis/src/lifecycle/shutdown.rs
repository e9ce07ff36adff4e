//! How work learns that it should end.

use std::{
    fmt,
    future::Future,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Tells a task, a thread or a hook that the service stops, and how long it has.
///
/// Take it as an argument: a task that does has the stop budget to end by itself; one that does not is cancelled at
/// its next `.await`.
///
/// ```
/// # use chassis::prelude::*;
/// # async fn work() {}
/// async fn task(stop: Shutdown) {
///     while !stop.is_triggered() {
///         tokio::select! {
///             () = stop.wait() => break,
///             () = work() => {}
///         }
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Shutdown {
    token: CancellationToken,
    deadline: Arc<OnceLock<Instant>>,
}

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self { token: CancellationToken::new(), deadline: Arc::default() }
    }

    pub(crate) fn trigger(&self) {
        self.token.cancel();
    }

    pub(crate) fn set_deadline(&self, deadline: Instant) {
        // The first deadline counts: a stop that is asked for twice gets no more time.
        let _ = self.deadline.set(deadline);
    }

    /// Completes once the stop has begun for this piece of work.
    ///
    /// # Cancel safety
    /// Safe: nothing is lost by dropping it.
    pub async fn wait(&self) {
        self.token.cancelled().await;
    }

    /// Whether the stop has begun for this piece of work.
    pub fn is_triggered(&self) -> bool {
        self.token.is_cancelled()
    }

    /// When work that has not ended by itself is abandoned; `None` while the service runs.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline.get().copied()
    }

    /// Waits on a plain thread; `true` when the stop has begun, `false` when `timeout` passed first.
    ///
    /// It blocks: on an async runtime await [`wait`](Shutdown::wait) instead.
    #[expect(clippy::disallowed_methods, reason = "a plain thread has only real time")]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        struct Unpark(std::thread::Thread);
        impl std::task::Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Arc::new(Unpark(std::thread::current())).into();
        let mut context = std::task::Context::from_waker(&waker);
        let mut triggered = std::pin::pin!(self.token.cancelled());
        let end = std::time::Instant::now().checked_add(timeout);
        loop {
            if triggered.as_mut().poll(&mut context).is_ready() {
                return true;
            }
            match end.map(|end| end.saturating_duration_since(std::time::Instant::now())) {
                Some(Duration::ZERO) => return false,
                Some(left) => std::thread::park_timeout(left),
                None => std::thread::park(),
            }
        }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_triggered() { "Shutdown(triggered)" } else { "Shutdown(waiting)" })
    }
}
