//! A service at a broker: one connection to send by, and one to take by.

use std::sync::{Arc, atomic::AtomicBool};

use serde_json::{Map, Value};
use tokio::{sync::OnceCell, time::Instant};

use super::{
    consumer::{AmqpConsumer, OpenFlows},
    delivered::Origin,
    dialer::Dialer,
    failure::refused,
    job::{Parcel, Target},
    later::Later,
    link::Link,
    names::{Names, Place, Source},
    properties::outgoing,
    publisher::Publisher,
    requests::Requests,
    settings::AmqpSettings,
};
use crate::{
    Context, Health, Result,
    messaging::{
        Incoming, Outgoing, Pattern,
        engine::{Connection, Intake, Links},
    },
};

/// A service at a broker.
pub struct AmqpConnection {
    cx: Context,
    names: Names,
    dialer: Arc<Dialer>,
    links: Arc<Links>,
    /// A broker that is short of room stops whole connections that send; what is taken is acknowledged by another one.
    sending: Arc<Link>,
    /// Made when something is taken for the first time.
    taking: OnceCell<Arc<Link>>,
    publisher: Arc<Publisher>,
    requests: OnceCell<Requests>,
    flows: Arc<OpenFlows>,
}

impl AmqpConnection {
    pub(super) async fn open(cx: &Context, dialer: Dialer, settings: &AmqpSettings) -> Result<Self> {
        let (dialer, links) = (Arc::new(dialer), Arc::new(Links::new(cx)));
        let sending = Link::open(cx, "sending", Arc::clone(&dialer), Arc::clone(&links)).await?;
        let publisher = Arc::new(Publisher::new(cx, &sending, settings.window));
        Ok(Self {
            cx: cx.clone(),
            names: Names::new(settings.queues_prefix.as_deref()),
            dialer,
            links,
            sending,
            taking: OnceCell::new(),
            publisher,
            requests: OnceCell::new(),
            flows: Arc::default(),
        })
    }

    async fn taking(&self) -> Result<&Arc<Link>> {
        let open = || Link::open(&self.cx, "taking", Arc::clone(&self.dialer), Arc::clone(&self.links));
        self.taking.get_or_try_init(open).await
    }

    /// What asks. A connection that is not there yet is made meanwhile: each request waits for it as long as it may.
    async fn requests(&self) -> &Requests {
        let open = async || Link::begin(&self.cx, "taking", Arc::clone(&self.dialer), Arc::clone(&self.links));
        let make = async || Requests::new(&self.cx, self.taking.get_or_init(open).await, &self.publisher);
        self.requests.get_or_init(make).await
    }

    fn links(&self) -> impl Iterator<Item = &Arc<Link>> {
        std::iter::once(&self.sending).chain(self.taking.get())
    }
}

impl Connection for AmqpConnection {
    type Consumer = AmqpConsumer;

    async fn consume(&self, intake: &Intake) -> Result<AmqpConsumer> {
        let source = self.names.of(intake)?;
        let shared = match &source {
            Source::Shared(place) => Some(place.name().clone()),
            Source::Own { .. } => None,
        };
        let (later, publisher) = (Later::default(), Arc::clone(&self.publisher));
        let origin = Origin { shared, later, publisher, is_stuck: AtomicBool::new(false) };
        AmqpConsumer::begin(&self.cx, self.taking().await?, source, intake.prefetch, origin, &self.flows).await
    }

    async fn send(&self, pattern: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        let place = self.names.target(pattern, name)?;
        let (is_kept, is_mandatory) = match pattern {
            Pattern::PushPull => (true, true),
            Pattern::PublishSubscribe => (false, false),
            Pattern::RequestResponse => return Err(refused("a request is made by `request`")),
        };
        let properties = outgoing(&message, is_kept)?;
        let parcel = Parcel { target: Target::Place(place), body: message.body, properties, is_mandatory };
        self.publisher.send(parcel, until).await
    }

    async fn request(&self, name: &str, message: Outgoing, until: Instant) -> Result<Incoming> {
        let place = self.names.target(Pattern::RequestResponse, name)?;
        let (Place::Queue { name, .. } | Place::Exchange { name } | Place::Rest { name, .. }) = place;
        self.requests().await.ask(name, message, until).await
    }

    async fn close(&self) -> Result<()> {
        self.flows.close().await;
        Ok(())
    }

    async fn stop(&self) -> Result<()> {
        self.flows.finish().await;
        futures_util::future::join_all(self.links().map(|link| link.close())).await;
        Ok(())
    }

    fn health(&self) -> Health {
        if let Some(why) = self.links().find_map(|link| link.down()) {
            return Health::fail(why);
        }
        match self.links().find_map(|link| link.blocked()) {
            Some(why) => Health::warn(format!("the broker takes nothing at the moment: {why}")),
            None => Health::pass(),
        }
    }

    fn info(&self) -> Map<String, Value> {
        let is_up = |link: &Arc<Link>| Value::from(link.down().is_none());
        let mut info = Map::from_iter([("sending".to_owned(), is_up(&self.sending))]);
        info.extend(self.taking.get().map(|link| ("taking".to_owned(), is_up(link))));
        info
    }
}
