//! Captures as serde sees them: one is text, several are a list or a map.

use std::borrow::Cow;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::StrDeserializer,
};

use super::Refusal;

/// A capture, decoded.
#[derive(Debug)]
pub(super) struct Capture<'a> {
    pub(super) name: &'a str,
    pub(super) value: Cow<'a, str>,
}

/// All captures of a path, in its order. What is neither a list nor a map takes the only one.
pub(super) struct Captures<'a>(pub(super) &'a [Capture<'a>]);

/// The only capture, or one of several.
struct One<'a>(&'a Capture<'a>);

impl<'a> Captures<'a> {
    fn only(&self) -> Result<One<'a>, Refusal> {
        match self.0 {
            [capture] => Ok(One(capture)),
            captures => Err(Refusal::wrong_count(1, captures.len())),
        }
    }

    /// The captures one after the other.
    fn next(&mut self) -> Option<&'a Capture<'a>> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn check_count(&self, expected: usize) -> Result<(), Refusal> {
        match self.0.len() {
            found if found == expected => Ok(()),
            found => Err(Refusal::wrong_count(expected, found)),
        }
    }
}

/// The methods of a deserializer that hand on to the only capture.
macro_rules! of_the_only {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Captures<'_> {
    type Error = Refusal;

    of_the_only! {
        deserialize_any deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string deserialize_bytes
        deserialize_byte_buf deserialize_option deserialize_identifier
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_seq(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Refusal> {
        self.check_count(count)?;
        visitor.visit_seq(self)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(count, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(ByName { left: self, value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }
}

impl<'de> SeqAccess<'de> for Captures<'_> {
    type Error = Refusal;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Refusal> {
        self.next().map(|capture| seed.deserialize(One(capture))).transpose()
    }
}

/// The captures as a map from their names.
struct ByName<'a> {
    left: Captures<'a>,
    /// Belongs to the name that was given last.
    value: Option<&'a Capture<'a>>,
}

impl<'de> MapAccess<'de> for ByName<'_> {
    type Error = Refusal;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Refusal> {
        self.value = self.left.next();
        self.value.map(|capture| seed.deserialize(capture.name.into_deserializer())).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Refusal> {
        match self.value.take() {
            Some(capture) => seed.deserialize(One(capture)),
            None => Err(serde::de::Error::custom("a value was asked for before its name")),
        }
    }
}

/// The methods of a deserializer that parse the text of a capture.
macro_rules! parsed {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let Self(capture) = self;
            let value: $type = capture.value.parse().map_err(|_| Refusal::not_a(stringify!($type), capture))?;
            visitor.$visit(value).map_err(|refusal: Refusal| refusal.of(capture))
        }
    )*};
}

/// The methods of a deserializer that give the text of a capture.
macro_rules! text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let Self(capture) = self;
            visitor.visit_str(&capture.value).map_err(|refusal: Refusal| refusal.of(capture))
        }
    )*};
}

impl<'de> Deserializer<'de> for One<'_> {
    type Error = Refusal;

    parsed! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_i128 visit_i128 i128;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_u128 visit_u128 u128;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
        deserialize_char visit_char char;
    }

    text! { deserialize_any deserialize_str deserialize_string deserialize_byte_buf deserialize_identifier }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_bytes(self.0.value.as_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    /// A list of pairs is the captures with their names.
    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Refusal> {
        let Capture { name, value } = self.0;
        if count != 2 {
            return Err(Refusal::unsupported::<V::Value>());
        }
        let pair = [Capture { name, value: Cow::Borrowed(name) }, Capture { name, value: Cow::Borrowed(value) }];
        visitor.visit_seq(Captures(&pair))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }
}

/// A capture that names a variant.
impl<'de> EnumAccess<'de> for One<'_> {
    type Error = Refusal;
    type Variant = NoData;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, NoData), Refusal> {
        let Self(capture) = self;
        let text: StrDeserializer<'_, Refusal> = capture.value.as_ref().into_deserializer();
        let variant = seed.deserialize(text).map_err(|refusal| refusal.of(capture))?;
        Ok((variant, NoData))
    }
}

/// What a path has to say beyond the name of a variant: nothing.
struct NoData;

impl<'de> VariantAccess<'de> for NoData {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Refusal> {
        Err(Refusal::unsupported::<T::Value>())
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::unsupported::<V::Value>())
    }
}
