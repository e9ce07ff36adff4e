//! Who gets a message.

use std::fmt;

/// Who gets a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// Every subscriber, or one of each group of them: `publish` and `#[subscribe]`.
    PublishSubscribe,
    /// One of the workers: `push` and `#[pull]`.
    PushPull,
    /// Who answers: `request` and `#[reply]`.
    RequestResponse,
}

impl Pattern {
    /// The word for it in names of queues, logs and figures.
    pub fn as_str(self) -> &'static str {
        match self {
            Pattern::PublishSubscribe => "publish_subscribe",
            Pattern::PushPull => "push_pull",
            Pattern::RequestResponse => "request_response",
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The pattern of `publish` and `#[subscribe]`, for [`Offers`].
#[derive(Debug)]
pub enum PublishSubscribe {}

/// The pattern of `push` and `#[pull]`, for [`Offers`].
#[derive(Debug)]
pub enum PushPull {}

/// The pattern of `request` and `#[reply]`, for [`Offers`].
#[derive(Debug)]
pub enum RequestResponse {}

/// An engine that has this pattern: without it, a handler or a call of that pattern does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no pattern `{P}`",
    label = "this broker cannot do that",
    note = "see the table of brokers and patterns in the documentation of `chassis::messaging`"
)]
pub trait Offers<P> {}
