//! What every HTTP server of a service is built on: the address, the accept loop, connections and their end.
//!
//! hyper speaks the protocol; this module decides who may connect, how long a connection may be slow or idle, and how
//! it ends without a failed request. What a request means is an [`Exchange`], which the resource above brings.

#![cfg_attr(
    not(all(feature = "http-server", feature = "status")),
    allow(dead_code, unused_imports, unreachable_pub, reason = "each of the two servers needs a part of it")
)]

mod accept;
mod change;
mod client;
mod connection;
mod connections;
mod deadline;
mod descriptors;
mod door;
mod exchange;
mod listener;
mod patience;
mod peer;
mod server;
mod settings;
mod spawner;
mod statistics;
mod tls;
mod transport;

#[cfg(test)]
mod tests;

pub use self::{
    client::{RequestBuilder, TestClient, TestResponse},
    settings::ConnectionSettings,
    tls::{ClientAuth, ClientCertificate, TlsInfo, TlsSettings, TlsVersion},
};
pub(crate) use self::{
    deadline::Deadline,
    exchange::{BoxError, Exchange},
    listener::Listener,
    peer::Peer,
    server::Server,
    settings::pre_stop_delay,
    spawner::Spawner,
    statistics::{Figures, Statistics},
};
