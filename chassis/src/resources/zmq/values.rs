//! Values that the Python package sends beside what MessagePack has.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    str::FromStr,
    time::SystemTime,
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use super::marked;
use crate::logging::timestamp;

/// A decimal number as text, digit for digit: `{"__decimal__": true, "as_str": "1.50"}` on the wire.
///
/// What counts with it, such as `rust_decimal`, reads [`as_str`](Decimal::as_str) and is written by
/// [`parse`](str::parse).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Decimal(Box<str>);

/// The text is no decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoDecimal;

/// A set: `{"__set__": true, "value": […]}` on the wire. The order is that of the sender; Python's own has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Set<T>(pub Vec<T>);

/// A date with its time, RFC 3339: `{"__datetime__": true, "as_str": "2026-11-20T09:08:07Z"}` on the wire.
///
/// Between chassis services only: the Python package cannot send one, and reads a plain map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DateTime(Box<str>);

/// The numbers of a numpy array of `float64`: `{"__numpy.ndarray__": true, "as_bytes": …}` on the wire.
///
/// Shape and type of the array are not on the wire.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NdArray(pub Vec<f64>);

impl Decimal {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Decimal {
    type Err = NoDecimal;

    /// What Python's `Decimal` writes: digits with a point and an exponent, `NaN`, `Infinity`.
    fn from_str(text: &str) -> Result<Self, NoDecimal> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let is_special =
            ["nan", "snan", "infinity", "inf"].iter().any(|special| unsigned.eq_ignore_ascii_case(special));
        let (digits, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = are_digits(whole) && are_digits(part) && !(whole.is_empty() && part.is_empty());
        if is_special || is_number && are_digits(exponent) && !exponent.is_empty() {
            Ok(Self(text.into()))
        } else {
            Err(NoDecimal)
        }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NoDecimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a decimal number such as `1.50`")
    }
}

impl std::error::Error for NoDecimal {}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked::Text { mark: "__decimal__", text: &self.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        marked::of_text(deserializer, "__decimal__")?.parse().map_err(de::Error::custom)
    }
}

impl<T> Deref for Set<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Set<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> FromIterator<T> for Set<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked::write(serializer, "__set__", "value", &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Set<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        marked::read(deserializer, "__set__", "value").map(Self)
    }
}

impl DateTime {
    /// Now, in UTC.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// As text, RFC 3339.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SystemTime> for DateTime {
    fn from(time: SystemTime) -> Self {
        Self(timestamp(time).into())
    }
}

impl Serialize for DateTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked::Text { mark: "__datetime__", text: &self.0 }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DateTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = marked::of_text(deserializer, "__datetime__")?;
        // The pattern of RFC 3339, so that what is no date at all is seen where it comes in.
        let pattern = b"dddd-dd-ddTdd:dd:dd";
        let fits = |(found, wanted): (u8, &u8)| match wanted {
            b'd' => found.is_ascii_digit(),
            b'T' => matches!(found, b'T' | b't' | b' '),
            _ => found == *wanted,
        };
        if text.len() <= pattern.len() || !text.bytes().zip(pattern).all(fits) {
            return Err(de::Error::custom("expected a date and time such as `2026-11-20T09:08:07Z`"));
        }
        Ok(Self(text.into()))
    }
}

impl Serialize for NdArray {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = Binary(self.0.iter().flat_map(|number| number.to_le_bytes()).collect());
        marked::write(serializer, "__numpy.ndarray__", "as_bytes", &bytes)
    }
}

impl<'de> Deserialize<'de> for NdArray {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Binary(bytes) = marked::read(deserializer, "__numpy.ndarray__", "as_bytes")?;
        let (numbers, rest) = bytes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(de::Error::invalid_length(bytes.len(), &"8 bytes for each number"));
        }
        Ok(Self(numbers.iter().map(|number| f64::from_le_bytes(*number)).collect()))
    }
}

/// Bytes, as MessagePack has them by themselves.
struct Binary(Vec<u8>);

impl Serialize for Binary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Binary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Binary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Binary, E> {
                Ok(Binary(bytes.to_vec()))
            }

            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Binary, E> {
                Ok(Binary(bytes))
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::{super::Uuid, *};

    /// Writes a value, and reads it again.
    fn check<T: Serialize + DeserializeOwned + PartialEq + fmt::Debug>(value: T, like: serde_json::Value) {
        let bytes = rmp_serde::to_vec_named(&value).unwrap();
        assert_eq!(bytes, rmp_serde::to_vec_named(&like).unwrap(), "{value:?}");
        assert_eq!(rmp_serde::from_slice::<T>(&bytes).unwrap(), value);
    }

    #[test]
    fn each_value_is_the_map_of_the_python_package() {
        check("1.50".parse::<Decimal>().unwrap(), json!({ "__decimal__": true, "as_str": "1.50" }));
        check(Set(vec![1, 2]), json!({ "__set__": true, "value": [1, 2] }));
        let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e";
        check(uuid.parse::<Uuid>().unwrap(), json!({ "__uuid__": true, "as_str": uuid }));
        let then = DateTime::from(SystemTime::UNIX_EPOCH);
        let text = then.as_str().to_owned();
        check(then, json!({ "__datetime__": true, "as_str": text }));
    }

    #[test]
    fn an_array_is_its_bytes() {
        let bytes = rmp_serde::to_vec_named(&NdArray(vec![1.5])).unwrap();
        assert_eq!(bytes, b"\x82\xb1__numpy.ndarray__\xc3\xa8as_bytes\xc4\x08\0\0\0\0\0\0\xf8\x3f");
        assert_eq!(rmp_serde::from_slice::<NdArray>(&bytes).unwrap(), NdArray(vec![1.5]));
        let cut = b"\x82\xb1__numpy.ndarray__\xc3\xa8as_bytes\xc4\x03\0\0\0";
        assert!(rmp_serde::from_slice::<NdArray>(cut).is_err());
    }

    #[test]
    fn what_is_none_of_them_is_refused() {
        for wrong in [
            json!({ "as_str": "1.50" }),
            json!({ "__decimal__": true }),
            json!("1.50"),
            json!({ "__decimal__": true, "as_str": "one" }),
        ] {
            assert!(rmp_serde::from_slice::<Decimal>(&rmp_serde::to_vec_named(&wrong).unwrap()).is_err(), "{wrong}");
        }
        let wrong = json!({ "__datetime__": true, "as_str": "yesterday" });
        assert!(rmp_serde::from_slice::<DateTime>(&rmp_serde::to_vec_named(&wrong).unwrap()).is_err());
    }

    #[test]
    fn decimals_are_what_python_writes() {
        for text in ["0", "-1.50", "1E+3", "2e-7", ".5", "5.", "NaN", "-Infinity", "+7"] {
            assert_eq!(text.parse::<Decimal>().unwrap().as_str(), text);
        }
        for text in ["", "-", ".", "1,5", "1e", "0x1", "one", "1 "] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }
}
