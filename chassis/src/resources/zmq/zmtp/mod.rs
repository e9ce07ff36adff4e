//! ZMTP 3, the protocol of ZeroMQ, as far as the wire of these sockets needs it: TCP, no security (the mechanism `NULL`).
//!
//! The specification is [RFC 23](https://rfc.zeromq.org/spec/23/), for 3.1 [RFC 37](https://rfc.zeromq.org/spec/37/).
//! A [`Link`] accepts peers or goes to one, and lends each of them to a [`Role`], which is what a kind of socket does.

mod apart;
mod frame;
mod handshake;
mod kind;
mod link;
mod peer;
mod writer;

pub(super) use self::{
    frame::{Item, encode, encode_behind, encode_command, encode_one},
    kind::SocketKind,
    link::{Link, Reach, Serve},
    peer::{BATCH, Peer, Role, Source},
    writer::Writer,
};
