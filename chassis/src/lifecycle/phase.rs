//! The phases of a life, in order.

use std::fmt;

/// What happens to all resources before the next thing does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before any resource is started.
    PreStart,
    /// Resources connect, bind, open.
    Start,
    /// Every resource is started.
    PostStart,
    /// Resources begin to take in.
    Open,
    /// Resources stop taking in.
    Close,
    /// What is in flight ends.
    Drain,
    /// Resources let go.
    Stop,
    /// Every resource is stopped.
    PostStop,
}

impl Phase {
    /// The phases of a start.
    pub const STARTING: [Phase; 4] = [Phase::PreStart, Phase::Start, Phase::PostStart, Phase::Open];
    /// The phases of a stop.
    pub const STOPPING: [Phase; 4] = [Phase::Close, Phase::Drain, Phase::Stop, Phase::PostStop];

    /// Whether dependents come before their dependencies.
    pub fn is_reverse(self) -> bool {
        self >= Phase::Close
    }

    /// The name of the hook.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::PreStart => "pre_start",
            Phase::Start => "start",
            Phase::PostStart => "post_start",
            Phase::Open => "open",
            Phase::Close => "close",
            Phase::Drain => "drain",
            Phase::Stop => "stop",
            Phase::PostStop => "post_stop",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
