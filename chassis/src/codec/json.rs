//! JSON.

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, sized::sized};
use crate::{Error, Result};

/// JSON, RFC 8259.
#[derive(Debug, Clone, Copy, Default)]
pub struct Json;

impl Codec for Json {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        Ok(sized(|body| serde_json::to_writer(body, value))?)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        serde_json::from_slice(body).map_err(|error| with_path::<T>(body).unwrap_or_else(|| error.into()))
    }
}

/// What is wrong, with the path of the member it is wrong with: `lines[2].price`. To follow the path takes time, so the body
/// is read again for it.
fn with_path<T: DeserializeOwned>(body: &[u8]) -> Option<Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut deserializer).err()?;
    let is_inside = error.path().iter().next().is_some();
    is_inside.then(|| Error::msg(format!("`{}`: {}", error.path(), error.inner())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn a_fault_is_told_with_its_path() {
        let error = Json.decode::<Vec<(u8, u8)>>(b"[[1, 2], [3, \"x\"]]", None).unwrap_err();
        assert_eq!(error.to_string(), "`[1][1]`: invalid type: string \"x\", expected u8 at line 1 column 16");
        let error = Json.decode::<u8>(b"{", None).unwrap_err();
        assert!(error.to_string().starts_with("invalid type: map"), "{error}");
        let error = Json.decode::<u8>(b"", None).unwrap_err();
        assert_eq!(error.to_string(), "EOF while parsing a value at line 1 column 0");
    }
}
