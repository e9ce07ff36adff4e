//! What a broker has to be able to do; everything else is the same for all of them.
//!
//! An engine moves bytes: it connects and stays connected, takes messages and hands messages over, each of which it
//! keeps until it is told what came of it. Codecs, handlers, concurrency, retries, dead letters, deadlines, ids, lines in
//! the log and figures stand around it in [`Broker`](super::Broker). A stranger's engine is written like ours:
//!
//! 1. a type for the [`Engine`] with its settings, a [`Connection`], a [`Consumer`] and what it hands over, a [`Delivered`];
//! 2. `impl Offers<PushPull> for MyEngine {}` for each pattern it has;
//! 3. `pub type MyBroker = Broker<MyEngine>;`, which is a resource.
//!
//! A wire that has ids of its own instead of headers says of each message what knows them, its [`origin`](Incoming::origin);
//! the calls that are made while it is handled find that with [`Ids::origin`](crate::unit::Ids::origin).
//!
//! [`Resting`] keeps messages for later where the broker does not, and [`Links`] tells an outage of several connections once.

use std::{future::Future, sync::Arc, time::Duration};

use serde_json::{Map, Value};
use tokio::time::Instant;

pub use super::{links::Links, resting::Resting};
use super::{
    message::{Incoming, Outgoing},
    pattern::Pattern,
};
use crate::{Context, Health, Result, codec::Format, settings::SettingsSchema};

/// A kind of broker.
pub trait Engine: Default + Send + Sync + 'static {
    /// What can be set of it, beside what every broker has.
    type Settings: SettingsSchema;
    /// What a started one has.
    type Connection: Connection;

    /// How logs and messages call it.
    const NAME: &'static str;
    /// Which patterns it has: the same as it [`Offers`](super::Offers).
    const PATTERNS: &'static [Pattern];

    /// Whether it could do what these handlers want with these settings; no I/O.
    ///
    /// # Errors
    /// What is wrong and what to do; the service does not start, exit code 78.
    fn check(&self, settings: &Self::Settings, intakes: &[Intake]) -> Result<()> {
        let _ = (settings, intakes);
        Ok(())
    }

    /// Where it is with these settings, for people: `amqp://me@host:5672 (/)`. No secrets.
    fn place(&self, settings: &Self::Settings) -> String {
        let _ = settings;
        Self::NAME.to_owned()
    }

    /// The only format that its wire carries; without it, any.
    fn format(&self, settings: &Self::Settings) -> Option<Format> {
        let _ = settings;
        None
    }

    /// Connects, and stays connected from then on: work that does so is spawned on `cx`, and what happens to the
    /// connection is reported to it.
    ///
    /// # Errors
    /// Unavailable is tried again until the start timeout; misconfigured is told at once.
    ///
    /// # Cancel safety
    /// Dropped when the start timeout passes.
    fn connect(&self, cx: &Context, settings: Self::Settings) -> impl Future<Output = Result<Self::Connection>> + Send;
}

/// A broker that is connected, or will be again.
pub trait Connection: Send + Sync + 'static {
    /// What takes messages from it.
    type Consumer: Consumer;

    /// Begins to take messages for one handler. A consumer outlives the loss of its connection.
    ///
    /// # Errors
    /// When the broker refuses it.
    fn consume(&self, intake: &Intake) -> impl Future<Output = Result<Self::Consumer>> + Send;

    /// Sends a message, and returns once the broker has it as safely as the pattern promises; gives up at `until`, a lost
    /// connection included.
    ///
    /// # Errors
    /// A [`Failure`](super::Failure) that tells whether it may have arrived all the same.
    fn send(
        &self,
        pattern: Pattern,
        name: &str,
        message: Outgoing,
        until: Instant,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Sends a request and waits for its answer until then. An answer that tells of a failure has the header
    /// [`x-error`](super::known::ERROR).
    ///
    /// # Errors
    /// A [`Failure`](super::Failure) that tells whether it may have been done all the same.
    ///
    /// # Cancel safety
    /// An answer to a request that was dropped is nobody's.
    fn request(&self, name: &str, message: Outgoing, until: Instant) -> impl Future<Output = Result<Incoming>> + Send;

    /// Takes nothing more in: every consumer ends, and what was fetched but not handed over goes back. What was handed
    /// over can still be settled.
    fn close(&self) -> impl Future<Output = Result<()>> + Send;

    /// Sends what waits to be sent, and lets go of the connection.
    fn stop(&self) -> impl Future<Output = Result<()>> + Send;

    /// Whether a message can be kept for later, by a push to a name nobody pulls from: what dead letters need.
    fn keeps(&self) -> bool {
        true
    }

    /// Whether its wire carries headers; where it does not, what is sent is given no request id, trace and deadline. An answer
    /// that tells of a failure has its [`x-error`](super::known::ERROR) all the same.
    fn carries_headers(&self) -> bool {
        true
    }

    /// How it is.
    fn health(&self) -> Health;

    /// Facts for people.
    fn info(&self) -> Map<String, Value> {
        Map::new()
    }
}

/// What a handler, or a caller that wants to see each message itself, takes in.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Intake {
    /// Who else gets the message.
    pub pattern: Pattern,
    /// The name it is sent to.
    pub name: Box<str>,
    /// The instances of which one gets it, for publish/subscribe; without it every instance does.
    pub group: Option<Box<str>>,
    /// How many messages may be handed over and not settled.
    pub prefetch: usize,
}

impl Intake {
    /// Takes what is sent to a name, one message at a time.
    pub fn new(pattern: Pattern, name: &str) -> Self {
        Self { pattern, name: name.into(), group: None, prefetch: 1 }
    }
}

/// Takes messages for one handler.
pub trait Consumer: Send + 'static {
    /// What it hands over.
    type Delivered: Delivered;

    /// Waits for the next message; `None` once the connection is closed.
    ///
    /// # Errors
    /// When it can take no more; a crash of the resource, or for want of the broker.
    ///
    /// # Cancel safety
    /// Safe: no message is lost.
    fn next(&mut self) -> impl Future<Output = Option<Result<Self::Delivered>>> + Send;
}

/// A message that its broker keeps until it is settled. One that is dropped goes back.
pub trait Delivered: Send + 'static {
    /// What came.
    fn message(&self) -> &Arc<Incoming>;

    /// Tells the broker what came of it.
    ///
    /// # Errors
    /// When the broker cannot be told: it will deliver the message again.
    fn settle(self, verdict: Verdict) -> impl Future<Output = Result<()>> + Send;
}

/// What came of a message.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Verdict {
    /// It is done.
    Done,
    /// It is answered with this, and done. Where nobody waits for an answer it is only done.
    Answer(Outgoing),
    /// It is to be delivered again after that time, as the attempt of that number, without holding up others meanwhile.
    Again {
        /// How long it rests.
        after: Duration,
        /// The number of its next attempt.
        attempt: u32,
    },
    /// It is not handled here: it goes back at once, as it came.
    Back,
}
