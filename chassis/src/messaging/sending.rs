//! A message that is going to be sent.

use std::{
    fmt,
    future::IntoFuture,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::Serialize;
use tokio::time::Instant;

use super::{
    broker::{Broker, Running},
    choice::{ByContentType, Choice},
    engine::{Connection as _, Engine},
    failure::Failure,
    headers::Headers,
    known,
    message::Outgoing,
    pattern::Pattern,
};
use crate::{Result, unit::Ids};

/// Nobody waits longer, and no message rests longer.
pub(super) const LONGEST: Duration = Duration::from_hours(30 * 24);

/// A message that is sent when this is awaited; made by [`Broker::publish`] and [`Broker::push`].
///
/// # Errors
/// A [`Failure`] that tells whether it may have arrived all the same.
///
/// # Cancel safety
/// A future that is dropped may have sent the message.
#[must_use = "nothing is sent until this is awaited"]
pub struct Sending<'a, E: Engine, T: ?Sized, C = ByContentType> {
    broker: &'a Broker<E>,
    pattern: Pattern,
    name: &'a str,
    body: &'a T,
    codec: C,
    extras: Extras,
}

/// What goes with a body.
#[derive(Debug, Default)]
pub(super) struct Extras {
    pub(super) headers: Headers,
    pub(super) key: Option<Bytes>,
    pub(super) timeout: Option<Duration>,
    pub(super) expires_in: Option<Duration>,
}

impl<'a, E: Engine, T: ?Sized> Sending<'a, E, T> {
    pub(super) fn new(broker: &'a Broker<E>, pattern: Pattern, name: &'a str, body: &'a T) -> Self {
        Self { broker, pattern, name, body, codec: ByContentType, extras: Extras::default() }
    }
}

impl<'a, E: Engine, T: ?Sized, C> Sending<'a, E, T, C> {
    /// Writes the body with this codec instead of that of the settings.
    pub fn codec<D: Choice>(self, codec: D) -> Sending<'a, E, T, D> {
        let Self { broker, pattern, name, body, codec: _, extras } = self;
        Sending { broker, pattern, name, body, codec, extras }
    }

    /// What messages that belong together share: brokers that keep an order keep it among them, and so do handlers that
    /// are marked `by_key`.
    pub fn key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.extras.key = Some(Bytes::copy_from_slice(key.as_ref()));
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<Bytes>) -> Self {
        self.extras.headers.set(name, value);
        self
    }

    /// How long sending may take, instead of `send_timeout` of the settings; 30 days at most.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.extras.timeout = Some(timeout);
        self
    }

    /// How long anybody wants it handled; later it is a dead letter.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.extras.expires_in = Some(time);
        self
    }
}

impl<'a, E: Engine, T: Serialize + Sync + ?Sized, C: Choice> IntoFuture for Sending<'a, E, T, C> {
    type Output = Result<()>;
    type IntoFuture = BoxFuture<'a, Result<()>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { broker, pattern, name, body, codec, extras } = self;
        Box::pin(async move {
            let running = broker.running()?;
            let began = Instant::now();
            let timeout = extras.timeout.unwrap_or(running.settings.send_timeout).min(LONGEST);
            let message = outgoing(&running, body, &codec, extras)?;
            let sent = running.connection.send(pattern, name, message, began + timeout).await;
            running.meters.sent(pattern, name, sent.is_ok(), began.elapsed());
            sent.map_err(|error| error.context(format!("{pattern} `{name}`")))
        })
    }
}

/// The message of a body.
pub(super) fn outgoing<E: Engine, T: Serialize + ?Sized>(
    running: &Running<E>,
    body: &T,
    codec: &impl Choice,
    extras: Extras,
) -> Result<Outgoing> {
    let (body, content_type) = codec.write(body, running.settings.format(), None)?;
    let most = &running.settings.max_message_size;
    if body.len() as u64 > most.as_u64() {
        let why = format!("{} bytes are more than `max_message_size`, {most}", body.len());
        return Err(Failure::Refused(why).into_error());
    }
    let Extras { mut headers, key, timeout: _, expires_in } = extras;
    if running.connection.carries_headers() {
        if let Some(ids) = Ids::current() {
            headers.set_known(known::REQUEST_ID, ids.request_id().as_str().to_owned());
            headers.set_known(known::TRACE, ids.trace().traceparent().to_vec());
        }
        if let Some(time) = expires_in {
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_add(time);
            headers.set_known(known::DEADLINE, deadline.as_millis().to_string());
        }
    }
    Ok(Outgoing { body: body.into(), content_type: content_type.into(), headers, key })
}

impl<E: Engine, T: ?Sized, C> fmt::Debug for Sending<'_, E, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sending({} {})", self.pattern, self.name)
    }
}
