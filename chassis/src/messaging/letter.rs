//! Dead letters: messages that are given up, with the reason on them.

use std::{fmt, time::SystemTime};

use super::{
    headers::Headers,
    known,
    message::{Incoming, Outgoing},
    pattern::Pattern,
};
use crate::{Error, logging::timestamp};

/// Why a message is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its handler failed as often as it may.
    Exhausted,
    /// Its handler says that another attempt cannot help.
    Rejected,
    /// Its body is not what its handler takes.
    Undecodable,
    /// Nobody wants it any more: its deadline has passed.
    Expired,
    /// It is longer than the settings allow.
    TooLarge,
}

impl Reason {
    /// The word for it in headers and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Exhausted => "exhausted",
            Reason::Rejected => "rejected",
            Reason::Undecodable => "undecodable",
            Reason::Expired => "expired",
            Reason::TooLarge => "too_large",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Errors are told whole, but not without end: brokers limit the size of headers.
const LONGEST_ERROR: usize = 4096;

/// Where the dead letters of a name are: those of `emails` are pulled from `emails.dead`.
pub fn dead_name(name: &str) -> String {
    format!("{name}{DEAD}")
}

/// Whether it is where dead letters are.
pub(super) fn is_dead_name(name: &str) -> bool {
    name.ends_with(DEAD)
}

const DEAD: &str = ".dead";

/// The message with why, when and by whom it was given up.
pub(super) fn dead_letter(
    message: &Incoming,
    reason: Reason,
    error: &Error,
    (pattern, name): (Pattern, &str),
    service: &str,
) -> Outgoing {
    let mut letter = Outgoing::from(message);
    let mut error = format!("{error:#}");
    if error.len() > LONGEST_ERROR {
        error.truncate(error.floor_char_boundary(LONGEST_ERROR));
        error.push('…');
    }
    let headers = &mut letter.headers;
    // Sent again by a person, it begins anew.
    headers.remove(known::DEADLINE);
    headers.set_known(known::DEAD_REASON, reason.as_str());
    headers.set_known(known::DEAD_ERROR, error);
    headers.set_known(known::DEAD_ATTEMPTS, message.attempt.to_string());
    headers.set_known(known::DEAD_SERVICE, service.to_owned());
    headers.set_known(known::DEAD_SOURCE, format!("{pattern} {name}"));
    headers.set_known(known::DEAD_TIME, timestamp(SystemTime::now()));
    letter
}

/// The same letter with as little as possible on it: why it was given up and where, and nothing of its sender's.
pub(super) fn bare(letter: &Outgoing) -> Outgoing {
    const BRIEF: usize = 200;
    let mut headers = Headers::new();
    for name in [known::DEAD_REASON, known::DEAD_ATTEMPTS, known::DEAD_SERVICE, known::DEAD_SOURCE, known::DEAD_TIME] {
        if let Some(value) = letter.headers.bytes(name) {
            headers.set_known(name, value.clone());
        }
    }
    let error = letter.headers.get(known::DEAD_ERROR).unwrap_or_default();
    headers.set_known(known::DEAD_ERROR, error[..error.floor_char_boundary(BRIEF)].to_owned());
    Outgoing { headers, ..letter.clone() }
}
