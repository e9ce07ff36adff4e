//! What is written of an instance: the key and the object below it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::address::Address;

/// The object that stands in etcd.
#[derive(Debug, Serialize)]
pub(super) struct Entry<'a> {
    address: &'a str,
    port: u16,
    version: &'a str,
    /// RFC 3339.
    started: &'a str,
    metadata: &'a BTreeMap<String, String>,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        address: &'a Address,
        version: &'a str,
        started: &'a str,
        metadata: &'a BTreeMap<String, String>,
    ) -> Self {
        Self { address: &address.host, port: address.port, version, started, metadata }
    }

    /// As text.
    pub(super) fn json(&self) -> String {
        // Texts and numbers, which always can be written.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The key of an instance, below a path with dots or slashes.
pub(super) fn key(path: &str, service: &str, instance: &str) -> String {
    let path: String = path.split(['.', '/']).filter(|step| !step.is_empty()).flat_map(|step| ["/", step]).collect();
    format!("{path}/{service}/{instance}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_slashes_in_etcd() {
        for path in ["system.discovery", "/system/discovery/", "system/discovery"] {
            assert_eq!(key(path, "orders", "1-a"), "/system/discovery/orders/1-a");
        }
        assert_eq!(key("", "orders", "1-a"), "/orders/1-a");
    }

    #[test]
    fn the_object_has_the_keys_that_are_agreed_on() {
        let address = Address { host: "10.0.0.7".to_owned(), port: 8080 };
        let metadata = BTreeMap::from([("zone".to_owned(), "a".to_owned())]);
        assert_eq!(
            Entry::new(&address, "1.4.0", "2026-01-31T12:00:00.000Z", &metadata).json(),
            r#"{"address":"10.0.0.7","port":8080,"version":"1.4.0","started":"2026-01-31T12:00:00.000Z","metadata":{"zone":"a"}}"#
        );
    }
}
