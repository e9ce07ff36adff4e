//! The one public error: what failed, why, and whose fault it is.
//!
//! Works like an `anyhow::Error`: `?` turns any error into it, [`ResultExt::context`] adds what was being done.
//! Besides that it carries a [`Cause`], which decides whether something is retried, restarted or explained,
//! and which exit code the service ends with.

use std::{error::Error as StdError, fmt, io};

/// What hooks, tasks and handlers of a service return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Whose fault a failure is: decides about retries, restarts and the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// A peer cannot be reached at the moment: tried again for ever, never counted as a crash. Exit code 69.
    Unavailable,
    /// The code failed or panicked: restarts are counted. Exit code 70.
    Crashed,
    /// Settings are wrong, or a peer says so (bad credentials, missing database): explained, not retried. Exit code 78.
    Misconfigured,
}

impl Cause {
    /// The exit code of a service that ends for this cause.
    pub fn exit_code(self) -> u8 {
        match self {
            Cause::Unavailable => 69,
            Cause::Crashed => 70,
            Cause::Misconfigured => 78,
        }
    }

    /// The word for it in logs and on the status page.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::Unavailable => "unavailable",
            Cause::Crashed => "crashed",
            Cause::Misconfigured => "misconfigured",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure with its cause and its chain of sources.
///
/// `Display` says one level; `{:#}` says the whole chain, separated by `: `. Like `anyhow::Error` it does not
/// implement [`std::error::Error`] itself, so that `?` works on every type that does.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    cause: Cause,
    /// Trying again at once cannot help, although the cause is `Unavailable` (an address in use).
    is_final: bool,
    what: What,
}

enum What {
    Message(String),
    Source(Box<dyn StdError + Send + Sync>),
    Context { message: String, source: Error },
}

impl Error {
    /// A failure told by a message; its cause is [`Cause::Crashed`].
    pub fn msg(message: impl fmt::Display) -> Self {
        Self::build(Cause::Crashed, false, What::Message(message.to_string()))
    }

    /// Something cannot be reached at the moment.
    pub fn unavailable(error: impl Into<Error>) -> Self {
        error.into().with_cause(Cause::Unavailable)
    }

    /// Settings are wrong, or a peer refuses who or what was configured.
    pub fn misconfigured(error: impl Into<Error>) -> Self {
        error.into().with_cause(Cause::Misconfigured)
    }

    /// The code failed; what `?` assumes of errors it does not know.
    pub fn crashed(error: impl Into<Error>) -> Self {
        error.into().with_cause(Cause::Crashed)
    }

    /// The same failure with another cause.
    #[must_use]
    pub fn with_cause(mut self, cause: Cause) -> Self {
        self.inner.cause = cause;
        self
    }

    /// Says that trying again cannot help; a start ends at once instead of using up its timeout.
    #[must_use]
    pub fn not_retried(mut self) -> Self {
        self.inner.is_final = true;
        self
    }

    /// The same failure, told as what was being done when it happened.
    #[must_use]
    pub fn context(self, message: impl fmt::Display) -> Self {
        let (cause, is_final) = (self.inner.cause, self.inner.is_final);
        Self::build(cause, is_final, What::Context { message: message.to_string(), source: self })
    }

    /// Whose fault it is.
    pub fn cause(&self) -> Cause {
        self.inner.cause
    }

    /// Whether a peer could not be reached.
    pub fn is_unavailable(&self) -> bool {
        self.cause() == Cause::Unavailable
    }

    /// Whether settings or credentials are wrong.
    pub fn is_misconfigured(&self) -> bool {
        self.cause() == Cause::Misconfigured
    }

    /// Whether another attempt may help.
    pub fn is_retryable(&self) -> bool {
        !self.inner.is_final && !self.is_misconfigured()
    }

    /// The chain of messages, this one first, each said once.
    pub fn chain(&self) -> Vec<String> {
        let mut chain = Vec::new();
        self.collect(&mut chain);
        chain.dedup();
        chain
    }

    /// The first error of type `E` in the chain.
    pub fn find<E: StdError + 'static>(&self) -> Option<&E> {
        match &self.inner.what {
            What::Message(_) => None,
            What::Context { source, .. } => source.find(),
            What::Source(error) => {
                let mut next: Option<&(dyn StdError + 'static)> = Some(error.as_ref());
                while let Some(error) = next {
                    if let Some(found) = error.downcast_ref() {
                        return Some(found);
                    }
                    next = error.source();
                }
                None
            }
        }
    }

