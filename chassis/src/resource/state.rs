//! The states of a resource and the legal ways between them.

use std::fmt;

/// Where a resource is in its life. The numbers are those of `/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// Nothing happened yet.
    NotStarted = 0,
    /// Starting, or reaching out for a lost peer.
    Connecting = 1,
    /// Works.
    Started = 2,
    /// Closing, draining or stopping.
    Stopping = 3,
    /// Stopped as asked.
    Stopped = 4,
    /// Failed; a restart may follow.
    Failed = 5,
}

/// A transition that the lifecycle does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IllegalTransition {
    /// The state before.
    pub from: State,
    /// The state that was asked for.
    pub to: State,
}

impl State {
    /// All states, in the order of their numbers.
    pub const ALL: [State; 6] =
        [State::NotStarted, State::Connecting, State::Started, State::Stopping, State::Stopped, State::Failed];

    /// The state after a transition to `to`.
    ///
    /// # Errors
    /// When the lifecycle has no such transition.
    pub fn to(self, to: State) -> Result<State, IllegalTransition> {
        use State::{Connecting, Failed, NotStarted, Started, Stopped, Stopping};
        let is_legal = matches!(
            (self, to),
            (NotStarted | Stopped | Failed | Started, Connecting)
                | (Connecting, Started)
                | (Connecting | Started | Failed, Stopping)
                // From STOPPED: a restart whose settings or whose `pre_start` fail.
                | (Connecting | Started | Stopping | Stopped, Failed)
                | (Stopping, Stopped)
        );
        if is_legal { Ok(to) } else { Err(IllegalTransition { from: self, to }) }
    }

    /// The name for logs and pages, as in older frameworks.
    pub fn as_str(self) -> &'static str {
        match self {
            State::NotStarted => "NOT_STARTED",
            State::Connecting => "CONNECTING",
            State::Started => "STARTED",
            State::Stopping => "STOPPING",
            State::Stopped => "STOPPED",
            State::Failed => "FAILED",
        }
    }

    /// The state with this number.
    pub fn from_number(number: u8) -> Option<State> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for IllegalTransition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no transition from {} to {}", self.from, self.to)
    }
}

impl std::error::Error for IllegalTransition {}

#[cfg(test)]
mod tests {
    use super::State::{self, *};

    #[test]
    fn numbers_and_states_are_one_to_one() {
        for state in State::ALL {
            assert_eq!(State::from_number(state as u8), Some(state));
        }
        assert_eq!(State::from_number(6), None);
    }

    #[test]
    fn a_life_without_trouble_is_legal_and_its_reverse_is_not() {
        let life = [NotStarted, Connecting, Started, Stopping, Stopped, Connecting];
        for pair in life.windows(2) {
            assert_eq!(pair[0].to(pair[1]), Ok(pair[1]));
        }
        assert!(Started.to(NotStarted).is_err());
        assert!(Stopped.to(Started).is_err());
        assert!(NotStarted.to(Started).is_err());
        assert!(NotStarted.to(Failed).is_err());
    }
}
