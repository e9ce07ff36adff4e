//! ZeroMQ, without a broker in between: services reach each other at addresses, on the wire of the PyPI package
//! `service-framework`.
//!
//! ```
//! use chassis::{
//!     messaging::{Zmq, zmq::Decimal},
//!     prelude::*,
//! };
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Quote {
//!     item: String,
//!     quantity: Option<u32>,
//! }
//!
//! /// Knows prices; a requester of the Python package asks it.
//! #[microservice(name = "prices")]
//! struct Prices {
//!     #[resource]
//!     zmq: Zmq,
//! }
//!
//! #[derive(Serialize)]
//! struct Price {
//!     total: Decimal,
//! }
//!
//! #[microservice]
//! impl Prices {
//!     #[reply(zmq, "price")]
//!     async fn price(&self, quote: Quote) -> Result<Price> {
//!         Ok(Price { total: "1.50".parse()? })
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! ```yaml
//! system:
//!   resources:
//!     zmq:
//!       addresses:
//!         in: { price: { replyer: "127.0.0.1:5001" } }
//! ```
//!
//! | setting | default | what it says |
//! | --- | --- | --- |
//! | `addresses` | none | where connections are: the file of addresses of that package, in its present and its older layout |
//! | `connections` | none | by the name of a connection: `is_binder`, `is_x_pub`, `topic` |
//! | `high_water_mark` | 1000 | how many messages wait here for each peer that is slow, or is not there |
//! | `max_frame_size` | 64MiB | longer messages are passed over |
//! | `reconnect_interval` | 50ms | how long a lost address rests, at first; it doubles |
//! | `max_reconnect_interval` | 1s | the longest rest |
//! | `wait_after_creation` | 150ms | how long publishers that were just made wait for their subscribers |
//! | `linger` | 1s | how long messages may take at a stop that wait to be sent, or are on their way here |
//!
//! Beside them stand the settings of [every broker](crate::messaging::DeliverySettings); `codec` is MessagePack, and
//! nothing else.
//!
//! # Names
//!
//! | in code | address | socket | binds |
//! | --- | --- | --- | --- |
//! | `#[reply(zmq, "c")]` | `addresses.in.c.replyer` | REP | yes |
//! | `request("c")` | `addresses.out.c.requester` | REQ, without its lock step | no |
//! | `#[subscribe(zmq, "c")]` | `addresses.in.c.subscriber` | SUB | with `is_binder` |
//! | `publish("c")` | `addresses.out.c.publisher` | PUB | unless `is_x_pub`, or the subscriber does |
//! | `#[pull(zmq, "c")]` | `addresses.in.c.puller` | PULL | unless `is_binder: false` |
//! | `push("c")` | `addresses.out.c.pusher` | PUSH | if the puller does not |
//!
//! `"c:topic"` is the connection `c` with a topic; what is sent with a key has it as its topic. Without a topic a
//! subscriber gets everything, and the topic is the key of the message.
//!
//! # What it does not promise
//!
//! There are no acknowledgements on this wire, and no headers but the workflow id. What waits in a process, or between two
//! of them, is lost when one of them dies. At a stop what has been sent is still taken and handled. A message that is tried again rests in the process; one that is given up is told
//! in the log, and not kept. A published message misses who is not connected, or reads too slowly. A request whose
//! connection is lost fails at once, as unknown.
//!
//! The wire is neither encrypted nor authenticated: CURVE is not spoken here. Put it into a private network or a tunnel.
//!
//! # Workflow ids
//!
//! The id of a message is the `req_id` and the `workflow_id` of its unit of work, and, as far as it is a UUID, its trace.
//! What its handler calls carries the id on, as that package does: first as it came, then `<id>_1`, `<id>_2` and so on. A call
//! from other work has a new id, which is a UUID made of the trace of that work.

mod address;
mod arrival;
mod backlog;
mod body;
mod connection;
mod consumer;
mod directory;
mod faults;
mod held;
mod intake;
mod marked;
mod outbox;
mod pack;
mod publisher;
mod pusher;
mod reply;
mod replyer;
mod requester;
mod resource;
mod settings;
mod uuid;
mod values;
mod workflow;
mod zmtp;

pub use self::{
    address::Address,
    connection::ZmqConnection,
    consumer::{ZmqConsumer, ZmqDelivered},
    resource::{Zmq, ZmqEngine},
    settings::{Addresses, ConnectionSettings, Sides, SocketAddresses, ZmqSettings},
    uuid::{NoUuid, Uuid},
    values::{DateTime, Decimal, NdArray, NoDecimal, Set},
};
