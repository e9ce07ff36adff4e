//! MessagePack.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::Result;

/// [MessagePack](https://msgpack.org), structs as maps with the names of their fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagePack;

impl Codec for MessagePack {
    fn content_type(&self) -> &'static str {
        "application/msgpack"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(rmp_serde::to_vec_named(value)?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        Ok(rmp_serde::from_slice(body)?)
    }
}
