//! One address of a server: where clients come in, and whether they still may.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Weak},
};

use arc_swap::ArcSwap;
use socket2::SockRef;
use tokio::{net::TcpListener, sync::watch};

use super::{Listener, accept::Gate, connection::Speech};

/// An address that was bound. A server has one in use, and for a moment those that it leaves.
#[derive(Debug)]
pub(super) struct Door {
    /// Grows from one address of a server to the next.
    pub(super) number: u32,
    pub(super) address: SocketAddr,
    /// How connections that come in here speak.
    pub(super) speech: Arc<ArcSwap<Speech>>,
    gate: watch::Sender<Gate>,
    /// The acceptor has it, and drops it to close the address.
    listener: Weak<TcpListener>,
}

impl Door {
    /// The door, and what its acceptor needs.
    pub(super) fn new(
        number: u32,
        listener: Listener,
        speech: Speech,
    ) -> (Self, Arc<TcpListener>, watch::Receiver<Gate>) {
        let (gate, watch) = watch::channel(Gate::Bound);
        let (socket, address) = listener.into_parts();
        let socket = Arc::new(socket);
        let speech = Arc::new(ArcSwap::from_pointee(speech));
        (Self { number, address, speech, gate, listener: Arc::downgrade(&socket) }, socket, watch)
    }

    pub(super) fn gate(&self) -> Gate {
        *self.gate.borrow()
    }

    /// Moves on; never back.
    pub(super) fn turn(&self, to: Gate) {
        self.gate.send_if_modified(|gate| {
            let is_later = *gate < to;
            *gate = to.max(*gate);
            is_later
        });
    }

    /// Whether the address is closed.
    pub(super) fn is_closed(&self) -> bool {
        self.gate.is_closed()
    }

    /// What tells when it is.
    pub(super) fn closing(&self) -> watch::Sender<Gate> {
        self.gate.clone()
    }

    /// Lets the kernel keep so many connections that nobody has accepted yet.
    pub(super) fn set_backlog(&self, backlog: u32) -> io::Result<()> {
        let Some(listener) = self.listener.upgrade() else { return Ok(()) };
        SockRef::from(&*listener).listen(i32::try_from(backlog).unwrap_or(i32::MAX))
    }

    /// Does what needs another listener on this port, if that is allowed here.
    ///
    /// `0.0.0.0:80` is bound beside `127.0.0.1:80` only where both sockets agree to it. They do for as long as this
    /// takes; what others listen on is refused all the same.
    pub(super) fn share_port<T>(&self, bind: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(listener) = self.listener.upgrade() else { return bind() };
        let socket = SockRef::from(&*listener);
        #[cfg(unix)]
        let _ = socket.set_reuse_port(true);
        let bound = bind();
        #[cfg(unix)]
        let _ = socket.set_reuse_port(false);
        bound
    }
}
