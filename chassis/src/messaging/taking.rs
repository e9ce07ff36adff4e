//! Messages as a stream, settled by the caller.

use std::{fmt, future::IntoFuture, marker::PhantomData, ops::Deref, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::{
    broker::{Broker, Running},
    burial::Burial,
    choice::{ByContentType, Choice},
    engine::{Connection as _, Consumer as _, Delivered as _, Engine, Intake, Verdict},
    letter::Reason,
    matcher::Options,
    message::Message,
    pattern::{Offers, Pattern, PublishSubscribe, PushPull},
    rules::Rules,
    sending::LONGEST,
    worker::{Taken, TakenBy},
};
use crate::{Error, Result};

/// Messages that are going to be taken; await it. Made by [`Broker::pull`] and [`Broker::subscribe`].
#[must_use = "nothing is taken until this is awaited"]
pub struct Taking<'a, E: Engine, T, C = ByContentType> {
    broker: &'a Broker<E>,
    intake: Intake,
    codec: C,
    body: PhantomData<fn() -> T>,
}

/// Messages, one after the other, as long as the broker takes any in.
pub struct Messages<E: Engine, T, C = ByContentType> {
    consumer: TakenBy<E>,
    running: Arc<Running<E>>,
    burial: Arc<Burial<E>>,
    codec: C,
    body: PhantomData<fn() -> T>,
}

/// A message that must be settled; dropped, it goes back.
pub struct Received<E: Engine, T> {
    message: Message<T>,
    delivered: Taken<E>,
    burial: Arc<Burial<E>>,
}

impl<E: Engine> Broker<E> {
    /// Takes what is pushed to a name, for the caller to settle.
    ///
    /// # Errors
    /// When the broker is not started, or refuses it.
    pub fn pull<'a, T: DeserializeOwned>(&'a self, name: &str) -> Taking<'a, E, T>
    where
        E: Offers<PushPull>,
    {
        Taking::new(self, Pattern::PushPull, name)
    }

    /// Takes what is published under a name from now on, for the caller to settle.
    ///
    /// # Errors
    /// When the broker is not started, or refuses it.
    pub fn subscribe<'a, T: DeserializeOwned>(&'a self, name: &str) -> Taking<'a, E, T>
    where
        E: Offers<PublishSubscribe>,
    {
        Taking::new(self, Pattern::PublishSubscribe, name)
    }
}

impl<'a, E: Engine, T> Taking<'a, E, T> {
    fn new(broker: &'a Broker<E>, pattern: Pattern, name: &str) -> Self {
        let intake = Intake { prefetch: 32, ..Intake::new(pattern, name) };
        Self { broker, intake, codec: ByContentType, body: PhantomData }
    }
}

impl<'a, E: Engine, T, C> Taking<'a, E, T, C> {
    /// Reads with this codec whatever the sender says of the body.
    pub fn codec<D: Choice>(self, codec: D) -> Taking<'a, E, T, D> {
        let Self { broker, intake, codec: _, body } = self;
        Taking { broker, intake, codec, body }
    }

    /// How many messages may be taken and not settled; 32 otherwise.
    pub fn prefetch(mut self, prefetch: usize) -> Self {
        self.intake.prefetch = prefetch.max(1);
        self
    }

    /// One of those with this group gets each published message.
    pub fn group(mut self, group: &str) -> Self {
        self.intake.group = Some(group.into());
        self
    }
}

impl<'a, E: Engine, T: 'a, C: Choice> IntoFuture for Taking<'a, E, T, C> {
    type Output = Result<Messages<E, T, C>>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { broker, intake, codec, body } = self;
            let running = broker.running()?;
            let consumer = running.connection.consume(&intake).await?;
            let wait = Rules::new(intake.pattern, &Options::default(), &running.settings).max_delay;
            let burial = Arc::new(running.burial(intake.pattern, &intake.name, "stream", wait));
            Ok(Messages { consumer, running, burial, codec, body })
        })
    }
}

impl<E: Engine, T: DeserializeOwned, C: Choice> Messages<E, T, C> {
    /// Waits for the next message; `None` once the broker takes nothing in any more. What cannot be read goes to the dead
    /// letters, and is not seen here.
    ///
    /// # Errors
    /// When the broker can take no more.
    ///
    /// # Cancel safety
    /// Safe: a message that was taken and not given goes back.
    pub async fn next(&mut self) -> Option<Result<Received<E, T>>> {
        loop {
            let delivered = match self.consumer.next().await? {
                Ok(delivered) => delivered,
                Err(error) => return Some(Err(error)),
            };
            let incoming = Arc::clone(delivered.message());
            match self.codec.read(&incoming, self.running.settings.format()) {
                Ok(body) => {
                    let (message, burial) = (Message { body, incoming }, Arc::clone(&self.burial));
                    return Some(Ok(Received { message, delivered, burial }));
                }
                Err(error) => {
                    let error = error.context("the body cannot be read");
                    let (source, fate) = (&self.burial.source.1, self.burial.fate());
                    tracing::warn!("a message of `{source}` is given up, {fate}: {error:#}");
                    let verdict = self.burial.bury(&incoming, Reason::Undecodable, error).await;
                    if delivered.settle(verdict).await.is_err() {
                        self.burial.meters.unsettled.inc();
                    }
                }
            }
        }
    }
}

impl<E: Engine, T> Received<E, T> {
    /// The message is done.
    ///
    /// # Errors
    /// When the broker cannot be told: it will deliver the message again.
    pub async fn ack(self) -> Result<()> {
        self.delivered.settle(Verdict::Done).await
    }

    /// The message is to be delivered again after that time, 30 days at most.
    ///
    /// # Errors
    /// When the broker cannot be told: it will deliver the message again.
    pub async fn retry(self, after: Duration) -> Result<()> {
        let attempt = self.message.attempt().saturating_add(1);
        self.delivered.settle(Verdict::Again { after: after.min(LONGEST), attempt }).await
    }

    /// The message is given up: it goes to the dead letters, with this error as the reason.
    ///
    /// # Errors
    /// When the broker cannot be told: it will deliver the message again.
    pub async fn reject(self, error: impl Into<Error>) -> Result<()> {
        let incoming = Arc::clone(&self.message.incoming);
        let verdict = self.burial.bury(&incoming, Reason::Rejected, error.into()).await;
        self.delivered.settle(verdict).await
    }

    /// The message by itself; it goes back.
    pub fn message(&self) -> &Message<T> {
        &self.message
    }
}

impl<E: Engine, T> Deref for Received<E, T> {
    type Target = Message<T>;

    fn deref(&self) -> &Message<T> {
        &self.message
    }
}

impl<E: Engine, T, C> fmt::Debug for Taking<'_, E, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taking({:?})", self.intake)
    }
}

impl<E: Engine, T, C> fmt::Debug for Messages<E, T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Messages({})", self.burial.source.1)
    }
}

impl<E: Engine, T> fmt::Debug for Received<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received(attempt {})", self.message.attempt())
    }
}
