//! Why a message could not be sent or a request has no answer, for callers who must tell these apart.

use std::{error::Error as StdError, fmt};

use crate::{Cause, Error};

/// What became of a message that could not be sent as it should.
///
/// It is in the chain of the error: `error.find::<Failure>()`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It did not reach the broker: it can be sent again without a doubt.
    NotSent(String),
    /// The broker has refused it, and will refuse it again as it is.
    Refused(String),
    /// It was sent, and whether it arrived, or what came of it, is not known: sent again, it may be there twice.
    Unknown(String),
    /// Who answers could not do what was asked, and says so.
    Answered(String),
}

impl Failure {
    /// As an error, with the cause that fits.
    pub fn into_error(self) -> Error {
        let cause = match self {
            Failure::NotSent(_) | Failure::Unknown(_) => Cause::Unavailable,
            Failure::Refused(_) | Failure::Answered(_) => Cause::Crashed,
        };
        Error::from(self).with_cause(cause)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NotSent(why) => write!(f, "not sent: {why}"),
            Failure::Refused(why) => write!(f, "refused: {why}"),
            Failure::Unknown(why) => write!(f, "sent, but whether it was done is unknown: {why}"),
            Failure::Answered(why) => write!(f, "answered with an error: {why}"),
        }
    }
}

impl StdError for Failure {}
