//! Plain text.

use serde::{Serialize, de::DeserializeOwned};

use super::{Codec, plain};
use crate::{Error, Result, ResultExt as _};

/// Text as it is: strings, numbers, booleans, and variants without fields by their name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text;

impl Codec for Text {
    fn content_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        let body = plain::to_bytes(value)?;
        str::from_utf8(&body).context("these bytes are no text; take `Raw` for them")?;
        Ok(body)
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
        let text = str::from_utf8(body).context("not UTF-8")?;
        plain::from_text(text).map_err(Error::from)
    }
}
