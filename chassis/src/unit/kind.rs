//! What kinds of work there are, what came of it, and how much is under way.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use tracing_core::Level;

/// What sort of work a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An HTTP request; its canonical line is `RESPONSE`.
    Request,
    /// A message of a broker; its canonical line is `MESSAGE`.
    Message,
    /// A durable job; its canonical line is `JOB`.
    Job,
    /// One run of a timer; its canonical line is `TICK`, at debug.
    Tick,
    /// Anything else; the word is its canonical line.
    Other(&'static str),
}

impl Kind {
    /// The word for it in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Request => "request",
            Kind::Message => "message",
            Kind::Job => "job",
            Kind::Tick => "tick",
            Kind::Other(word) => word,
        }
    }

    /// The message of its canonical line.
    pub fn message(self) -> &'static str {
        match self {
            Kind::Request => "RESPONSE",
            Kind::Message => "MESSAGE",
            Kind::Job => "JOB",
            Kind::Tick => "TICK",
            Kind::Other(word) => word,
        }
    }

    /// The target of its canonical line, by which the settings give it another level.
    pub fn target(self) -> &'static str {
        match self {
            Kind::Request => "chassis::request",
            Kind::Message => "chassis::message",
            Kind::Job => "chassis::job",
            Kind::Tick => "chassis::tick",
            Kind::Other(_) => "chassis::unit",
        }
    }

    /// The level of its canonical line when all went well.
    pub fn level(self) -> Level {
        if self == Kind::Tick { Level::DEBUG } else { Level::INFO }
    }
}

impl From<&'static str> for Kind {
    fn from(word: &'static str) -> Self {
        match word {
            "request" => Kind::Request,
            "message" => Kind::Message,
            "job" => Kind::Job,
            "tick" => Kind::Tick,
            word => Kind::Other(word),
        }
    }
}

/// What came of a unit of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It did what it should.
    Ok,
    /// It failed, and said so.
    Error,
    /// It panicked.
    Panic,
    /// It took too long and was ended.
    Timeout,
    /// Nobody wanted it any more.
    Cancelled,
}

impl Outcome {
    /// The word for it in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Panic => "panic",
            Outcome::Timeout => "timeout",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// The level of the canonical line: at least error for a panic, warn for a failure.
    pub fn level(self, when_well: Level) -> Level {
        match self {
            Outcome::Ok | Outcome::Cancelled => when_well,
            Outcome::Error | Outcome::Timeout => when_well.min(Level::WARN),
            Outcome::Panic => Level::ERROR,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a unit of work ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    pub(super) outcome: Outcome,
    pub(super) error: Option<String>,
}

impl Ending {
    /// It did what it should.
    pub fn ok() -> Self {
        Self::of(Outcome::Ok)
    }

    /// It failed; the error is on the canonical line, with everything `{:#}` says.
    pub fn error(error: impl fmt::Display) -> Self {
        Self { outcome: Outcome::Error, error: Some(format!("{error:#}")) }
    }

    /// It ended that way, and there is no more to say.
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, error: None }
    }
}

/// How many units of work a service has under way, by kind; words of one's own count together.
#[derive(Debug, Default)]
pub struct InFlight {
    counts: [AtomicUsize; 5],
}

impl InFlight {
    /// Of one kind.
    pub fn of(&self, kind: Kind) -> usize {
        self.count(kind).load(Ordering::Relaxed)
    }

    /// Of all kinds.
    pub fn total(&self) -> usize {
        self.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// One more. For a resource that does not run its work as a [`Unit`](super::Unit); each is followed by an
    /// [`end`](Self::end).
    pub fn begin(&self, kind: Kind) {
        self.count(kind).fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn end(&self, kind: Kind) {
        self.count(kind).fetch_sub(1, Ordering::Relaxed);
    }

    fn count(&self, kind: Kind) -> &AtomicUsize {
        let index = match kind {
            Kind::Request => 0,
            Kind::Message => 1,
            Kind::Job => 2,
            Kind::Tick => 3,
            Kind::Other(_) => 4,
        };
        &self.counts[index]
    }
}
