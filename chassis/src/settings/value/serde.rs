//! Types that other crates describe to serde and schemars.

use std::ops::Deref;

use ::serde::de::DeserializeOwned;
use schemars::JsonSchema;
use serde_json::Value as Json;

use super::SettingValue;
use crate::settings::{input::Input, schema::foreign, shape::Shape};

/// A setting of any type that implements `Deserialize` and `JsonSchema`; what `#[setting(serde)]` reads through.
///
/// Of such a type only the first problem is told, and without line and column inside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Serde<T>(pub T);

impl<T> Deref for Serde<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + JsonSchema + Send + Sync + 'static> SettingValue for Serde<T> {
    type Plain = T;

    fn from_plain(plain: T) -> Self {
        Self(plain)
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let json = input.json()?;
        // Text that looks like JSON may still be meant as text.
        let read = T::deserialize(json).or_else(|error| match input.text() {
            Some(text) => T::deserialize(Json::String(text)).map_err(|_| error),
            None => Err(error),
        });
        match read {
            Ok(value) => Some(Self(value)),
            Err(_) if Self::shape().has_secret() || input.is_hidden => {
                input.wrong("cannot be read; why is not shown, because it may hold a secret");
                None
            }
            Err(error) => {
                input.wrong(error.to_string());
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::schema(foreign::<T>())
    }

    fn show(&self) -> Json {
        Json::Null
    }
}
