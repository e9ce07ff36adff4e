//! A value that is never printed.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use super::{
    input::Input,
    shape::{Kind, Shape},
    value::SettingValue,
};

/// What is shown instead of a secret.
pub(crate) const MASK: &str = "***";

/// A password, token or key: `Debug`, `Display` and `Serialize` show `***`, and so do reports and `/settings`.
///
/// ```
/// use chassis::settings::Secret;
///
/// let password = Secret::new("hunter2".to_owned());
/// assert_eq!(format!("{password} {password:?}"), "*** ***");
/// assert_eq!(password.expose(), "hunter2");
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Keeps it.
    pub fn new(secret: T) -> Self {
        Self(secret)
    }

    /// Gives it out, to be handed to a peer and to nothing that prints.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(MASK)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The error of `T` might quote what it found.
        let value = T::deserialize(deserializer);
        value.map(Self).map_err(|_| serde::de::Error::custom("a secret of another type is expected"))
    }
}

impl<T: JsonSchema> JsonSchema for Secret<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Secret_{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = T::json_schema(generator);
        schema.insert("writeOnly".to_owned(), Json::Bool(true));
        schema
    }
}

impl<T: SettingValue> SettingValue for Secret<T> {
    type Plain = T::Plain;

    fn from_plain(plain: T::Plain) -> Self {
        Self(T::from_plain(plain))
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        input.hide();
        T::read(input).map(Self)
    }

    fn read_absent(input: &mut Input<'_>) -> Option<Self> {
        T::read_absent(input).map(Self)
    }

    fn shape() -> Shape {
        Shape(Kind::Secret(Box::new(T::shape())))
    }

    fn show(&self) -> Json {
        Json::String(MASK.to_owned())
    }
}
