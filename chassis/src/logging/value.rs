//! Values of fields, borrowed and owned.

use std::{error::Error, fmt, net::IpAddr, time::Duration};

/// The value of a field; nothing is copied until it stands in the line.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text as it is.
    Str(&'a str),
    /// A number without a sign.
    U64(u64),
    /// A number.
    I64(i64),
    /// A number with a fraction; written as text where it is not finite.
    F64(f64),
    /// True or false.
    Bool(bool),
    /// A time span in milliseconds with three decimals, the form of every `…_ms` field.
    Millis(Duration),
    /// An address of the internet protocol.
    Ip(IpAddr),
    /// What `{}` says of it.
    Display(&'a dyn fmt::Display),
    /// What `{:?}` says of it.
    Debug(&'a dyn fmt::Debug),
}

/// As a format writes it: `{}` for what has a `Display`.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Str(value) => f.write_str(value),
            Value::U64(value) => value.fmt(f),
            Value::I64(value) => value.fmt(f),
            // Keeps the fraction of a whole number, and has an exponent where `{}` would write 300 digits.
            Value::F64(value) => value.fmt(f),
            Value::Bool(value) => value.fmt(f),
            Value::Millis(value) => value.fmt(f),
            Value::Ip(value) => value.fmt(f),
            Value::Display(value) => fmt::Display::fmt(value, f),
            Value::Debug(value) => value.fmt(f),
        }
    }
}

/// The value of a field that is kept until its line is said.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum OwnedValue {
    /// Text.
    Text(Box<str>),
    /// Text that is in the program, and costs nothing to keep.
    Name(&'static str),
    /// A number without a sign.
    U64(u64),
    /// A number.
    I64(i64),
    /// A number with a fraction.
    F64(f64),
    /// True or false.
    Bool(bool),
}

impl OwnedValue {
    /// The same value, to be written.
    pub fn borrow(&self) -> Value<'_> {
        match self {
            OwnedValue::Text(text) => Value::Str(text),
            OwnedValue::Name(name) => Value::Str(name),
            OwnedValue::U64(number) => Value::U64(*number),
            OwnedValue::I64(number) => Value::I64(*number),
            OwnedValue::F64(number) => Value::F64(*number),
            OwnedValue::Bool(truth) => Value::Bool(*truth),
        }
    }
}

impl From<&str> for OwnedValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for OwnedValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for OwnedValue {
    fn from(number: u64) -> Self {
        Self::U64(number)
    }
}

impl From<u32> for OwnedValue {
    fn from(number: u32) -> Self {
        Self::U64(number.into())
    }
}

impl From<usize> for OwnedValue {
    fn from(number: usize) -> Self {
        Self::U64(number as u64)
    }
}

impl From<i64> for OwnedValue {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

impl From<i32> for OwnedValue {
    fn from(number: i32) -> Self {
        Self::I64(number.into())
    }
}

impl From<f64> for OwnedValue {
    fn from(number: f64) -> Self {
        Self::F64(number)
    }
}

impl From<bool> for OwnedValue {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

/// An error with everything below it, separated by `: `.
pub(crate) struct Chain<'a>(pub(crate) &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}
