//! Bytes to values and back: what the body of a message is written in.
//!
//! | codec | content type | values |
//! | --- | --- | --- |
//! | [`Json`] | `application/json` | anything that serde knows; the default |
//! | [`MessagePack`] | `application/msgpack` | the same, in fewer bytes; feature `messagepack` |
//! | [`Cbor`] | `application/cbor` | the same, RFC 8949; feature `cbor` |
//! | [`Yaml`] | `application/yaml` | the same, for people; feature `yaml-codec` |
//! | [`Text`] | `text/plain; charset=utf-8` | texts, numbers, booleans, variants without fields |
//! | [`Raw`] | `application/octet-stream` | bytes as they are: [`bytes::Bytes`], and texts |
//!
//! A handler that says nothing reads what the sender's content type names, and what the settings of its broker say where
//! there is none. `codec = MessagePack` on a handler, `.codec(MessagePack)` when sending, choose one.
//!
//! A codec of one's own is this:
//!
//! ```
//! use chassis::{Result, codec::Codec};
//! use serde::{Serialize, de::DeserializeOwned};
//!
//! /// JSON, indented.
//! #[derive(Clone)]
//! struct Pretty;
//!
//! impl Codec for Pretty {
//!     fn content_type(&self) -> &'static str {
//!         "application/json"
//!     }
//!
//!     fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
//!         Ok(serde_json::to_vec_pretty(value)?)
//!     }
//!
//!     fn decode<T: DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> Result<T> {
//!         Ok(serde_json::from_slice(body)?)
//!     }
//! }
//! # assert_eq!(Pretty.encode(&[1]).unwrap(), b"[\n  1\n]");
//! ```

mod format;
mod plain;

#[cfg(feature = "cbor")]
mod cbor;
mod json;
#[cfg(feature = "messagepack")]
mod message_pack;
mod raw;
mod sized;
mod text;
#[cfg(feature = "yaml-codec")]
mod yaml;

use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "cbor")]
pub use self::cbor::Cbor;
#[cfg(feature = "messagepack")]
pub use self::message_pack::MessagePack;
#[cfg(feature = "yaml-codec")]
pub use self::yaml::Yaml;
pub use self::{format::Format, json::Json, raw::Raw, text::Text};
use crate::Result;

/// A way to write values as bytes.
pub trait Codec: Send + Sync + 'static {
    /// The media type of what it writes.
    fn content_type(&self) -> &'static str;

    /// Writes a value.
    ///
    /// # Errors
    /// When it cannot say such a value.
    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>>;

    /// Reads a value. `content_type` is what the sender said of it, if anything; a codec that was chosen for a handler is
    /// asked whatever that is.
    ///
    /// # Errors
    /// What is wrong with the bytes, and where in them.
    fn decode<T: DeserializeOwned>(&self, body: &[u8], content_type: Option<&str>) -> Result<T>;
}
