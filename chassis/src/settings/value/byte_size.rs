//! Amounts of bytes: `64KiB`, `10MB`, or a bare number.

use std::{borrow::Cow, fmt};

use ::serde::{Deserialize, Deserializer, Serialize, Serializer};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::settings::{
    derived::{deserialize, json_schema},
    input::Input,
    node::Value,
    rules::Bound,
    shape::{Kind, Shape},
};

/// An amount of bytes, written as `64KiB`, `10MB` or a bare number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ByteSize(u64);

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// So many bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// So many times 1024 bytes.
    pub const fn kib(kib: u64) -> Self {
        Self(kib.saturating_mul(1 << 10))
    }

    /// So many times 1024 × 1024 bytes.
    pub const fn mib(mib: u64) -> Self {
        Self(mib.saturating_mul(1 << 20))
    }

    /// The amount in bytes.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The amount in bytes, or as many as can be addressed.
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = match unit.trim() {
            "" => "B",
            unit => unit,
        };
        let (_, scale) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
        number.parse::<u64>().ok()?.checked_mul(*scale).map(Self)
    }
}

/// In the largest unit that loses nothing.
impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, scale)| self.0 >= *scale && self.0.is_multiple_of(*scale));
        let (unit, scale) = unit.unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / scale)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        Cow::Borrowed("ByteSize")
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema::<Self>()
    }
}

impl SettingValue for ByteSize {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let size = match input.node.map(|node| &node.value) {
            Some(Value::Int(value)) => u64::try_from(*value).ok().map(Self),
            Some(Value::Text(text) | Value::Raw(text)) => Self::parse(text),
            _ => None,
        };
        let limit = |bound: Option<Bound>| match bound? {
            Bound::Text(text) => Self::parse(text),
            bound => bound.int().and_then(|bytes| u64::try_from(bytes).ok()).map(Self),
        };
        let (min, max) = (limit(input.rules.min), limit(input.rules.max));
        let size = size.filter(|size| min.is_none_or(|min| *size >= min) && max.is_none_or(|max| *size <= max));
        if size.is_none() {
            let range = match (min, max) {
                (Some(min), Some(max)) => format!(" from {min} to {max}"),
                (Some(min), None) => format!(" of {min} or more"),
                (None, Some(max)) => format!(" of at most {max}"),
                (None, None) => String::new(),
            };
            input.mismatch(format!("an amount of bytes{range}, such as `64KiB`, `10MB` or a number"));
        }
        size
    }

    fn shape() -> Shape {
        Shape(Kind::ByteSize)
    }

    fn show(&self) -> Json {
        Json::String(self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_through_serde_as_they_are_written() {
        assert_eq!(serde_json::to_string(&ByteSize::kib(64)).unwrap(), "\"64KiB\"");
        assert_eq!(serde_json::from_str::<ByteSize>("\"1 MB\"").unwrap(), ByteSize::bytes(1_000_000));
        assert!(serde_json::from_str::<ByteSize>("-1").is_err());
    }

    #[test]
    fn sizes_are_read_and_shown_alike() {
        for (text, bytes, shown) in [
            ("64KiB", 65_536, "64KiB"),
            ("10 MB", 10_000_000, "10MB"),
            ("1gib", 1 << 30, "1GiB"),
            ("1500", 1500, "1500B"),
            ("0", 0, "0B"),
        ] {
            assert_eq!(ByteSize::parse(text), Some(ByteSize(bytes)), "{text}");
            assert_eq!(ByteSize(bytes).to_string(), shown);
        }
        for text in ["", "KiB", "1.5MB", "-1", "1XB", "99999999999TiB"] {
            assert_eq!(ByteSize::parse(text), None, "{text}");
        }
    }
}
