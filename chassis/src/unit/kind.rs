//! What kinds of work there are, and what can come of it.

use std::fmt;

use tracing_core::Level;

use crate::process::Panic;

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

    /// The targets of canonical lines.
    pub(crate) const TARGETS: [&str; 5] =
        ["chassis::request", "chassis::message", "chassis::job", "chassis::tick", "chassis::unit"];

    /// The target of its canonical line, by which the settings give it another level.
    pub fn target(self) -> &'static str {
        Self::TARGETS[self.place()]
    }

    /// Its place among the kinds; words of one's own share the last one.
    pub(crate) fn place(self) -> usize {
        match self {
            Kind::Request => 0,
            Kind::Message => 1,
            Kind::Job => 2,
            Kind::Tick => 3,
            Kind::Other(_) => 4,
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
    /// All there are, each at the place of its number.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Error, Self::Panic, Self::Timeout, Self::Cancelled];

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

    /// It panicked.
    pub fn panic(panic: &Panic) -> Self {
        Self::because(Outcome::Panic, panic.to_string())
    }

    /// It ended that way, because of this.
    pub fn because(outcome: Outcome, error: impl Into<String>) -> Self {
        Self { outcome, error: Some(error.into()) }
    }

    /// It ended that way, and there is no more to say.
    pub fn of(outcome: Outcome) -> Self {
        Self { outcome, error: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_stands_at_the_place_of_its_number() {
        let places = Outcome::ALL.map(|outcome| outcome as usize);
        assert_eq!(places, [0, 1, 2, 3, 4]);
    }
}
