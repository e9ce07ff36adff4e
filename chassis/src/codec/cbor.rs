//! CBOR.

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, sized::sized};
use crate::{Error, Result};

/// CBOR, RFC 8949.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cbor;

impl Codec for Cbor {
    fn content_type(&self) -> &'static str {
        "application/cbor"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        sized(|body| ciborium::into_writer(value, body)).map_err(Error::msg)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        let mut rest = body;
        let value = ciborium::from_reader(&mut rest).map_err(Error::msg)?;
        match rest.len() {
            0 => Ok(value),
            more => Err(Error::msg(format!("{more} bytes follow the value"))),
        }
    }
}
