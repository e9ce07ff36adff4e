//! Writes to etcd many times a second: by its HTTP API and one connection, without a process for each write.

use std::net::{Ipv4Addr, SocketAddr};

use super::{client::Client, etcd::EtcdServer};

/// A connection that keys are written by.
#[derive(Debug)]
pub struct EtcdWriter {
    client: Client,
}

impl EtcdWriter {
    /// Writes to this server.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn to(server: &EtcdServer) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, server.port()));
        Self { client: Client::connect(address).unwrap_or_else(|error| panic!("etcd: {error}")) }
    }

    /// Writes one key, in a transaction of its own.
    ///
    /// # Panics
    ///
    /// When it is not written.
    pub fn put(&mut self, key: &str, value: &str) {
        let body = format!(r#"{{"key": "{}", "value": "{}"}}"#, base64(key.as_bytes()), base64(value.as_bytes()));
        let answer = self.client.send("POST", "/v3/kv/put", &[], &body);
        let answer = answer.unwrap_or_else(|error| panic!("etcd: {error}"));
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |bytes: &[u8]| {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | usize::from(bytes.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| if at > bytes.len() { '=' } else { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}
