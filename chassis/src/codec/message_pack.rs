//! MessagePack.

use serde::{Serialize, de::DeserializeOwned};

use super::Codec;
use crate::{Error, Result};

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
        let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let (path, error) = (error.path().to_string(), Error::from(error.into_inner()));
            // A fault of the whole has no path.
            if path == "." { error } else { error.context(format!("at `{path}`")) }
        })
    }
}
