//! Which messages a handler takes, and how: what stands in the parentheses of `#[subscribe]`, `#[pull]` and `#[reply]`.

use std::time::Duration;

use super::{
    asyncapi::Description,
    choice::{ByContentType, Choice},
    engine::Intake,
    input::{Delivery, Inquiry, Unpack},
    pattern::{Pattern, PublishSubscribe, PushPull, RequestResponse},
};

/// Handles what is published under a name; see [`#[subscribe]`](macro@crate::subscribe).
pub fn subscribe(name: &'static str) -> Subscribe {
    Matcher::new(name)
}

/// Handles what is pushed to a name; see [`#[pull]`](macro@crate::pull).
pub fn pull(name: &'static str) -> Pull {
    Matcher::new(name)
}

/// Answers what is requested of a name; see [`#[reply]`](macro@crate::reply).
pub fn reply(name: &'static str) -> Reply {
    Matcher::new(name)
}

/// Which published messages a handler takes.
pub type Subscribe<C = ByContentType> = Matcher<PublishSubscribe, C>;
/// Which pushed messages a handler takes.
pub type Pull<C = ByContentType> = Matcher<PushPull, C>;
/// Which requests a handler answers.
pub type Reply<C = ByContentType> = Matcher<RequestResponse, C>;

/// Which messages a handler takes, and how. What it does not say is said by the settings of the broker.
#[derive(Debug)]
pub struct Matcher<P, C = ByContentType> {
    pub(super) options: Options,
    pub(super) codec: C,
    pattern: std::marker::PhantomData<fn() -> P>,
}

/// What was said of a handler in code.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    pub(super) name: &'static str,
    pub(super) handler: &'static str,
    pub(super) about: &'static str,
    pub(super) group: Option<&'static str>,
    pub(super) concurrency: Option<usize>,
    pub(super) prefetch: Option<usize>,
    pub(super) retries: Option<u32>,
    pub(super) min_delay: Option<Duration>,
    pub(super) max_delay: Option<Duration>,
    pub(super) timeout: Option<Duration>,
    pub(super) describe: Option<fn(&mut Description)>,
    pub(super) by_key: bool,
    pub(super) quiet: bool,
}

/// The patterns, as what they are for handlers.
pub trait Handled: Sized {
    /// What its handlers are given.
    type Input<C: Choice>: Unpack<C>;
    /// The same as a value.
    const PATTERN: Pattern;
}

impl Handled for PublishSubscribe {
    type Input<C: Choice> = Delivery<C>;
    const PATTERN: Pattern = Pattern::PublishSubscribe;
}

impl Handled for PushPull {
    type Input<C: Choice> = Delivery<C>;
    const PATTERN: Pattern = Pattern::PushPull;
}

impl Handled for RequestResponse {
    type Input<C: Choice> = Inquiry<C>;
    const PATTERN: Pattern = Pattern::RequestResponse;
}

impl<P> Matcher<P> {
    fn new(name: &'static str) -> Self {
        let options = Options { name, handler: name, ..Options::default() };
        Self { options, codec: ByContentType, pattern: std::marker::PhantomData }
    }

    /// Reads with this codec whatever the sender says of the body, and answers with it.
    #[must_use]
    pub fn codec<C: Choice>(self, codec: C) -> Matcher<P, C> {
        Matcher { options: self.options, codec, pattern: self.pattern }
    }
}

impl<P, C> Matcher<P, C> {
    /// The name of the handler in settings, logs and figures; its method's.
    #[must_use]
    pub fn handler(mut self, handler: &'static str) -> Self {
        self.options.handler = handler;
        self
    }

    /// What it does, for people.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.options.about = about;
        self
    }

    /// Asks the types of the handler about themselves, for [`Broker::asyncapi`](super::Broker::asyncapi).
    #[must_use]
    pub fn describe(mut self, describe: fn(&mut Description)) -> Self {
        self.options.describe = Some(describe);
        self
    }

    /// How many messages are handled at the same time; 1 at least.
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.options.concurrency = Some(concurrency);
        self
    }

    /// How many messages are fetched ahead; `concurrency` at least.
    #[must_use]
    pub fn prefetch(mut self, prefetch: usize) -> Self {
        self.options.prefetch = Some(prefetch);
        self
    }

    /// How many times a message is tried again once its handler has failed.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// The longest rest before the first retry; it doubles with each further one, and the rest is a random part of it.
    #[must_use]
    pub fn min_delay(mut self, delay: Duration) -> Self {
        self.options.min_delay = Some(delay);
        self
    }

    /// What the rest before a retry never exceeds.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.options.max_delay = Some(delay);
        self
    }

    /// How long the handler may take; then the attempt has failed.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Messages of one key are handled one after the other, in their order, also when one is tried again.
    #[must_use]
    pub fn by_key(mut self) -> Self {
        self.options.by_key = true;
        self
    }

    /// Messages that are handled well are said at debug only.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.options.quiet = true;
        self
    }
}

impl<C> Matcher<PublishSubscribe, C> {
    /// One of the instances with this group gets each message; without it every instance gets it.
    #[must_use]
    pub fn group(mut self, group: &'static str) -> Self {
        self.options.group = Some(group);
        self
    }
}

impl Options {
    pub(super) fn intake(&self, pattern: Pattern, prefetch: usize) -> Intake {
        Intake { pattern, name: self.name.into(), group: self.group.map(Into::into), prefetch }
    }
}
