//! What goes wrong with a broker, in words, and whose fault it is.

use std::io;

use lapin::ErrorKind;

use crate::{Cause, Error, messaging::Failure};

/// An error of the client, in words.
pub(super) fn words(error: &lapin::Error) -> String {
    match error.kind() {
        ErrorKind::ProtocolError(said) => format!("the broker says {said}"),
        ErrorKind::IOError(error) => match error.kind() {
            io::ErrorKind::ConnectionAborted => "the broker has closed the connection".to_owned(),
            _ => error.to_string(),
        },
        ErrorKind::MissingHeartbeatError => "nothing has come from the broker for two heartbeats".to_owned(),
        ErrorKind::InvalidConnectionState(_) | ErrorKind::InvalidChannelState(..) => {
            "the connection is closed".to_owned()
        }
        _ => error.to_string(),
    }
}

/// Whose fault it is that there is no connection.
pub(super) fn cause(error: &lapin::Error) -> Cause {
    match error.kind() {
        ErrorKind::ProtocolError(said) if [ACCESS_REFUSED, NOT_ALLOWED].contains(&said.get_id()) => {
            Cause::Misconfigured
        }
        ErrorKind::InvalidProtocolVersion(_) | ErrorKind::AuthProviderError(_) => Cause::Misconfigured,
        // What TLS says of certificates.
        ErrorKind::IOError(error) if error.kind() == io::ErrorKind::InvalidData => Cause::Misconfigured,
        _ => Cause::Unavailable,
    }
}

/// The code with which the broker refuses something of one channel, if it is that.
pub(super) fn refusal(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(said) if error.is_amqp_soft_error() => Some(said.get_id()),
        _ => None,
    }
}

/// No permission, or a password that is not right.
const ACCESS_REFUSED: u16 = 403;
/// A virtual host that is not there, or not for this user.
const NOT_ALLOWED: u16 = 530;
/// There is no such exchange.
pub(super) const NOT_FOUND: u16 = 404;
/// Something is there with other arguments, or a message is too long.
pub(super) const PRECONDITION_FAILED: u16 = 406;

/// A refusal of the broker that will come again.
pub(super) fn refused(why: impl Into<String>) -> Error {
    Failure::Refused(why.into()).into_error()
}

/// A message that did not leave.
pub(super) fn not_sent(why: impl Into<String>) -> Error {
    Failure::NotSent(why.into()).into_error()
}

/// A message that left, and was not heard of again.
pub(super) fn unknown(why: impl Into<String>) -> Error {
    Failure::Unknown(why.into()).into_error()
}

/// A settlement that the broker does not hear.
pub(super) fn unsettled() -> Error {
    let why = "the connection that the message came by is lost: it will be delivered again";
    Error::unavailable(Error::msg(why))
}
