//! What a field asks of its value besides the type: a range, a unit for bare numbers.

use std::time::Duration;

use super::value::parse_duration;

/// What a field asks of its value.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    pub(crate) unit: Unit,
    pub(crate) min: Option<Bound>,
    pub(crate) max: Option<Bound>,
}

/// What a bare number means where a duration is declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// `3` is three seconds.
    #[default]
    Seconds,
    /// `3` is three milliseconds.
    Milliseconds,
}

impl Unit {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Milliseconds => "milliseconds",
        }
    }

    pub(crate) fn in_nanoseconds(self) -> u128 {
        match self {
            Unit::Seconds => 1_000_000_000,
            Unit::Milliseconds => 1_000_000,
        }
    }
}

/// The least or greatest value of a field: a number, or text such as `"10s"` where a duration is declared.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Bound {
    /// For whole numbers.
    Int(i128),
    /// For numbers.
    Float(f64),
    /// For durations.
    Text(&'static str),
}

impl Bound {
    pub(crate) fn int(self) -> Option<i128> {
        match self {
            Bound::Int(value) => Some(value),
            Bound::Float(_) | Bound::Text(_) => None,
        }
    }

    pub(crate) fn float(self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "bounds are written by hand, and small")]
            Bound::Int(value) => Some(value as f64),
            Bound::Float(value) => Some(value),
            Bound::Text(_) => None,
        }
    }

    pub(crate) fn duration(self, unit: Unit) -> Option<Duration> {
        match self {
            Bound::Text(text) => parse_duration(text, unit).ok(),
            Bound::Int(value) => parse_duration(&value.to_string(), unit).ok(),
            Bound::Float(value) => parse_duration(&value.to_string(), unit).ok(),
        }
    }

    pub(crate) fn json(self) -> serde_json::Value {
        match self {
            Bound::Int(value) => super::node::int_json(value),
            Bound::Float(value) => value.into(),
            Bound::Text(text) => text.into(),
        }
    }
}

macro_rules! bound_from_int {
    ($($int:ty)*) => {$(
        impl From<$int> for Bound {
            fn from(value: $int) -> Self {
                Bound::Int(i128::from(value))
            }
        }
    )*};
}

bound_from_int!(i8 i16 i32 i64 i128 u8 u16 u32 u64);

impl From<usize> for Bound {
    fn from(value: usize) -> Self {
        Bound::Int(i128::try_from(value).unwrap_or(i128::MAX))
    }
}

impl From<f64> for Bound {
    fn from(value: f64) -> Self {
        Bound::Float(value)
    }
}

impl From<&'static str> for Bound {
    fn from(text: &'static str) -> Self {
        Bound::Text(text)
    }
}
