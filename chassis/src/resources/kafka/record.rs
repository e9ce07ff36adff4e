//! A message as it lies in a topic.

use std::{
    borrow::Cow,
    time::{Duration, UNIX_EPOCH},
};

use bytes::{Bytes, BytesMut};
use rdkafka::{
    Message as _,
    message::{BorrowedMessage, Header, OwnedHeaders},
};

use super::native;
use crate::messaging::{Headers, Incoming};

/// The header that says what the body is.
const CONTENT_TYPE: &str = "content-type";

/// Where bodies are copied to, many small ones into one piece of memory.
#[derive(Default)]
pub(super) struct Bodies(BytesMut);

/// A piece is let go with the last body in it, so it is not much larger than what one message may hold on to.
const PIECE: usize = 16 << 10;

impl Bodies {
    fn copy(&mut self, body: &[u8]) -> Bytes {
        if body.len() > PIECE / 4 {
            return Bytes::copy_from_slice(body);
        }
        if self.0.capacity() < body.len() {
            self.0 = BytesMut::with_capacity(PIECE);
        }
        self.0.extend_from_slice(body);
        self.0.split().freeze()
    }
}

/// A body that is kept for longer, in a piece of memory of its own.
pub(super) fn by_itself(body: &Bytes) -> Bytes {
    if body.len() > PIECE / 4 { body.clone() } else { Bytes::copy_from_slice(body) }
}

/// What a consumer took. A message without a value, which deletes its key in a compacted topic, has an empty body.
pub(super) fn incoming(message: &BorrowedMessage<'_>, bodies: &mut Bodies) -> Incoming {
    let mut headers = native::headers(message);
    let content_type = headers.get(CONTENT_TYPE).map(|said| Cow::Owned(said.to_owned()));
    headers.remove(CONTENT_TYPE);
    let sent_at = message.timestamp().to_millis().and_then(|millis| u64::try_from(millis).ok());
    let mut incoming = Incoming::new(message.payload().map(|body| bodies.copy(body)).unwrap_or_default());
    incoming.headers = headers;
    incoming.content_type = content_type;
    incoming.key = message.key().map(Bytes::copy_from_slice);
    incoming.sent_at = sent_at.and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
    incoming
}

/// What goes beside the body.
pub(super) fn outgoing(headers: &Headers, content_type: &str) -> OwnedHeaders {
    let mut written = OwnedHeaders::new_with_capacity(headers.len() + 1);
    if !content_type.is_empty() {
        written = written.insert(Header { key: CONTENT_TYPE, value: Some(content_type) });
    }
    for (name, value) in headers.iter() {
        written = written.insert(Header { key: name, value: Some(&value[..]) });
    }
    written
}
