//! What stands in the key of a method: who leads it, for people.

use serde_json::{Value, json};

use super::Leader;

impl Leader {
    /// What is written; the token is the revision of that.
    pub(crate) fn json(instance: &str, since: &str) -> String {
        json!({ "instance": instance, "host": host(), "since": since }).to_string()
    }

    /// Reads what somebody has written, which may be anything.
    pub(crate) fn parse(token: u64, value: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(value).unwrap_or_default();
        let text = |name: &str| value[name].as_str().unwrap_or_default().chars().take(LONGEST).collect();
        Self { token, instance: text("instance"), host: text("host"), since: text("since") }
    }
}

/// What is longer is no name.
const LONGEST: usize = 255;

/// The name of this machine, or of this container.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = name.or_else(|| std::env::var("HOSTNAME").ok());
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let json = Leader::json("17-0a", "2026-01-31T12:00:00Z");
        let leader = Leader::parse(7, json.as_bytes());
        assert_eq!((leader.token, &*leader.instance, &*leader.since), (7, "17-0a", "2026-01-31T12:00:00Z"));
        assert_eq!(leader.host, host());
    }

    #[test]
    fn whatever_stands_there_is_read() {
        for value in ["", "{", "[]", "\"x\"", r#"{"instance": 7, "host": null}"#] {
            assert_eq!(Leader::parse(7, value.as_bytes()), Leader { token: 7, ..Leader::default() }, "{value}");
        }
        let long = format!(r#"{{"instance": "{}"}}"#, "x".repeat(10_000));
        assert_eq!(Leader::parse(7, long.as_bytes()).instance.len(), LONGEST);
    }
}
