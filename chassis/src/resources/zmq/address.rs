//! Where a socket is: `host:port`, as the Python package writes it.

use std::fmt;

use serde_json::Value as Json;

use crate::settings::{Input, SettingValue, Shape};

/// `host:port`; `*` as the host is every address of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: Box<str>,
    port: u16,
}

impl Address {
    /// Reads `host:port`; `tcp://` in front of it is accepted, brackets stand around IPv6.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("tcp://").unwrap_or(text);
        let (host, port) = text.rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = |host: &str| {
            !host.is_empty() && !host.contains(|letter: char| letter.is_whitespace() || "/[]".contains(letter))
        };
        let host = match bare {
            Some(host) => host,
            None if host.contains(':') => return None,
            None => host,
        };
        let port = port.parse().ok().filter(|port| *port > 0)?;
        is_host(host).then(|| Self { host: host.into(), port })
    }

    /// The host, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The host to listen at.
    pub(super) fn listening_host(&self) -> &str {
        if &*self.host == "*" { "0.0.0.0" } else { &self.host }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl SettingValue for Address {
    type Plain = Self;

    fn from_plain(plain: Self) -> Self {
        plain
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let address = input.text().and_then(|text| Self::parse(&text));
        if address.is_none() {
            input.mismatch("a host and a port such as `127.0.0.1:5001`");
        }
        address
    }

    fn shape() -> Shape {
        Shape::text_like("a host and a port", "127.0.0.1:5001")
    }

    fn show(&self) -> Json {
        self.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn hosts_and_ports_are_read() {
        for (text, shown) in [
            ("127.0.0.1:5001", "127.0.0.1:5001"),
            ("tcp://prices.internal:80", "prices.internal:80"),
            ("*:5001", "*:5001"),
            ("[::1]:5001", "[::1]:5001"),
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), shown);
        }
        for wrong in ["", "5001", ":5001", "host:", "host:0", "host:70000", "::1:5001", "a b:1", "http://host:80"] {
            assert_eq!(Address::parse(wrong), None, "{wrong}");
        }
    }
}
