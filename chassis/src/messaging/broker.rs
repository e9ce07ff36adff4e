//! The part of a service that sends and takes messages.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use serde::Serialize;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    any::Any,
    burial::Burial,
    choice::Choice,
    engine::Engine,
    failure::Failure,
    input::Unpack as _,
    matcher::{Handled, Matcher},
    meters::Meters,
    pattern::{Offers, Pattern, PublishSubscribe, PushPull, RequestResponse},
    requesting::Requesting,
    sending::Sending,
    settings::DeliverySettings,
    worker::Handler,
};
use crate::{Context, Result, Slot};

/// A broker as a part of a service; see [`crate::messaging`].
///
/// `Broker` alone is one whose engine is a setting, see [`Any`]; the brokers of one engine have names of their own.
pub struct Broker<E: Engine = Any> {
    pub(super) engine: E,
    handlers: Mutex<Vec<Arc<Handler>>>,
    pub(super) running: Slot<Running<E>>,
}

/// What a started broker has.
pub(super) struct Running<E: Engine> {
    pub(super) connection: Arc<E::Connection>,
    /// Where the broker is, for people.
    pub(super) place: Box<str>,
    pub(super) settings: Arc<DeliverySettings>,
    pub(super) meters: Meters,
    pub(super) cx: Context,
    /// Nothing is taken in any more.
    pub(super) closing: CancellationToken,
    /// What handles messages, by the handler.
    pub(super) workers: Mutex<Vec<(&'static str, TaskTracker)>>,
}

impl<E: Engine> Broker<E> {
    /// A broker with an engine that is not the usual one, for `#[init(…)]`.
    pub fn new(engine: E) -> Self {
        Self { engine, handlers: Mutex::default(), running: Slot::default() }
    }

    /// Takes a handler; called by the expansion of `#[subscribe]`, `#[pull]` and `#[reply]`.
    pub fn on<P, C, F, Fut>(&self, matcher: Matcher<P, C>, handler: F)
    where
        E: Offers<P>,
        P: Handled,
        C: Choice,
        F: Fn(P::Input<C>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = super::Outcome> + Send + 'static,
    {
        let Matcher { options, codec, .. } = matcher;
        let run = move |incoming, usual| {
            let handling: super::worker::Handling = Box::pin(handler(P::Input::unpack(incoming, codec.clone(), usual)));
            handling
        };
        self.handlers().push(Arc::new(Handler { pattern: P::PATTERN, options, run: Box::new(run) }));
    }

    /// Sends a message to every subscriber of a name, and to one of each group of them. Nobody subscribed is no error.
    ///
    /// Await it; before that, say more: a key, headers, another codec.
    pub fn publish<'a, T>(&'a self, name: &'a str, body: &'a T) -> Sending<'a, E, T>
    where
        E: Offers<PublishSubscribe>,
        T: Serialize + Sync + ?Sized,
    {
        Sending::new(self, Pattern::PublishSubscribe, name, body)
    }

    /// Sends a message to one of the workers that pull from a name, now or later.
    ///
    /// Await it; before that, say more: a key, headers, another codec.
    pub fn push<'a, T>(&'a self, name: &'a str, body: &'a T) -> Sending<'a, E, T>
    where
        E: Offers<PushPull>,
        T: Serialize + Sync + ?Sized,
    {
        Sending::new(self, Pattern::PushPull, name, body)
    }

    /// Sends a request to who replies under a name, and waits for the answer.
    ///
    /// Await it; before that, say more: a timeout, headers, another codec.
    pub fn request<'a, T, R>(&'a self, name: &'a str, body: &'a T) -> Requesting<'a, E, T, R>
    where
        E: Offers<RequestResponse>,
        T: Serialize + Sync + ?Sized,
    {
        Requesting::new(self, name, body)
    }

    pub(super) fn running(&self) -> Result<Arc<Running<E>>> {
        let running = self.running.get();
        running.ok_or_else(|| Failure::NotSent(format!("the broker ({}) is not started", E::NAME)).into_error())
    }

    pub(super) fn handlers(&self) -> MutexGuard<'_, Vec<Arc<Handler>>> {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Running<E> {
    pub(super) fn workers(&self) -> MutexGuard<'_, Vec<(&'static str, TaskTracker)>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the messages of a handler go that are given up.
    pub(super) fn burial(&self, pattern: Pattern, name: &str, who: &'static str, wait: Duration) -> Burial<E> {
        Burial {
            source: (pattern, name.into()),
            who: who.into(),
            service: self.cx.service_name().into(),
            settings: Arc::clone(&self.settings),
            connection: Arc::clone(&self.connection),
            meters: self.meters.handler(pattern, name, who),
            wait,
            is_stuck: AtomicBool::new(false),
        }
    }
}

impl<E: Engine> Default for Broker<E> {
    fn default() -> Self {
        Self::new(E::default())
    }
}

impl<E: Engine> fmt::Debug for Broker<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handlers = self.handlers().len();
        f.debug_struct("Broker").field("engine", &E::NAME).field("handlers", &handlers).finish_non_exhaustive()
    }
}
