//! Values that are a text or bytes by themselves, without a notation around them.

use std::{
    error::Error,
    fmt::{self, Display},
};

use serde::{
    Serialize, Serializer,
    de::{self, DeserializeOwned, Deserializer, IntoDeserializer as _, Visitor},
    ser::{self, Impossible},
};

/// Why a value cannot be written or read plainly.
#[derive(Debug)]
pub(super) struct Fault(String);

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl de::Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// The bytes of a value that has a plain form.
pub(super) fn to_bytes<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Fault> {
    value.serialize(Plain)
}

/// Reads a value from its plain form.
pub(super) fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    T::deserialize(Word(text))
}

/// Writes what has a plain form.
struct Plain;

/// What has none.
fn none<T>(what: &str) -> Result<T, Fault> {
    Err(Fault(format!("{what} has no plain form; take a codec such as JSON for it")))
}

macro_rules! displayed {
    ($($method:ident: $ty:ty),*) => {
        $(fn $method(self, value: $ty) -> Result<Vec<u8>, Fault> {
            Ok(value.to_string().into_bytes())
        })*
    };
}

impl Serializer for Plain {
    type Ok = Vec<u8>;
    type Error = Fault;
    type SerializeSeq = Impossible<Vec<u8>, Fault>;
    type SerializeTuple = Impossible<Vec<u8>, Fault>;
    type SerializeTupleStruct = Impossible<Vec<u8>, Fault>;
    type SerializeTupleVariant = Impossible<Vec<u8>, Fault>;
    type SerializeMap = Impossible<Vec<u8>, Fault>;
    type SerializeStruct = Impossible<Vec<u8>, Fault>;
    type SerializeStructVariant = Impossible<Vec<u8>, Fault>;

    displayed! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_i128: i128,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Vec<u8>, Fault> {
        Ok(value.to_vec())
    }

    fn serialize_none(self) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, Fault> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Vec<u8>, Fault> {
        Ok(Vec::new())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Vec<u8>, Fault> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Vec<u8>, Fault> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Vec<u8>, Fault> {
        none(&format!("a variant of `{name}` with a field"))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Fault> {
        none("a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Fault> {
        none("a tuple")
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Fault> {
        none(&format!("`{name}`"))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Fault> {
        none(&format!("a variant of `{name}` with fields"))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Fault> {
        none("a map")
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Self::SerializeStruct, Fault> {
        none(&format!("`{name}`"))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Fault> {
        none(&format!("a variant of `{name}` with fields"))
    }
}

/// Reads what has a plain form.
struct Word<'a>(&'a str);

macro_rules! parsed {
    ($($method:ident, $visit:ident: $ty:ty),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            let value = self.0.trim().parse::<$ty>();
            visitor.$visit(value.map_err(|error| Fault(format!("`{}`: {error}", self.0.escape_debug())))?)
        })*
    };
}

impl<'de> Deserializer<'de> for Word<'_> {
    type Error = Fault;

    parsed! {
        deserialize_bool, visit_bool: bool,
        deserialize_i8, visit_i8: i8, deserialize_i16, visit_i16: i16, deserialize_i32, visit_i32: i32,
        deserialize_i64, visit_i64: i64, deserialize_i128, visit_i128: i128,
        deserialize_u8, visit_u8: u8, deserialize_u16, visit_u16: u16, deserialize_u32, visit_u32: u32,
        deserialize_u64, visit_u64: u64, deserialize_u128, visit_u128: u128,
        deserialize_f32, visit_f32: f32, deserialize_f64, visit_f64: f64, deserialize_char, visit_char: char
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_empty() { visitor.visit_unit() } else { visitor.visit_str(self.0) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_bytes(self.0.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_byte_buf(self.0.as_bytes().to_vec())
    }

    serde::forward_to_deserialize_any! {
        str string seq tuple tuple_struct map struct identifier ignored_any
    }
}
