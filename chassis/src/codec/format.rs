//! Which of the codecs that are here.

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "cbor")]
use super::Cbor;
#[cfg(feature = "messagepack")]
use super::MessagePack;
#[cfg(feature = "yaml-codec")]
use super::Yaml;
use super::{Codec, Json, Raw, Text};
use crate::{Result, settings::SettingsSchema};

/// A codec by its name: what a setting chooses, and what a content type names.
///
/// As a codec of its own it writes in that format, and reads whatever format the sender names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, SettingsSchema)]
pub enum Format {
    /// `application/json`
    #[default]
    Json,
    /// `application/msgpack`
    #[cfg(feature = "messagepack")]
    MessagePack,
    /// `application/cbor`
    #[cfg(feature = "cbor")]
    Cbor,
    /// `application/yaml`
    #[cfg(feature = "yaml-codec")]
    Yaml,
    /// `text/plain`
    Text,
    /// `application/octet-stream`
    Raw,
}

impl Format {
    /// The format that a content type names; parameters, case and `+json` endings are understood.
    ///
    /// `None` for those nobody here can read, and for `text/plain`: older frameworks say that of everything.
    pub fn of(content_type: &str) -> Option<Self> {
        // Nearly always one of these, and cheaper to see at once.
        if content_type == Json.content_type() {
            return Some(Format::Json);
        }
        #[cfg(feature = "messagepack")]
        if content_type == MessagePack.content_type() {
            return Some(Format::MessagePack);
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let (_, subtype) = essence.split_once('/')?;
        let suffix = subtype.rsplit_once('+').map_or(subtype, |(_, suffix)| suffix);
        let is = |names: &[&str]| names.iter().any(|name| suffix.eq_ignore_ascii_case(name));
        match () {
            () if essence.get(..5).is_some_and(|main| main.eq_ignore_ascii_case("text/")) && is(&["plain"]) => None,
            () if is(&["json"]) => Some(Format::Json),
            #[cfg(feature = "messagepack")]
            () if is(&["msgpack", "x-msgpack", "vnd.msgpack"]) => Some(Format::MessagePack),
            #[cfg(feature = "cbor")]
            () if is(&["cbor"]) => Some(Format::Cbor),
            #[cfg(feature = "yaml-codec")]
            () if is(&["yaml", "x-yaml"]) => Some(Format::Yaml),
            () if is(&["octet-stream"]) => Some(Format::Raw),
            () => None,
        }
    }
}

/// The name in settings.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Json => "json",
            #[cfg(feature = "messagepack")]
            Format::MessagePack => "message_pack",
            #[cfg(feature = "cbor")]
            Format::Cbor => "cbor",
            #[cfg(feature = "yaml-codec")]
            Format::Yaml => "yaml",
            Format::Text => "text",
            Format::Raw => "raw",
        })
    }
}

impl Codec for Format {
    fn content_type(&self) -> &'static str {
        match self {
            Format::Json => Json.content_type(),
            #[cfg(feature = "messagepack")]
            Format::MessagePack => MessagePack.content_type(),
            #[cfg(feature = "cbor")]
            Format::Cbor => Cbor.content_type(),
            #[cfg(feature = "yaml-codec")]
            Format::Yaml => Yaml.content_type(),
            Format::Text => Text.content_type(),
            Format::Raw => Raw.content_type(),
        }
    }

    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>> {
        match self {
            Format::Json => Json.encode(value),
            #[cfg(feature = "messagepack")]
            Format::MessagePack => MessagePack.encode(value),
            #[cfg(feature = "cbor")]
            Format::Cbor => Cbor.encode(value),
            #[cfg(feature = "yaml-codec")]
            Format::Yaml => Yaml.encode(value),
            Format::Text => Text.encode(value),
            Format::Raw => Raw.encode(value),
        }
    }

    fn decode<T: DeserializeOwned>(&self, body: &[u8], content_type: Option<&str>) -> Result<T> {
        let named = content_type.and_then(Format::of);
        let decoded = match named.unwrap_or(*self) {
            Format::Json => Json.decode(body, None),
            #[cfg(feature = "messagepack")]
            Format::MessagePack => MessagePack.decode(body, None),
            #[cfg(feature = "cbor")]
            Format::Cbor => Cbor.decode(body, None),
            #[cfg(feature = "yaml-codec")]
            Format::Yaml => Yaml.decode(body, None),
            Format::Text => Text.decode(body, None),
            Format::Raw => Raw.decode(body, None),
        };
        match decoded {
            // A sender that says of everything that it is text may have meant it.
            Err(error) if named.is_none() && content_type.is_some() => Text.decode(body, None).map_err(|_| error),
            decoded => decoded,
        }
    }
}
