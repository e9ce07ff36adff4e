//! A JSON body as a value, with members that stand in an object twice told by their place.
//!
//! `serde_json::Value` keeps the last of them, and another reader on the way here may have kept the first.

use std::{cell::RefCell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use super::fault::{Faults, push_token};

/// Reads a body; adds a fault for every member that is there already.
///
/// # Errors
/// When it is no JSON.
pub(super) fn read(body: &[u8], faults: &mut Faults) -> Result<Value, serde_json::Error> {
    let found = RefCell::new(std::mem::take(faults));
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value = Reader { faults: &found, place: Place::Root }.deserialize(&mut deserializer);
    *faults = found.into_inner();
    let value = value?;
    deserializer.end()?;
    Ok(value)
}

/// By which a `serde_json` that keeps all digits of numbers hands them on.
const NUMBER: &str = "$serde_json::private::Number";

/// Where a reader is; written down only where there is something to tell.
#[derive(Clone, Copy)]
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    fn pointer(&self) -> String {
        match self {
            Place::Root => String::new(),
            Place::Member(above, name) => {
                let mut pointer = above.pointer();
                push_token(&mut pointer, name);
                pointer
            }
            Place::Item(above, at) => format!("{}/{at}", above.pointer()),
        }
    }
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    faults: &'a RefCell<Faults>,
    place: Place<'a>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let item = |at| Reader { place: Place::Item(&self.place, at), ..self };
        while let Some(value) = items.next_element_seed(item(list.len()))? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if name == NUMBER && keeps_all_digits() {
                let digits: String = members.next_value()?;
                return digits.parse().map(Value::Number).map_err(A::Error::custom);
            }
            let place = Place::Member(&self.place, &name);
            let value = members.next_value_seed(Reader { place, ..self })?;
            match map.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(mut taken) => {
                    let place = Place::Member(&self.place, taken.key());
                    self.faults.borrow_mut().add(place.pointer(), "is there more than once");
                    taken.insert(value);
                }
            }
        }
        Ok(Value::Object(map))
    }
}

/// Whether `serde_json` was compiled so; a member of a client's may have that name as well.
fn keeps_all_digits() -> bool {
    "1e9999".parse::<Number>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn doubled(body: &str) -> Vec<String> {
        let mut faults = Faults::default();
        read(body.as_bytes(), &mut faults).unwrap();
        faults.list().iter().map(|fault| fault.pointer.clone()).collect()
    }

    #[test]
    fn a_value_is_what_it_is_anyway() {
        let body = r#"{"a": [null, true, -1, 18446744073709551615, 1.5, "x\n\u00e9"], "b": {"c": {}}, "": []}"#;
        let mut faults = Faults::default();
        let value = read(body.as_bytes(), &mut faults).unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(body).unwrap());
        assert!(faults.is_empty());
        assert_eq!(read(br#"{"$serde_json::private::Number": "1"}"#, &mut faults).unwrap()[NUMBER], "1");
    }

    #[test]
    fn members_that_are_there_twice_are_told_by_their_place() {
        assert_eq!(doubled(r#"{"a": 1, "b": 2, "a": 3, "a": 3}"#), ["/a", "/a"]);
        assert_eq!(doubled(r#"[{"a": {"b/c": 1, "b\u002fc": 2}}, {"a": 1}]"#), ["/0/a/b~1c"]);
        assert_eq!(doubled(r#"{"a": {"x": 1}, "b": {"x": 1}}"#), [""; 0]);
    }

    #[test]
    fn what_is_no_json_is_told_as_ever() {
        for body in ["", "{", "{} {}", "[1,]", "nul", "\"\u{1}\"", "1e999"] {
            let told = read(body.as_bytes(), &mut Faults::default()).unwrap_err().to_string();
            assert_eq!(told, serde_json::from_str::<Value>(body).unwrap_err().to_string(), "{body}");
        }
        assert!(read(&[b'['; 1000], &mut Faults::default()).is_err());
    }
}
