//! YAML.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::Result;

/// YAML 1.2, one document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Yaml;

impl Codec for Yaml {
    fn content_type(&self) -> &'static str {
        "application/yaml"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(serde_saphyr::to_string(&value)?.into_bytes())
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        Ok(serde_saphyr::from_slice(body)?)
    }
}
