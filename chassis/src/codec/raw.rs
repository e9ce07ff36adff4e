//! Bytes that are what they are.

use serde::{
    Serialize,
    de::{DeserializeOwned, value::BytesDeserializer},
};

use super::{Codec, plain};
use crate::{Result, codec::plain::Fault};

/// Bytes as they are, for [`bytes::Bytes`]; texts are bytes, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct Raw;

impl Codec for Raw {
    fn content_type(&self) -> &'static str {
        "application/octet-stream"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(plain::to_bytes(value)?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        Ok(T::deserialize(BytesDeserializer::<Fault>::new(body))?)
    }
}
