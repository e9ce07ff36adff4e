//! Which codec reads and writes: one that was chosen, or the one that the message and the settings name.

use serde::{Serialize, de::DeserializeOwned};

use super::message::Incoming;
use crate::{
    Result,
    codec::{Codec, Format, Text},
};

/// The codec of what the sender names, and of the settings of the broker where it names none.
#[derive(Debug, Clone, Copy, Default)]
pub struct ByContentType;

/// [`ByContentType`], or a [`Codec`].
pub trait Choice: Clone + Send + Sync + 'static {
    /// Reads a body; `usual` is the format of the settings.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    fn read<T: DeserializeOwned>(&self, message: &Incoming, usual: Format) -> Result<T>;

    /// Writes a body, and says what it is. `asked` is the content type of what it answers.
    ///
    /// # Errors
    /// When the codec cannot say such a value.
    fn write<T: Serialize + ?Sized>(
        &self,
        value: &T,
        usual: Format,
        asked: Option<&str>,
    ) -> Result<(Vec<u8>, &'static str)>;
}

impl Choice for ByContentType {
    fn read<T: DeserializeOwned>(&self, message: &Incoming, usual: Format) -> Result<T> {
        usual.decode(&message.body, message.content_type.as_deref())
    }

    fn write<T: Serialize + ?Sized>(
        &self,
        value: &T,
        usual: Format,
        asked: Option<&str>,
    ) -> Result<(Vec<u8>, &'static str)> {
        // What asks in text as this crate writes it wants text, if the answer is some.
        if asked == Some(Text.content_type())
            && let Ok(body) = Text.encode(value)
        {
            return Ok((body, Text.content_type()));
        }
        let format = asked.and_then(Format::of).unwrap_or(usual);
        Ok((format.encode(value)?, format.content_type()))
    }
}

impl<C: Codec + Clone> Choice for C {
    fn read<T: DeserializeOwned>(&self, message: &Incoming, _: Format) -> Result<T> {
        self.decode(&message.body, message.content_type.as_deref())
    }

    fn write<T: Serialize + ?Sized>(&self, value: &T, _: Format, _: Option<&str>) -> Result<(Vec<u8>, &'static str)> {
        Ok((self.encode(value)?, self.content_type()))
    }
}
