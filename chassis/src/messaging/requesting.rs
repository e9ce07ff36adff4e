//! A request that is going to be made.

use std::{fmt, future::IntoFuture, marker::PhantomData, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::Instant;

use super::{
    broker::Broker,
    choice::{ByContentType, Choice},
    engine::{Connection as _, Engine},
    failure::Failure,
    known,
    message::Incoming,
    pattern::Pattern,
    sending::{Extras, LONGEST, outgoing},
};
use crate::Result;

/// A request that is made when this is awaited; made by [`Broker::request`].
///
/// # Errors
/// A [`Failure`] that tells whether it may have been done all the same; or that the answer cannot be read.
///
/// # Cancel safety
/// A request whose future is dropped may be handled; its answer is nobody's.
#[must_use = "nothing is asked until this is awaited"]
pub struct Requesting<'a, E: Engine, T: ?Sized, R, C = ByContentType> {
    broker: &'a Broker<E>,
    name: &'a str,
    body: &'a T,
    codec: C,
    extras: Extras,
    answer: PhantomData<fn() -> R>,
}

impl<'a, E: Engine, T: ?Sized, R> Requesting<'a, E, T, R> {
    pub(super) fn new(broker: &'a Broker<E>, name: &'a str, body: &'a T) -> Self {
        Self { broker, name, body, codec: ByContentType, extras: Extras::default(), answer: PhantomData }
    }
}

impl<'a, E: Engine, T: ?Sized, R, C> Requesting<'a, E, T, R, C> {
    /// Writes the request with this codec, and reads the answer with it.
    pub fn codec<D: Choice>(self, codec: D) -> Requesting<'a, E, T, R, D> {
        let Self { broker, name, body, codec: _, extras, answer } = self;
        Requesting { broker, name, body, codec, extras, answer }
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl Into<Bytes>) -> Self {
        self.extras.headers.set(name, value);
        self
    }

    /// How long the answer may take, instead of `request_timeout` of the settings; 30 days at most. Who replies knows
    /// it, and does not begin what nobody waits for any more.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.extras.timeout = Some(timeout);
        self
    }
}

impl<'a, E, T, R, C> IntoFuture for Requesting<'a, E, T, R, C>
where
    E: Engine,
    T: Serialize + Sync + ?Sized,
    R: DeserializeOwned + 'a,
    C: Choice,
{
    type Output = Result<R>;
    type IntoFuture = BoxFuture<'a, Result<R>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { broker, name, body, codec, mut extras, answer: _ } = self;
        Box::pin(async move {
            let running = broker.running()?;
            let began = Instant::now();
            let timeout = extras.timeout.unwrap_or(running.settings.request_timeout).min(LONGEST);
            extras.expires_in = Some(timeout);
            let message = outgoing(&running, body, &codec, extras)?;
            let answered = running.connection.request(name, message, began + timeout).await;
            let is_ok = answered.as_ref().is_ok_and(|answer| answer.headers.bytes(known::ERROR).is_none());
            running.meters.sent(Pattern::RequestResponse, name, is_ok, began.elapsed());
            let asked = || format!("request `{name}`");
            let answer = answered.map_err(|error| error.context(asked()))?;
            if answer.headers.bytes(known::ERROR).is_some() {
                return Err(Failure::Answered(text_of(&answer)).into_error().context(asked()));
            }
            let read = codec.read(&answer, running.settings.format());
            read.map_err(|error| error.context(format!("the answer to request `{name}` cannot be read")))
        })
    }
}

/// What an answer says that tells of a failure.
fn text_of(answer: &Incoming) -> String {
    let said = serde_json::from_slice::<serde_json::Value>(&answer.body).ok();
    let text = said.as_ref().and_then(|said| said.get("error")?.as_str());
    text.map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), str::to_owned)
}

impl<E: Engine, T: ?Sized, R, C> fmt::Debug for Requesting<'_, E, T, R, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Requesting({})", self.name)
    }
}
