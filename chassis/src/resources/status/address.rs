//! Which addresses the status server tries, in which order. Pure: the resource binds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::StatusSettings;

/// The port of a status server that is told nothing else.
pub(super) const DEFAULT_PORT: u16 = 5747;

/// How many ports after the default one are tried where it is taken.
const FURTHER: u16 = 100;

/// What to try.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    /// Interfaces; a later one only where the machine does not know the one before.
    pub(super) hosts: Vec<IpAddr>,
    /// Ports; a later one only where the one before is taken.
    pub(super) ports: Vec<u16>,
}

/// The candidates for these settings.
///
/// A probe of Kubernetes comes from outside of the container and knows one port: there the server listens on all
/// interfaces, and never moves. Elsewhere it keeps to itself, and services on one machine make room for each other.
pub(super) fn candidates(settings: &StatusSettings, is_kubernetes: bool) -> Candidates {
    let hosts = match settings.host {
        Some(host) => vec![host],
        None if is_kubernetes => vec![Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()],
        None => vec![Ipv4Addr::LOCALHOST.into()],
    };
    let ports = match settings.port {
        Some(port) => vec![port],
        None if is_kubernetes => vec![DEFAULT_PORT],
        None => (DEFAULT_PORT..=DEFAULT_PORT + FURTHER).collect(),
    };
    Candidates { hosts, ports }
}

/// The address that a person on this machine can open: nobody can connect to "all interfaces".
pub(super) fn reachable(bound: SocketAddr) -> SocketAddr {
    let ip = match bound.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, bound.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(host: Option<IpAddr>, port: Option<u16>) -> StatusSettings {
        StatusSettings { enabled: true, host, port, token: None }
    }

    #[test]
    fn without_settings_it_listens_to_this_machine_and_makes_room() {
        let Candidates { hosts, ports } = candidates(&settings(None, None), false);
        assert_eq!(hosts, [IpAddr::from(Ipv4Addr::LOCALHOST)]);
        assert_eq!((ports[0], ports[1], ports.len()), (5747, 5748, 101));
    }

    #[test]
    fn a_port_that_is_set_is_meant() {
        assert_eq!(candidates(&settings(None, Some(9000)), false).ports, [9000]);
        assert_eq!(candidates(&settings(Some(Ipv6Addr::LOCALHOST.into()), None), false).ports.len(), 101);
    }

    #[test]
    fn kubernetes_finds_it_on_every_interface_at_one_port() {
        let Candidates { hosts, ports } = candidates(&settings(None, None), true);
        assert_eq!((hosts.len(), ports), (2, vec![5747]));
        assert!(hosts.iter().all(|host| host.is_unspecified()));
        let told = IpAddr::from([10, 0, 0, 7]);
        assert_eq!(candidates(&settings(Some(told), Some(1)), true).hosts, [told]);
    }

    #[test]
    fn people_are_told_an_address_they_can_open() {
        let check = |bound: &str, expected: &str| {
            let bound: Result<SocketAddr, _> = bound.parse();
            assert_eq!(bound.map(|bound| reachable(bound).to_string()), Ok(expected.to_owned()));
        };
        check("0.0.0.0:1", "127.0.0.1:1");
        check("[::]:1", "[::1]:1");
        check("10.0.0.1:1", "10.0.0.1:1");
    }
}
