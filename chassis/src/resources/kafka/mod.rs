//! A broker that speaks the protocol of Apache Kafka.
//!
//! | setting | default | what it says |
//! | --- | --- | --- |
//! | `bootstrap_servers` | `127.0.0.1:9092` | brokers of the cluster, with commas between them |
//! | `group` | the service's name | the consumer group of `#[pull]`; services of the same group share the messages |
//! | `topics_prefix` | none | what stands before the names of all topics and of groups of subscribers, with a dot behind it |
//! | `create_topics`, `partitions` | yes, as the cluster says | whether topics that are not there are created, and how |
//! | `commit_interval` | 500 ms | how often what is done is committed; a bare number is milliseconds |
//! | `max_uncommitted` | 10000 | how many messages of a topic may be taken beyond the first one that is not done |
//! | `session_timeout` | 10 s | after how long without a sign of life the group gives this service's partitions to others |
//! | `max_poll_interval` | 5 min | how long a member may take to give up its partitions |
//! | `release_timeout` | 30 s | how long messages at work may take to end when their partition goes to another service |
//! | `linger` | 1 ms | how long a message waits for others to be sent together with it |
//! | `delivery_timeout` | 30 s | how long a message may take to be stored |
//! | `tls.{ca, certificate, key}` | no TLS | PEM files; needs the feature `kafka-ssl` |
//! | `sasl.{mechanism, user, password}` | none | who this service is; `PLAIN`, and with `kafka-ssl` also `SCRAM-SHA-256` and `-512` |
//! | `client` | none | options of librdkafka by their names, with `_` for each dot |
//!
//! Beside them stand the settings of [every broker](crate::messaging::DeliverySettings). Publish/subscribe and push/pull are
//! offered; `#[reply]` does not compile.
//!
//! # What is where
//!
//! | pattern | at the broker |
//! | --- | --- |
//! | push/pull | the topic of that name; the consumer group is `group` |
//! | publish/subscribe | the same; with `group = "…"` the consumer group of that name, which begins at the end of the topic; without it every partition from its end on, in no group |
//!
//! The key of a message decides its partition, by the hash that Java clients use. Headers are headers; the content type is
//! the header `content-type`. A message without a value has an empty body.
//!
//! # What can be lost
//!
//! A message is stored by all replicas that are in step when sending it returns, once and in order (`acks=all`, idempotent).
//! Only offsets below the first message of a partition that is not done are committed: after a crash of the service, or
//! when a partition goes to another one that did not wait, what was not committed is handled again. A message that rests
//! before its next attempt rests in this process: after a crash or a stop its attempts begin anew. A subscriber without a
//! group does not get what is published while it does not run.
//!
//! # Building
//!
//! The client is [librdkafka](https://github.com/confluentinc/librdkafka), compiled with the crate: the feature `kafka`
//! needs a C compiler and `make`; `kafka-ssl`, for TLS and SCRAM, needs the files of OpenSSL (Debian: `libssl-dev`), too.

mod config;
mod connection;
mod consumer;
mod delivered;
mod group;
mod inbox;
mod names;
mod native;
mod producer;
mod reader;
mod record;
mod resource;
mod settings;
mod topics;
mod troubles;
mod watch;
mod window;

pub use self::{
    connection::KafkaConnection,
    consumer::KafkaConsumer,
    delivered::KafkaDelivered,
    resource::{Kafka, KafkaEngine},
    settings::{KafkaSaslSettings, KafkaSettings, KafkaTlsSettings},
};
