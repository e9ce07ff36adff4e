//! What `#[derive(SettingsSchema)]` implements `Deserialize` and `JsonSchema` with.

use schemars::Schema;
use serde::{Deserialize as _, Deserializer, de::Error as _};
use serde_json::Value as Json;

use super::{
    node::Node,
    origin::Origin,
    schema::of_shape,
    value::{SettingValue, read_alone},
};

/// Reads a value from any format of serde, by the rules of settings.
///
/// # Errors
/// Every problem, in one line.
pub fn deserialize<'de, T: SettingValue, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let json = Json::deserialize(deserializer)?;
    read_alone(&Node::from_json(json, &Origin::default_value())).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        D::Error::custom(problems.join("; "))
    })
}

/// The JSON Schema of a value.
pub fn json_schema<T: SettingValue>() -> Schema {
    Schema::try_from(of_shape(&T::shape())).unwrap_or_default()
}
