//! What a meter is called, by the conventions of Prometheus.
//!
//! Pure text: letters, digits and `_`; base units; `_total` at the end of counters and nowhere else added.

use super::snapshot::Kind;
use crate::error::{Error, Result};

/// Units that are not base units, and what to measure in instead.
const NOT_BASE: &[(&str, &str)] = &[
    ("milliseconds", "seconds"),
    ("microseconds", "seconds"),
    ("nanoseconds", "seconds"),
    ("minutes", "seconds"),
    ("hours", "seconds"),
    ("days", "seconds"),
    ("ms", "seconds"),
    ("us", "seconds"),
    ("ns", "seconds"),
    ("s", "seconds"),
    ("sec", "seconds"),
    ("kilobytes", "bytes"),
    ("megabytes", "bytes"),
    ("gigabytes", "bytes"),
    ("kb", "bytes"),
    ("mb", "bytes"),
    ("gb", "bytes"),
    ("b", "bytes"),
    ("bits", "bytes"),
    ("percent", "ratio"),
    ("%", "ratio"),
];

/// The name of a meter without the `_total` of a counter: `<service>_<name>[_<unit>]`.
pub(super) fn full_name(service: &str, name: &str, unit: Option<&str>, kind: Kind) -> String {
    let mut full = String::with_capacity(service.len() + name.len() + 16);
    if !service.is_empty() {
        full.push_str(service);
        full.push('_');
    }
    full.push_str(name);
    let mut full = sanitized(&full);
    if kind == Kind::Counter {
        while let Some(shorter) = full.strip_suffix("_total") {
            full.truncate(shorter.len());
        }
    }
    if let Some(unit) = unit {
        let suffix = format!("_{unit}");
        if !full.ends_with(&suffix) {
            full.push_str(&suffix);
        }
    }
    full
}

/// A unit as part of a name.
///
/// # Errors
/// A unit that is not a base unit, with the one to use.
pub(super) fn base_unit(unit: &str) -> Result<String> {
    let unit = unit.to_lowercase();
    match NOT_BASE.iter().find(|(name, _)| *name == unit) {
        Some((_, base)) => Err(Error::msg(format!("`{unit}` is not a base unit; measure in `{base}`"))),
        None => Ok(sanitized(&unit)),
    }
}

/// Only letters, digits and `_`, and no digit at the start.
pub(super) fn sanitized(name: &str) -> String {
    let mut clean: String = name.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect();
    if clean.is_empty() || clean.starts_with(|first: char| first.is_ascii_digit()) {
        clean.insert(0, '_');
    }
    clean
}

/// The names of the lines that a meter is written as.
pub(super) fn sample_names(name: &str, kind: Kind) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        Kind::Counter => &["", "_total"],
        Kind::Gauge => &[""],
        Kind::Histogram => &["", "_bucket", "_sum", "_count"],
        Kind::Summary => &["", "_sum", "_count"],
    };
    suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(service: &str, name: &str, unit: Option<&str>, kind: Kind, expected: &str) {
        assert_eq!(full_name(service, name, unit, kind), expected);
    }

    #[test]
    fn the_service_comes_first_and_invalid_characters_become_underscores() {
        check("orders", "placed", None, Kind::Gauge, "orders_placed");
        check("my-service", "a.b:c é", None, Kind::Gauge, "my_service_a_b_c__");
        check("2nd", "x", None, Kind::Gauge, "_2nd_x");
        check("", "up", None, Kind::Gauge, "up");
    }

    #[test]
    fn total_is_left_to_the_exporter() {
        check("o", "placed_total", None, Kind::Counter, "o_placed");
        check("o", "placed_total_total", None, Kind::Counter, "o_placed");
        check("o", "sent_total", Some("bytes"), Kind::Counter, "o_sent_bytes");
        check("o", "grand_total", None, Kind::Gauge, "o_grand_total");
    }

    #[test]
    fn a_unit_is_said_once() {
        check("o", "latency", Some("seconds"), Kind::Histogram, "o_latency_seconds");
        check("o", "latency_seconds", Some("seconds"), Kind::Histogram, "o_latency_seconds");
    }

    #[test]
    fn only_base_units_are_accepted() {
        assert_eq!(base_unit("Seconds").ok().as_deref(), Some("seconds"));
        let refused = base_unit("ms").err().map(|error| error.to_string());
        assert_eq!(refused.as_deref(), Some("`ms` is not a base unit; measure in `seconds`"));
    }
}
