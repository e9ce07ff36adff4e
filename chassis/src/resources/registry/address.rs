//! Where a service is reached from other machines.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::UdpSocket;

use crate::{Error, Result};

/// What is registered of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// A name or a number, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// An address as it is written in the settings: the port may be left to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    host: String,
    port: Option<u16>,
}

impl Told {
    /// Reads `host:port`, `host`, `[::1]:port` or a bare IPv6 address.
    ///
    /// # Errors
    /// When it is none of them.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            let what = format!("`{}` is no address; write it like `orders.internal:8080`", text.escape_debug());
            Error::misconfigured(Error::msg(what))
        };
        let (host, port) = match text.parse::<Ipv6Addr>() {
            Ok(_) => (text, None),
            Err(_) => match text.rsplit_once(':') {
                Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let is_name = host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if host.is_empty() || !is_name && host.parse::<Ipv6Addr>().is_err() {
            return Err(wrong());
        }
        let port = port.map(str::parse::<u16>).transpose().map_err(|_| wrong())?;
        if port == Some(0) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }

    /// With the port of the server, where none is told.
    pub(super) fn with(self, server: Option<SocketAddr>) -> Option<Address> {
        let port = self.port.or_else(|| server.map(|server| server.port()))?;
        Some(Address { host: self.host, port })
    }
}

/// The address of a server for others: one that listens on all interfaces is at that which leads to this peer.
pub(super) async fn reachable(server: SocketAddr, peer: &str) -> Address {
    let ip = match server.ip() {
        ip if ip.is_unspecified() => of_machine(ip, peer).await.unwrap_or(loopback(ip)),
        ip => ip,
    };
    Address { host: ip.to_string(), port: server.port() }
}

/// The address that this machine has for the peer; nothing is sent.
async fn of_machine(any: IpAddr, peer: &str) -> Option<IpAddr> {
    // A server of all interfaces by IPv6 takes IPv4, too.
    let families = if any.is_ipv4() { vec![any] } else { vec![Ipv4Addr::UNSPECIFIED.into(), any] };
    for any in families {
        let Ok(socket) = UdpSocket::bind((any, 0)).await else { continue };
        if socket.connect(peer).await.is_ok()
            && let Ok(mine) = socket.local_addr()
        {
            return Some(mine.ip());
        }
    }
    None
}

fn loopback(any: IpAddr) -> IpAddr {
    if any.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_with_or_without_a_port() {
        let check = |text: &str, host: &str, port: Option<u16>| {
            assert_eq!(Told::parse(text).unwrap(), Told { host: host.to_owned(), port });
        };
        check("orders.internal:8080", "orders.internal", Some(8080));
        check("orders", "orders", None);
        check("10.0.0.1:80", "10.0.0.1", Some(80));
        check("[::1]:80", "::1", Some(80));
        check("[::1]", "::1", None);
        check("fe80::1", "fe80::1", None);
        for bad in ["", ":80", "http://a:1", "a:0", "a:70000", "a b", "a/b", "a:b:c", "[a]:x"] {
            let error = Told::parse(bad).unwrap_err();
            assert!(error.is_misconfigured() && error.to_string().contains("write it like"), "{bad}: {error}");
        }
    }

    #[test]
    fn the_port_is_the_servers_where_none_is_told() {
        let server = Some(SocketAddr::from(([0, 0, 0, 0], 8080)));
        let address = |text: &str, server| Told::parse(text).unwrap().with(server).map(|address| address.port);
        assert_eq!((address("a", server), address("a:1", server), address("a", None)), (Some(8080), Some(1), None));
    }

    #[tokio::test]
    async fn all_interfaces_are_the_one_that_leads_to_the_peer() {
        let check = async |server: &str, host: &str| {
            assert_eq!(reachable(server.parse().unwrap(), "127.0.0.1:2379").await.host, host);
        };
        check("0.0.0.0:80", "127.0.0.1").await;
        check("[::]:80", "127.0.0.1").await;
        check("10.1.2.3:80", "10.1.2.3").await;
    }
}
