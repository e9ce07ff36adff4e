//! The address of a server: bound in `start`, accepted from only later.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::{TcpListener, TcpSocket};

use super::{ConnectionSettings, Exchange, Figures, Server, Spawner, TlsSettings, tls::Tls};
use crate::{Error, Result};

/// A bound address. Clients that connect wait until the server opens.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<Arc<Tls>>,
    figures: Option<Figures>,
}

impl Listener {
    /// Binds `address`; `path` is where it was set, for the message of a failure.
    ///
    /// # Errors
    /// Unavailable and not worth a retry when the address is in use, misconfigured when it can never be bound.
    pub(crate) fn bind(address: SocketAddr, settings: &ConnectionSettings, path: &str) -> Result<Self> {
        let bound = bind(address, settings.backlog).and_then(|socket| {
            let address = socket.local_addr()?;
            Ok(Self { socket, address, tls: None, figures: None })
        });
        bound.map_err(|error| explain(error, address, path))
    }

    /// The address that was bound: with the port that the kernel chose, if that was left to it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks TLS; `path` is where that was set.
    ///
    /// # Errors
    /// Misconfigured when a file is missing or does not fit, or the feature `tls` is not compiled in.
    pub(crate) fn secure(mut self, settings: &TlsSettings, path: &str) -> Result<Self> {
        self.tls = Some(Tls::load(settings, path)?);
        Ok(self)
    }

    /// Counts what happens to connections.
    pub(crate) fn counted(mut self, figures: Figures) -> Self {
        self.figures = Some(figures);
        self
    }

    /// Makes it a server, which accepts from [`Server::open`] on.
    pub(crate) fn serve(self, settings: &ConnectionSettings, exchange: impl Exchange, spawner: Spawner) -> Server {
        Server::new(self.socket, self.address, settings, self.tls, self.figures.as_ref(), exchange, spawner)
    }
}

fn bind(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a process before us may still be winding down; a living listener is refused all the same.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    // Two sockets may bind one address; that it is taken shows here at the latest.
    socket.listen(backlog)
}

fn explain(error: io::Error, address: SocketAddr, path: &str) -> Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "stop what listens there (`ss -ltnp` names it; it may be another server of this service), or set `{path}.port` to another port"
            )
        }
        io::ErrorKind::PermissionDenied => format!(
            "ports below 1024 need the capability `CAP_NET_BIND_SERVICE`; grant it, or set `{path}.port` to a higher one"
        ),
        io::ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address; set `{path}.host` to one it has, or to `0.0.0.0` for all")
        }
        _ => format!("see `{path}`"),
    };
    Error::from(error).context(format!("cannot listen on `{address}`; {advice}"))
}
