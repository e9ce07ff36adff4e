//! Values that MessagePack has no kind for: maps with a mark that says what they are.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, MapAccess, Visitor},
    ser::SerializeMap,
};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// A value that is written as text: `{mark: true, "as_str": text}`.
pub(super) struct Text<'a> {
    pub(super) mark: &'static str,
    pub(super) text: &'a str,
}

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(serializer, self.mark, "as_str", self.text)
    }
}

/// Writes `{mark: true, key: value}`.
pub(super) fn write<S: Serializer, T: Serialize + ?Sized>(
    serializer: S,
    mark: &'static str,
    key: &'static str,
    value: &T,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry(mark, &true)?;
    map.serialize_entry(key, value)?;
    map.end()
}

/// Reads `{mark: …, key: value}`, in whatever order.
pub(super) fn read<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    mark: &'static str,
    key: &'static str,
) -> Result<T, D::Error> {
    deserializer.deserialize_map(Marked { mark, key, value: PhantomData })
}

/// Reads `{mark: …, "as_str": text}`.
pub(super) fn of_text<'de, D: Deserializer<'de>>(deserializer: D, mark: &'static str) -> Result<String, D::Error> {
    read(deserializer, mark, "as_str")
}

struct Marked<T> {
    mark: &'static str,
    key: &'static str,
    value: PhantomData<fn() -> T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Marked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with `{}` and `{}`", self.mark, self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let (mut is_marked, mut value) = (false, None);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.key {
                value = Some(map.next_value()?);
            } else {
                is_marked |= key == self.mark;
                map.next_value::<IgnoredAny>()?;
            }
        }
        if !is_marked {
            return Err(de::Error::missing_field(self.mark));
        }
        value.ok_or_else(|| de::Error::missing_field(self.key))
    }
}
