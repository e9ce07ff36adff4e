//! What handlers are given, and what their answers mean.

use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    choice::{ByContentType, Choice},
    headers::Headers,
    message::{Incoming, Message, Outgoing},
};
use crate::{
    Error,
    codec::Format,
    handler::{Give, Input, Settle},
};

/// What a handler makes of a message.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is done.
    Done,
    /// It is done, and this is the answer.
    Answer(Outgoing),
    /// It failed, and may do better next time.
    Failed(Error),
    /// Another attempt would fail like this one.
    Rejected(Error),
    /// The body is not what the handler takes.
    Undecodable(Error),
}

impl Outcome {
    /// What a failure means: one that is said [not to be retried](Error::not_retried) is final.
    fn failed(error: Error) -> Self {
        // Settings may be mended while the message waits.
        if error.is_retryable() || error.is_misconfigured() { Outcome::Failed(error) } else { Outcome::Rejected(error) }
    }
}

/// A message for `#[subscribe]` and `#[pull]`.
#[derive(Debug)]
pub struct Delivery<C = ByContentType>(Parcel<C>);

/// A request for `#[reply]`.
#[derive(Debug)]
pub struct Inquiry<C = ByContentType>(Parcel<C>);

/// A message with what reads it.
#[derive(Debug)]
struct Parcel<C> {
    incoming: Arc<Incoming>,
    codec: C,
    usual: Format,
}

/// What workers make the input of a handler by.
pub trait Unpack<C>: Input<Outcome = Outcome> {
    /// The input of one message.
    fn unpack(incoming: Arc<Incoming>, codec: C, usual: Format) -> Self;
}

impl<C: Choice> Parcel<C> {
    fn read<T: DeserializeOwned>(&self) -> Result<T, Outcome> {
        self.codec.read(&self.incoming, self.usual).map_err(Outcome::Undecodable)
    }

    fn message<T: DeserializeOwned>(&self) -> Result<Message<T>, Outcome> {
        Ok(Message { body: self.read()?, incoming: Arc::clone(&self.incoming) })
    }
}

/// Marks arguments that are made of the body.
#[derive(Debug)]
pub enum Body {}

/// Marks arguments that are made of the whole message.
#[derive(Debug)]
pub enum Whole {}

macro_rules! input {
    ($input:ident) => {
        impl<C: Choice> Input for $input<C> {
            type Outcome = Outcome;
        }

        impl<C: Choice> Unpack<C> for $input<C> {
            fn unpack(incoming: Arc<Incoming>, codec: C, usual: Format) -> Self {
                Self(Parcel { incoming, codec, usual })
            }
        }

        /// The body, as anything that serde can make of it.
        impl<C: Choice, T: DeserializeOwned + Send> Give<T, Body> for $input<C> {
            async fn give(&mut self) -> Result<T, Outcome> {
                self.0.read()
            }
        }

        /// The body, and what is known of the message.
        impl<C: Choice, T: DeserializeOwned + Send> Give<Message<T>, Whole> for $input<C> {
            async fn give(&mut self) -> Result<Message<T>, Outcome> {
                self.0.message()
            }
        }

        /// What came beside the body.
        impl<C: Choice> Give<Headers, Whole> for $input<C> {
            async fn give(&mut self) -> Result<Headers, Outcome> {
                Ok(self.0.incoming.headers.clone())
            }
        }
    };
}

input!(Delivery);
input!(Inquiry);

/// Handled, whatever happened in it.
impl<C: Choice> Settle<()> for Delivery<C> {
    fn settle(self, (): ()) -> Outcome {
        Outcome::Done
    }
}

/// Handled once it is `Ok`.
impl<C: Choice, E: Into<Error>> Settle<Result<(), E>> for Delivery<C> {
    fn settle(self, answer: Result<(), E>) -> Outcome {
        match answer {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::failed(error.into()),
        }
    }
}

/// The answer is sent as the request was written.
impl<C: Choice, R: Serialize, E: Into<Error>> Settle<Result<R, E>> for Inquiry<C> {
    fn settle(self, answer: Result<R, E>) -> Outcome {
        let Parcel { incoming, codec, usual } = self.0;
        match answer {
            Ok(answer) => match codec.write(&answer, usual, incoming.content_type.as_deref()) {
                Ok((body, content_type)) => Outcome::Answer(Outgoing::new(body, content_type)),
                Err(error) => Outcome::Rejected(error.context("the answer cannot be written")),
            },
            Err(error) => Outcome::failed(error.into()),
        }
    }
}
