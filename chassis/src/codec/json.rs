//! JSON.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::Result;

/// JSON, RFC 8259.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Codec for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(value)?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        Ok(serde_json::from_slice(body)?)
    }
}
