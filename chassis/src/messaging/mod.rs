//! Messages between services, the same over every broker.
//!
//! ```
//! use chassis::{messaging::Memory, prelude::*};
//! use serde::{Deserialize, Serialize};
//!
//! /// Sends e-mails.
//! #[microservice(name = "mailer")]
//! struct Mailer {
//!     #[resource]
//!     broker: Memory,
//! }
//!
//! #[derive(Serialize, Deserialize)]
//! struct Email {
//!     to: String,
//! }
//!
//! #[microservice]
//! impl Mailer {
//!     #[pull(broker, "emails", concurrency = 8, retries = 5)]
//!     async fn send(&self, email: Email) -> Result<()> {
//!         tracing::info!("to {}", email.to);
//!         Ok(())
//!     }
//!
//!     #[task_timer(interval = "1s")]
//!     async fn write(&self) -> Result<()> {
//!         self.broker.push("emails", &Email { to: "you@example.org".to_owned() }).await
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Three patterns
//!
//! | sent by | handled by | who gets it |
//! | --- | --- | --- |
//! | [`publish`](Broker::publish) | `#[subscribe(broker, "name")]` | every instance that is subscribed; with `group = "…"` one of each group |
//! | [`push`](Broker::push) | `#[pull(broker, "name")]` | one of the workers, now or later |
//! | [`request`](Broker::request) | `#[reply(broker, "name")]` | one of those who reply; its answer comes back |
//!
//! # Four brokers
//!
//! | broker | publish/subscribe | push/pull | request/response | feature |
//! | --- | --- | --- | --- | --- |
//! | `Memory`, in this process | yes | yes, until the process ends | yes | `memory` |
//! | `Amqp`, RabbitMQ | yes | yes | yes | `amqp` |
//! | `Kafka` | yes | yes | no: does not compile | `kafka` |
//! | `Zmq`, without a broker | yes, without groups | yes, but nothing is kept for later | yes | `zmq` |
//!
//! A [`Broker`] without a name is whichever of them the setting `engine` says, see [`Any`]; a pattern that the engine does
//! not have ends its start, exit code 78.
//!
//! # What is promised
//!
//! A message is acknowledged once its handler has returned `Ok`, so it is handled *at least once*: a handler must bear to
//! see a message twice. A handler that fails gets it again after a rest with full jitter, while others go on; after
//! `retries` of them, or at once when the error is [not to be retried](crate::Error::not_retried) or the body cannot be
//! read, it becomes a dead letter: pushed to its name with `.dead` behind it, with the reason in its [headers](known).
//!
//! # Where its parts are
//!
//! | for | see |
//! | --- | --- |
//! | sending | [`Broker`], [`Sending`], [`Requesting`], [`Failure`] |
//! | handling | [`Matcher`] for the options, [`Message`] and [`Headers`] for arguments |
//! | messages as a stream | [`Broker::pull`], [`Messages`] |
//! | bodies | [`crate::codec`] |
//! | settings | [`DeliverySettings`], [`HandlerSettings`] |
//! | a broker whose engine is a setting | [`Any`] |
//! | a broker of one's own | [`engine`] |

mod any;
mod asyncapi;
mod broker;
mod burial;
mod choice;
pub mod engine;
mod failure;
mod headers;
mod input;
pub mod known;
mod letter;
mod links;
mod matcher;
mod message;
mod meters;
mod pattern;
mod requesting;
mod resource;
mod resting;
mod rules;
mod sending;
mod settings;
mod taking;
mod worker;

#[cfg(feature = "amqp")]
pub use crate::resources::amqp::{self, Amqp};
#[cfg(feature = "kafka")]
pub use crate::resources::kafka::{self, Kafka};
#[cfg(feature = "memory")]
pub use crate::resources::memory::{self, Memory};
#[cfg(feature = "zmq")]
pub use crate::resources::zmq::{self, Zmq};

/// Bytes of a body, a key or a header, as the crate `bytes` has them.
pub use bytes::Bytes;

pub(crate) use self::any::Kind;
#[cfg_attr(
    not(any(feature = "memory", feature = "amqp", feature = "kafka", feature = "zmq")),
    allow(unused_imports, reason = "there is no engine to list")
)]
pub(crate) use self::any::kind;
pub use self::{
    any::{Any, AnyConnection, AnyConsumer, AnyDelivered, AnySettings, Engines},
    asyncapi::{DescribeAnswer, DescribeArgument, Description, Shape, Undescribed},
    broker::Broker,
    choice::{ByContentType, Choice},
    failure::Failure,
    headers::Headers,
    input::{Body, Delivery, Inquiry, Outcome, Whole},
    letter::{Reason, dead_name},
    matcher::{Matcher, Pull, Reply, Subscribe, pull, reply, subscribe},
    message::{Incoming, Message, Outgoing},
    pattern::{Offers, Pattern, PublishSubscribe, PushPull, RequestResponse},
    requesting::Requesting,
    sending::Sending,
    settings::{BrokerSettings, DeliverySettings, HandlerSettings},
    taking::{Messages, Received, Taking},
};
