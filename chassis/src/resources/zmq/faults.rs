//! What others do wrong: counted, and told now and then.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::metrics::CounterHandle;

/// The wrongs done to one socket.
pub(super) struct Faults {
    /// The socket, for people.
    pub(super) what: Box<str>,
    counted: CounterHandle,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    last: Option<Instant>,
    /// How many were kept quiet since.
    quiet: u64,
    all: u64,
}

/// How long nothing is said after something was.
const SILENCE: Duration = Duration::from_secs(10);

impl Faults {
    pub(super) fn new(what: String, counted: CounterHandle) -> Self {
        Self { what: what.into(), counted, told: Mutex::default() }
    }

    /// Counts it, and tells it unless something was told a moment ago.
    pub(super) fn note(&self, wrong: impl fmt::Display) {
        self.counted.inc();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.all += 1;
        if told.last.is_some_and(|last| last.elapsed() < SILENCE) {
            told.quiet += 1;
            return;
        }
        told.last = Some(Instant::now());
        let quiet = std::mem::take(&mut told.quiet);
        drop(told);
        match quiet {
            0 => tracing::warn!("{}: {wrong}", self.what),
            quiet => tracing::warn!("{}: {wrong}; and {quiet} others since this was last told", self.what),
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({}: {})", self.what, self.count())
    }
}
