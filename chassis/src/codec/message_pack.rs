//! MessagePack.

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, sized::sized};
use crate::{Error, Result};

/// [MessagePack](https://msgpack.org), structs as maps with the names of their fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct MessagePack;

impl Codec for MessagePack {
    fn content_type(&self) -> &'static str {
        "application/msgpack"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(sized(|body| value.serialize(&mut rmp_serde::Serializer::new(body).with_struct_map()))?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        rmp_serde::from_slice(body).map_err(|error| with_path::<T>(body).unwrap_or_else(|| error.into()))
    }
}

/// What is wrong, with the path of the member it is wrong with. To follow the path takes time, so the body is read again
/// for it.
fn with_path<T: DeserializeOwned>(body: &[u8]) -> Option<Error> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    let path = error.path().to_string();
    // A fault of the whole has no path.
    (path != ".").then(|| Error::from(error.into_inner()).context(format!("at `{path}`")))
}
