//! Lengths of time: `"500ms"`, `"1m 30s"`, or a bare number in the field's unit.

use std::time::Duration;

use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::settings::{
    input::Input,
    node::Value,
    rules::Unit,
    shape::{Kind, Shape},
};

impl SettingValue for Duration {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let unit = input.rules.unit;
        let (min, mut max) =
            (input.rules.min.and_then(|min| min.duration(unit)), input.rules.max.and_then(|max| max.duration(unit)));
        let duration = match input.node.map(|node| &node.value) {
            Some(Value::Int(value)) => parse_duration(&value.to_string(), unit).ok(),
            Some(Value::Float(value)) => parse_duration(&value.to_string(), unit).ok(),
            Some(Value::Text(text) | Value::Raw(text)) => parse_duration(text, unit).ok(),
            _ => None,
        };
        if duration.is_some_and(|duration| duration > LONGEST) {
            max = Some(max.unwrap_or(LONGEST).min(LONGEST));
        }
        let duration = duration
            .filter(|duration| min.is_none_or(|min| *duration >= min) && max.is_none_or(|max| *duration <= max));
        if duration.is_none() {
            let range = match (min, max) {
                (Some(min), Some(max)) => format!(" from {} to {}", show_duration(min), show_duration(max)),
                (Some(min), None) => format!(" of {} or more", show_duration(min)),
                (None, Some(max)) => format!(" of at most {}", show_duration(max)),
                (None, None) => String::new(),
            };
            input.mismatch(format!("a duration{range}, such as `500ms`, `10s` or a number of {}", unit.word()));
        }
        duration
    }

    fn shape() -> Shape {
        Shape(Kind::Duration)
    }

    fn show(&self) -> Json {
        Json::String(show_duration(*self))
    }
}

/// A century: longer than anything is waited for, and short enough to be added to any moment.
const LONGEST: Duration = Duration::from_secs(36_500 * 86_400);

/// Units from the largest to the smallest, in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads `500ms`, `1.5s`, `1m 30s`, or a bare number in `unit`.
///
/// # Errors
/// When it is none of these, or longer than a [`Duration`] can be.
pub(crate) fn parse_duration(text: &str, unit: Unit) -> Result<Duration, ()> {
    let mut rest = text.trim();
    let mut nanoseconds = 0_u128;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (name, after) = after.split_at(letters);
        let scale = match name {
            "" if parts == 0 && after.is_empty() => unit.in_nanoseconds(),
            "min" => 60_000_000_000,
            "µs" => 1_000,
            name => UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, scale)| *scale).ok_or(())?,
        };
        let part = scaled(number, scale).ok_or(())?;
        nanoseconds = nanoseconds.checked_add(part).ok_or(())?;
        parts += 1;
        rest = after.trim_start();
    }
    if parts == 0 {
        return Err(());
    }
    let seconds = u64::try_from(nanoseconds / 1_000_000_000).map_err(|_| ())?;
    let below_second = u32::try_from(nanoseconds % 1_000_000_000).map_err(|_| ())?;
    Ok(Duration::new(seconds, below_second))
}

/// `1.5` times `scale`, without the rounding of floating point.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u128 = whole.parse().ok()?;
    let digits = fraction.get(..fraction.len().min(12))?;
    let fraction: u128 = digits.parse().ok()?;
    let below = fraction.checked_mul(scale)? / 10_u128.pow(u32::try_from(digits.len()).ok()?);
    whole.checked_mul(scale)?.checked_add(below)
}

/// The shortest way to write it that loses nothing: `10s`, `1m30s`, `1500ms`.
pub(crate) fn show_duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".to_owned();
    }
    let mut shown = String::new();
    let mut rest = nanoseconds;
    // Whole minutes and seconds are read together; below a second one unit is enough.
    if rest.is_multiple_of(1_000_000_000) {
        for (unit, scale) in UNITS {
            if rest >= scale {
                shown.push_str(&format!("{}{unit}", rest / scale));
                rest %= scale;
            }
        }
        return shown;
    }
    UNITS
        .iter()
        .find(|(_, scale)| nanoseconds.is_multiple_of(*scale))
        .map_or_else(String::new, |(unit, scale)| format!("{}{unit}", nanoseconds / scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_a_unit() {
        let seconds = |text| parse_duration(text, Unit::Seconds);
        assert_eq!(seconds("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(seconds("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(seconds("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(seconds("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(seconds("1h2m3s"), Ok(Duration::from_secs(3723)));
        assert_eq!(seconds("3"), Ok(Duration::from_secs(3)));
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        assert_eq!(seconds("0.1s"), Ok(Duration::from_millis(100)));
        assert_eq!(parse_duration("3", Unit::Milliseconds), Ok(Duration::from_millis(3)));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", " ", "s", "-1s", "1x", "1 s x", "1..5s", ".5s", "1e3", "99999999999999999999999999d", "1s 2"] {
            assert!(parse_duration(text, Unit::Seconds).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for (duration, shown) in [
            (Duration::ZERO, "0s"),
            (Duration::from_secs(10), "10s"),
            (Duration::from_secs(90), "1m30s"),
            (Duration::from_millis(1500), "1500ms"),
            (Duration::from_micros(3), "3us"),
        ] {
            assert_eq!(show_duration(duration), shown);
            assert_eq!(parse_duration(shown, Unit::Seconds), Ok(duration));
        }
    }
}
