//! What went wrong with an endpoint: whose fault it is, and how it is told.

use std::{error::Error as StdError, io};

use etcd_client::Error;
use tonic::Code;

use crate::Cause;

/// Why an endpoint did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    /// In words that go on from the name of the endpoint.
    pub(super) what: String,
    pub(super) help: Option<&'static str>,
    /// All endpoints would say the same, now and later.
    pub(super) is_final: bool,
}

impl Failure {
    /// It is not there at the moment.
    pub(super) fn unavailable(what: impl Into<String>) -> Self {
        Self { cause: Cause::Unavailable, what: what.into(), help: None, is_final: false }
    }

    /// It will not be there either unless something is set differently.
    pub(super) fn misconfigured(what: impl Into<String>) -> Self {
        Self { cause: Cause::Misconfigured, what: what.into(), help: None, is_final: false }
    }

    fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    fn for_all(self) -> Self {
        Self { is_final: true, ..self }
    }
}

/// Whether the answer is larger than this side takes.
pub(super) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status)
        if status.code() == Code::OutOfRange && status.message().contains("message length too large"))
}

/// Whether etcd does not want to know who asks.
pub(super) fn is_auth_disabled(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status) if status.message().contains("authentication is not enabled"))
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::GRpcStatus(status) => of_status(&status),
            Error::TransportError(error) => of_chain(&error),
            Error::InvalidUri(_) | Error::InvalidArgs(_) => Self::misconfigured(error.to_string()),
            error => Self::unavailable(error.to_string()),
        }
    }
}

fn of_status(status: &tonic::Status) -> Failure {
    let said = status.message().trim_start_matches("etcdserver: ");
    match status.code() {
        Code::InvalidArgument if said.contains("invalid user ID or password") => {
            Failure::misconfigured("etcd refuses the user or the password").help("check both").for_all()
        }
        Code::InvalidArgument if said.contains("user name is empty") => {
            Failure::misconfigured("etcd asks for a user and a password, and none is given")
                .help("set `CHASSIS_ETCD_USER` and `CHASSIS_ETCD_PASSWORD`")
                .for_all()
        }
        Code::PermissionDenied => {
            Failure::misconfigured(format!("etcd does not let this user read the settings: {said}"))
                .help("grant its role to read the prefix")
                .for_all()
        }
        _ if status.source().is_some() => of_chain(status),
        Code::Unavailable => Failure::unavailable(said),
        Code::Unimplemented | Code::Unknown | Code::Internal if !status.message().starts_with("etcdserver: ") => {
            Failure::misconfigured(format!("what answers there is no etcd: {said}"))
        }
        _ => Failure::unavailable(said),
    }
}

/// What a connection ended with, by the innermost cause that means something.
fn of_chain(error: &(dyn StdError + 'static)) -> Failure {
    let mut last = error.to_string();
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return of_io(io);
        }
        last = error.to_string();
        next = error.source();
    }
    Failure::unavailable(last)
}

fn of_io(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::unavailable("connection refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::unavailable("the connection was cut"),
        io::ErrorKind::TimedOut => Failure::unavailable("no answer"),
        _ => Failure::unavailable(error.to_string()),
    }
}