    fn collect(&self, chain: &mut Vec<String>) {
        match &self.inner.what {
            What::Message(message) => chain.push(message.clone()),
            What::Context { message, source } => {
                chain.push(message.clone());
                source.collect(chain);
            }
            What::Source(error) => {
                let mut next: Option<&(dyn StdError + 'static)> = Some(error.as_ref());
                while let Some(error) = next {
                    chain.push(error.to_string());
                    next = error.source();
                }
            }
        }
    }

    fn build(cause: Cause, is_final: bool, what: What) -> Self {
        Self { inner: Box::new(Inner { cause, is_final, what }) }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        let error: Box<dyn StdError + Send + Sync> = Box::new(error);
        let (cause, is_final) = classify(error.as_ref());
        Self::build(cause, is_final, What::Source(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f.write_str(&self.chain().join(": "));
        }
        match &self.inner.what {
            What::Message(message) | What::Context { message, .. } => f.write_str(message),
            What::Source(error) => error.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#} ({})", self.cause())
    }
}

/// Adds what was being done to the failure of a [`Result`] or to an absent [`Option`].
pub trait ResultExt<T> {
    /// Says what was being done.
    ///
    /// # Errors
    /// The same failure as before, one level deeper.
    fn context(self, message: impl fmt::Display) -> Result<T>;

    /// Says what was being done, in words that are made only for a failure.
    ///
    /// # Errors
    /// The same failure as before, one level deeper.
    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T>;
}

impl<T, E: Into<Error>> ResultExt<T> for std::result::Result<T, E> {
    fn context(self, message: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(message))
    }

    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.map_err(|error| error.into().context(message()))
    }
}

impl<T> ResultExt<T> for Option<T> {
    fn context(self, message: impl fmt::Display) -> Result<T> {
        self.ok_or_else(|| Error::msg(message))
    }

    fn with_context<M: fmt::Display>(self, message: impl FnOnce() -> M) -> Result<T> {
        self.ok_or_else(|| Error::msg(message()))
    }
}

/// The cause of an error that arrives through `?`, by the first `io::Error` in its chain.
fn classify(error: &(dyn StdError + Send + Sync + 'static)) -> (Cause, bool) {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return classify_io(io.kind());
        }
        next = error.source();
    }
    (Cause::Crashed, false)
}

fn classify_io(kind: io::ErrorKind) -> (Cause, bool) {
    use io::ErrorKind as Kind;
    match kind {
        Kind::AddrInUse => (Cause::Unavailable, true),
        Kind::ConnectionRefused
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::NotConnected
        | Kind::BrokenPipe
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::TimedOut
        | Kind::UnexpectedEof => (Cause::Unavailable, false),
        Kind::PermissionDenied | Kind::AddrNotAvailable => (Cause::Misconfigured, true),
        _ => (Cause::Crashed, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> io::Error {
        io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused")
    }

    #[test]
    fn display_says_one_level_and_the_alternate_form_says_all() {
        let error = Error::from(refused()).context("cannot reach `db`");
        assert_eq!(error.to_string(), "cannot reach `db`");
        assert_eq!(format!("{error:#}"), "cannot reach `db`: connection refused");
    }

    #[test]
    fn an_io_error_decides_the_cause_however_deep_it_is() {
        assert!(Error::from(refused()).is_unavailable());
        assert!(Error::from(refused()).context("outer").is_unavailable());
        assert_eq!(Error::msg("x").cause(), Cause::Crashed);
    }

    #[test]
    fn an_address_in_use_is_not_retried() {
        let error = Error::from(io::Error::from(io::ErrorKind::AddrInUse));
        assert_eq!(error.cause().exit_code(), 69);
        assert!(!error.is_retryable());
    }

    #[test]
    fn an_error_is_found_by_its_type_below_contexts() {
        let error = Error::from(refused()).context("outer");
        assert_eq!(error.find::<io::Error>().map(io::Error::kind), Some(io::ErrorKind::ConnectionRefused));
    }

    #[test]
    fn an_explicit_cause_wins_over_the_table() {
        assert!(Error::misconfigured(refused()).is_misconfigured());
        assert!(!Error::misconfigured(refused()).is_retryable());
    }
}
