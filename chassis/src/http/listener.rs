//! The address of a server: bound in `start`, accepted from only later.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::{TcpListener, TcpSocket};

use super::{ConnectionSettings, Exchange, Figures, Server, Spawner, TlsSettings, door::Door, tls::Tls};
use crate::{Error, Result};

/// A bound address. Clients that connect wait until the server opens.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) figures: Option<Figures>,
}

impl Listener {
    /// Binds `address`; `path` is where it was set, for the message of a failure.
    ///
    /// # Errors
    /// Unavailable and not worth a retry when the address is in use, misconfigured when it can never be bound.
    pub(crate) fn bind(address: SocketAddr, settings: &ConnectionSettings, path: &str) -> Result<Self> {
        let bound = socket(address, false).and_then(|socket| Self::listen(socket, settings.backlog));
        bound.map_err(|error| explain(error, address, path))
    }

    /// Binds `address` while the server listens at `door`, which may be on the same port.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub(super) fn bind_beside(
        door: &Door,
        address: SocketAddr,
        settings: &ConnectionSettings,
        path: &str,
    ) -> Result<Self> {
        let bound = match door.address.port() == address.port() {
            true => door.share_port(|| {
                let listener = Self::listen(socket(address, true)?, settings.backlog)?;
                #[cfg(unix)]
                socket2::SockRef::from(&listener.socket).set_reuse_port(false)?;
                Ok(listener)
            }),
            false => socket(address, false).and_then(|socket| Self::listen(socket, settings.backlog)),
        };
        bound.map_err(|error| explain(error, address, path))
    }

    /// Whether `address` could be bound now, beside `door`. Nobody can connect to it meanwhile.
    ///
    /// # Errors
    /// As [`bind`](Listener::bind).
    pub(super) fn try_beside(door: &Door, address: SocketAddr, path: &str) -> Result<()> {
        let tried = match door.address.port() == address.port() {
            true => door.share_port(|| socket(address, true)),
            false => socket(address, false),
        };
        tried.map(drop).map_err(|error| explain(error, address, path))
    }

    fn listen(socket: TcpSocket, backlog: u32) -> io::Result<Self> {
        // Two sockets may bind one address; that it is taken shows here at the latest.
        let socket = socket.listen(backlog)?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, tls: None, figures: None })
    }

    pub(super) fn into_parts(self) -> (TcpListener, SocketAddr) {
        (self.socket, self.address)
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
        Server::new(self, settings, exchange, spawner)
    }
}

/// A socket that is bound and does not listen yet.
fn socket(address: SocketAddr, shares_port: bool) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a process before us may still be winding down; a living listener is refused all the same.
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(shares_port)?;
    #[cfg(not(unix))]
    let _ = shares_port;
    socket.bind(address)?;
    Ok(socket)
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
