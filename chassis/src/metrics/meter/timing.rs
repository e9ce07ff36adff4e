//! How long something takes, recorded when it ends.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    histogram::{Histogram, HistogramHandle},
    summary::{Summary, SummaryHandle},
};

/// Something that durations can be recorded into.
#[diagnostic::on_unimplemented(
    message = "durations cannot be recorded into `{Self}`",
    label = "neither a histogram nor a summary",
    note = "name a `Histogram` or `Summary`; for one with labels, a series of it: `.with(&labels)`"
)]
pub trait Observe {
    /// Records how long something took, in seconds.
    fn observe(&self, took: Duration);
}

/// Runs from its making until it is dropped, and then records how long that was.
///
/// Dropping covers an early return, a panic, and a future that is cancelled.
#[derive(Debug)]
#[must_use = "the time ends when this is dropped"]
pub struct Timing<M> {
    /// Empty once it is recorded or given up.
    meter: Option<M>,
    started: Instant,
    // Known from the start, so that the type by itself asks nothing of `M`.
    observe: fn(&M, Duration),
}

impl<M: Observe> Timing<M> {
    /// Starts now.
    pub fn start(meter: M) -> Self {
        Self { meter: Some(meter), started: Instant::now(), observe: M::observe }
    }

    /// How long it has been running.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Records now, and tells what was recorded.
    pub fn stop(mut self) -> Duration {
        let took = self.elapsed();
        if let Some(meter) = self.meter.take() {
            (self.observe)(&meter, took);
        }
        took
    }

    /// Records nothing.
    pub fn discard(mut self) {
        self.meter = None;
    }
}

/// Starts now; what `#[timed]` puts before a function's body.
pub fn time<M: Observe>(meter: &M) -> Timing<&M> {
    Timing::start(meter)
}

impl<M> Drop for Timing<M> {
    fn drop(&mut self) {
        if let Some(meter) = self.meter.take() {
            (self.observe)(&meter, self.started.elapsed());
        }
    }
}

/// What the handles of histograms and summaries have in common.
macro_rules! timed_methods {
    () => {
        /// Starts a clock that records, in seconds, when the guard is dropped.
        pub fn time(&self) -> $crate::metrics::Timing<&Self> {
            $crate::metrics::Timing::start(self)
        }

        /// Records how long a closure takes, in seconds.
        pub fn time_closure<T>(&self, closure: impl FnOnce() -> T) -> T {
            let _timing = self.time();
            closure()
        }

        /// Records how long a future takes from its first poll to its end, or until it is dropped, in seconds.
        pub async fn time_future<T>(&self, future: impl Future<Output = T>) -> T {
            let _timing = self.time();
            future.await
        }
    };
}
pub(super) use timed_methods;

macro_rules! observers {
    ($($meter:ty),+) => {$(
        impl Observe for $meter {
            fn observe(&self, took: Duration) {
                self.record(took);
            }
        }
    )+};
}

observers!(Histogram, HistogramHandle, Summary, SummaryHandle);

impl<M: Observe + ?Sized> Observe for &M {
    fn observe(&self, took: Duration) {
        (**self).observe(took);
    }
}
