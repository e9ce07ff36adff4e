//! A message: its body, and what is known of it.

use std::{borrow::Cow, ops::Deref, sync::Arc, time::SystemTime};

use bytes::Bytes;

use super::headers::Headers;
use crate::unit::Origin;

/// A message as a broker delivered it.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Incoming {
    /// What it says.
    pub body: Bytes,
    /// What the sender says that the body is.
    pub content_type: Option<Cow<'static, str>>,
    /// What came beside the body.
    pub headers: Headers,
    /// What messages that belong together share.
    pub key: Option<Bytes>,
    /// Which attempt to handle it this is, from 1 on.
    pub attempt: u32,
    /// Whether the broker says that it was delivered before.
    pub is_redelivered: bool,
    /// When it was sent, where the broker tells.
    pub sent_at: Option<SystemTime>,
    /// What knows the ids of the work on it, where they do not stand in its headers.
    pub origin: Option<Arc<dyn Origin>>,
}

impl Incoming {
    /// The first delivery of a message that has only a body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), attempt: 1, ..Self::default() }
    }
}

/// A message on its way to a broker.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Outgoing {
    /// What it says.
    pub body: Bytes,
    /// What the body is.
    pub content_type: Cow<'static, str>,
    /// What goes beside the body.
    pub headers: Headers,
    /// What messages that belong together share.
    pub key: Option<Bytes>,
}

impl Outgoing {
    /// A message that has only a body.
    pub fn new(body: impl Into<Bytes>, content_type: impl Into<Cow<'static, str>>) -> Self {
        Self { body: body.into(), content_type: content_type.into(), ..Self::default() }
    }
}

/// What arrives is what was sent; for brokers in memory, and for those that send a message again.
impl From<Outgoing> for Incoming {
    fn from(sent: Outgoing) -> Self {
        let Outgoing { body, content_type, headers, key } = sent;
        let content_type = (!content_type.is_empty()).then_some(content_type);
        Self { body, content_type, headers, key, attempt: 1, ..Self::default() }
    }
}

/// The same message once more.
impl From<&Incoming> for Outgoing {
    fn from(came: &Incoming) -> Self {
        let content_type = came.content_type.clone().unwrap_or_default();
        Self { body: came.body.clone(), content_type, headers: came.headers.clone(), key: came.key.clone() }
    }
}

/// A message with its decoded body, for handlers that want to know more than what it says.
#[derive(Debug, Clone)]
pub struct Message<T> {
    /// What it says.
    pub body: T,
    pub(super) incoming: Arc<Incoming>,
}

impl<T> Message<T> {
    /// What came beside the body.
    pub fn headers(&self) -> &Headers {
        &self.incoming.headers
    }

    /// What messages that belong together share.
    pub fn key(&self) -> Option<&Bytes> {
        self.incoming.key.as_ref()
    }

    /// Which attempt to handle it this is, from 1 on.
    pub fn attempt(&self) -> u32 {
        self.incoming.attempt
    }

    /// Whether the broker says that it was delivered before.
    pub fn is_redelivered(&self) -> bool {
        self.incoming.is_redelivered
    }

    /// When it was sent, where the broker tells.
    pub fn sent_at(&self) -> Option<SystemTime> {
        self.incoming.sent_at
    }

    /// What the sender says that the body is.
    pub fn content_type(&self) -> Option<&str> {
        self.incoming.content_type.as_deref()
    }

    /// What knows the ids of the work on it, where they do not stand in its headers. Who takes messages from a stream gives it
    /// to the [`Unit`](crate::unit::Unit::origin) that does the work.
    pub fn origin(&self) -> Option<&Arc<dyn Origin>> {
        self.incoming.origin.as_ref()
    }

    /// The body as it came.
    pub fn raw(&self) -> &Bytes {
        &self.incoming.body
    }
}

impl<T> Deref for Message<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.body
    }
}
