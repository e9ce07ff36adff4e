//! One instance of a service, and how it is read from what stands in etcd.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One instance of a service, as it has registered itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Instance {
    /// What tells it from the others.
    pub id: String,
    /// A name or a number, without brackets.
    pub address: String,
    /// Its port.
    pub port: u16,
    /// The version of the service, if it tells.
    pub version: Option<String>,
    /// When it began to start, as RFC 3339, if it tells.
    pub started: Option<String>,
    /// What else it tells.
    pub metadata: BTreeMap<String, String>,
}

/// The object that stands in etcd.
#[derive(Deserialize)]
struct Entry {
    address: String,
    port: u16,
    version: Option<String>,
    started: Option<String>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

impl Instance {
    /// `host:port`, as it stands in a URL.
    pub fn authority(&self) -> String {
        let Self { address, port, .. } = self;
        if address.contains(':') { format!("[{address}]:{port}") } else { format!("{address}:{port}") }
    }

    /// Reads an object, or the bare address that an older framework writes.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn parse(id: &str, value: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())?.trim();
        let bare = |text: &str| {
            let (address, port) = authority(text).ok_or("it is neither an object nor `host:port`")?;
            let (version, started, metadata) = (None, None, BTreeMap::new());
            Ok(Self { id: id.to_owned(), address, port, version, started, metadata })
        };
        if let Some(quoted) = text.starts_with('"').then(|| serde_json::from_str::<String>(text)) {
            return bare(&quoted.map_err(|error| error.to_string())?);
        }
        if !text.starts_with('{') {
            return bare(text);
        }
        let entry: Entry = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let Entry { address, port, version, started, metadata } = entry;
        let (address, port) = match host(&address) {
            Some(host) if port != 0 => (host, port),
            _ => return Err("its `address` and `port` are none".to_owned()),
        };
        Ok(Self { id: id.to_owned(), address, port, version, started, metadata })
    }
}

fn authority(text: &str) -> Option<(String, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    Some((host(address)?, port.parse().ok().filter(|&port| port != 0)?))
}

fn host(text: &str) -> Option<String> {
    let host = text.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(text);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._:%".contains(c));
    is_host.then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_and_bare_addresses_are_read() {
        let check = |value: &str, authority: &str| {
            assert_eq!(Instance::parse("1", value.as_bytes()).unwrap().authority(), authority);
        };
        check("10.0.0.1:8080", "10.0.0.1:8080");
        check("\"orders:80\"\n", "orders:80");
        check("[::1]:80", "[::1]:80");
        check(r#"{"address": "::1", "port": 80}"#, "[::1]:80");
        let full =
            r#"{"address": "a", "port": 1, "version": "2", "started": "x", "metadata": {"zone": "b"}, "more": 1}"#;
        let read = Instance::parse("7", full.as_bytes()).unwrap();
        assert_eq!((read.id.as_str(), read.version.as_deref(), read.started.as_deref()), ("7", Some("2"), Some("x")));
        assert_eq!(read.metadata["zone"], "b");
    }

    #[test]
    fn what_is_neither_is_told() {
        let bad =
            ["", "a", "a:0", ":80", "a b:80", "{}", "{", "[]", "\"", r#"{"address": "", "port": 1}"#, "http://a:1"];
        for bad in bad {
            assert!(Instance::parse("1", bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(Instance::parse("1", &[0xff]).is_err());
        assert!(Instance::parse("1", br#"{"address": "a", "port": 0}"#).is_err());
    }
}
