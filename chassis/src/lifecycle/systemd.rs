//! Tells systemd how the service is (`sd_notify(3)`): a datagram to the socket named by `NOTIFY_SOCKET`.

use std::{io, os::unix::net::UnixDatagram, time::Duration};

/// The notification socket, when the service was started by something that wants to know.
pub(crate) struct Systemd {
    socket: Option<(UnixDatagram, std::os::unix::net::SocketAddr)>,
}

impl Systemd {
    /// Reads `NOTIFY_SOCKET`.
    pub(crate) fn from_environment() -> Self {
        let socket = std::env::var("NOTIFY_SOCKET").ok().filter(|path| !path.is_empty()).and_then(|path| {
            open(&path).inspect_err(|error| tracing::warn!("cannot notify systemd at `{path}`: {error}")).ok()
        });
        Self { socket }
    }

    /// Sends one state, such as `READY=1`.
    pub(crate) fn notify(&self, state: &str) {
        if let Some((socket, address)) = &self.socket
            && let Err(error) = socket.send_to_addr(state.as_bytes(), address)
        {
            tracing::debug!("cannot notify systemd of `{state}`: {error}");
        }
    }

    /// How often systemd wants to hear `WATCHDOG=1`: half the time after which it would kill the service.
    pub(crate) fn watchdog(&self) -> Option<Duration> {
        self.socket.as_ref()?;
        let meant = std::env::var("WATCHDOG_PID").map_or(true, |pid| pid == std::process::id().to_string());
        let micros: u64 = std::env::var("WATCHDOG_USEC").ok()?.parse().ok()?;
        (meant && micros > 1).then(|| Duration::from_micros(micros / 2))
    }
}

fn open(path: &str) -> io::Result<(UnixDatagram, std::os::unix::net::SocketAddr)> {
    use std::os::{linux::net::SocketAddrExt, unix::net::SocketAddr};

    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(path)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A full socket must not hold the service up.
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}
