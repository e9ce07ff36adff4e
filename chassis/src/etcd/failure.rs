//! What went wrong with an endpoint: whose fault it is, and how it is told.

use std::{error::Error as StdError, io, time::Duration};

use etcd_client::Error;
use tonic::Code;

use crate::{
    Cause,
    settings::{Origin, Problem, value::show_duration},
};

/// Why an endpoint did not serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    /// In words that go on from the name of the endpoint.
    pub(crate) what: String,
    pub(crate) help: Option<&'static str>,
    /// All endpoints would say the same, now and later.
    pub(crate) is_final: bool,
    /// A closer look may tell more.
    pub(crate) is_vague: bool,
}

impl Failure {
    /// It is not there at the moment.
    pub(crate) fn unavailable(what: impl Into<String>) -> Self {
        Self { cause: Cause::Unavailable, what: what.into(), help: None, is_final: false, is_vague: false }
    }

    /// It will not be there either unless something is set differently.
    pub(crate) fn misconfigured(what: impl Into<String>) -> Self {
        Self { cause: Cause::Misconfigured, what: what.into(), help: None, is_final: false, is_vague: false }
    }

    pub(crate) fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }

    /// The failure as a problem of a start that has waited for so long.
    pub(crate) fn problem(&self, origin: Origin, waited: Duration) -> Problem {
        let problem = match self.cause {
            Cause::Unavailable => {
                let what = format!("{}; given up after {}", self.what, show_duration(waited));
                Problem::of_source(origin, what).unavailable()
            }
            _ => Problem::of_source(origin, &*self.what),
        };
        self.help.into_iter().fold(problem, Problem::help)
    }

    fn vague(self) -> Self {
        Self { is_vague: true, ..self }
    }

    fn for_all(self) -> Self {
        Self { is_final: true, ..self }
    }
}

/// Whether the answer is larger than this side takes.
pub(crate) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::GRpcStatus(status)
        if status.code() == Code::OutOfRange && status.message().contains("message length too large"))
}

/// Whether etcd does not want to know who asks.
pub(crate) fn is_auth_disabled(error: &Error) -> bool {
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
        Code::PermissionDenied => Failure::misconfigured(format!("etcd does not let this user in there: {said}"))
            .help("grant a role of it the keys that are asked for")
            .for_all(),
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
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return of_tls(error).unwrap_or_else(|| of_io(error));
        }
        last = error.to_string();
        next = error.source();
    }
    Failure::unavailable(last).vague()
}

fn of_io(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Failure::unavailable("connection refused"),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            Failure::unavailable("the connection was cut").vague()
        }
        io::ErrorKind::TimedOut => Failure::unavailable("no answer"),
        _ => Failure::unavailable(error.to_string()).vague(),
    }
}

/// What one side has against the certificate of the other.
pub(crate) fn of_tls(error: &io::Error) -> Option<Failure> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(why) => {
            Some(Failure::misconfigured(format!("the certificate it shows is not accepted: {why}")))
        }
        rustls::Error::AlertReceived(why) => {
            let failure = Failure::misconfigured(format!("it does not accept the certificate it is shown: {why:?}"));
            Some(failure.help("one that it trusts is named by `CHASSIS_ETCD_CERT_FILE` and `CHASSIS_ETCD_KEY_FILE`"))
        }
        rustls::Error::InvalidMessage(_) => Some(
            Failure::misconfigured("what answers there does not speak TLS").help("write the endpoint with `http://`"),
        ),
        error => Some(Failure::unavailable(error.to_string())),
    }
}
