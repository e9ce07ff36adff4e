//! A broker that speaks AMQP 0.9.1: RabbitMQ, and what is like it.
//!
//! | setting | default | what it says |
//! | --- | --- | --- |
//! | `host`, `port` | `127.0.0.1`, 5672 (5671 with `tls`) | where the broker is |
//! | `vhost` | `/` | the virtual host |
//! | `user`, `password` | `guest`, `guest` | who this service is there |
//! | `urls` | none | several brokers, tried in turn, as `amqp://user:password@host:port/vhost` or `amqps://…`; instead of the five above |
//! | `connection_timeout` | 10 s | how long one attempt to connect may take; a bare number is seconds |
//! | `heartbeat` | 10 s | how often each side shows that it is there; one that says nothing for twice as long is gone |
//! | `queues_prefix` | none | what stands before the names of all queues and exchanges, with a dot behind it |
//! | `window` | 1000 | how many messages may be sent and not confirmed |
//! | `tls.{ca, certificate, key}` | no TLS | PEM files: authorities besides the system's, and what this service shows of itself |
//!
//! Beside them stand the settings of [every broker](crate::messaging::DeliverySettings). All three patterns are offered.
//!
//! # What is where
//!
//! | pattern | at the broker | kept by it |
//! | --- | --- | --- |
//! | publish/subscribe | fanout exchange `publish_subscribe.<name>`; a queue of its own for each subscriber, one `publish_subscribe.<name>.<group>` for each group | in memory |
//! | push/pull | durable queue `push_pull.<name>` | on disk |
//! | request/response | queue `request_response.<name>`, and one for the answers to each caller | in memory |
//!
//! A message that rests before its next attempt is in a queue of its own, such as `push_pull.emails.retry.200`, from
//! where the broker puts it back; for a subscriber without a group it rests in this process. Queues that others have
//! declared with other arguments are used as they are.
//!
//! A name or a short text that is not UTF-8, as of a header or in `correlation_id`, is read with a `?` for each byte that
//! belongs to no character: the client would end the connection over it, and the message would come again for ever. Values
//! of headers may be any bytes.
//!
//! # What can be lost
//!
//! A push is on disk when it returns, and is acknowledged only once it is handled: nothing is lost, and what was at work
//! when a connection broke comes again. What is published while a subscriber is away, or while the broker restarts, does
//! not reach it; a group gets what is published while none of its members is there, but for a restart of the broker.
//! A request whose answer is lost on the way is [unknown](crate::messaging::Failure::Unknown) to the caller.

mod acks;
mod address;
mod connection;
mod consumer;
mod delivered;
mod dialer;
mod failure;
mod job;
mod later;
mod ledger;
mod legible;
mod link;
mod names;
mod properties;
mod publisher;
mod requests;
mod resource;
mod rest;
mod session;
mod settings;
mod wire;

pub use self::{
    connection::AmqpConnection,
    consumer::AmqpConsumer,
    delivered::AmqpDelivered,
    resource::{Amqp, AmqpEngine},
    settings::{AmqpSettings, AmqpTlsSettings},
};
