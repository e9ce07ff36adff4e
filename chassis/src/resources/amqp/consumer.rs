//! Takes messages from a queue, also from that of the next connection.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use futures_util::{FutureExt as _, StreamExt as _};
use lapin::{
    Channel,
    message::Delivery,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::{Duration, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    acks::Acks,
    delivered::{AmqpDelivered, Origin, Receipt},
    failure::{NOT_FOUND, refusal, words},
    link::Link,
    names::{Place, Source},
    properties::incoming,
    session::Session,
};
use crate::{Context, Error, Result, messaging::engine::Consumer};

/// Takes messages from a queue.
pub struct AmqpConsumer {
    cx: Context,
    link: Arc<Link>,
    source: Source,
    prefetch: u16,
    origin: Arc<Origin>,
    flow: Option<Flow>,
    open: Arc<OpenFlows>,
    /// How often it had to begin anew while the connection stood.
    failures: u32,
}

/// What comes by one channel.
#[derive(Clone)]
pub(super) struct Flow {
    number: u64,
    channel: Channel,
    acks: Arc<Acks>,
    consumer: lapin::Consumer,
    session: Arc<Session>,
}

/// All that takes at the moment, so that it can be ended at once.
#[derive(Default)]
pub(super) struct OpenFlows {
    flows: std::sync::Mutex<Vec<Flow>>,
    count: AtomicU64,
    pub(super) closed: CancellationToken,
}

/// How long to wait before it is said why nothing comes any more.
const MOMENT: Duration = Duration::from_millis(20);
/// How long the broker may take to agree to an end.
const FAREWELL: Duration = Duration::from_secs(2);

impl AmqpConsumer {
    /// Begins to take.
    ///
    /// # Errors
    /// When the broker refuses it.
    pub(super) async fn begin(
        cx: &Context,
        link: &Arc<Link>,
        source: Source,
        prefetch: usize,
        origin: Origin,
        open: &Arc<OpenFlows>,
    ) -> Result<Self> {
        let prefetch = u16::try_from(prefetch).unwrap_or(u16::MAX);
        let (link, open) = (Arc::clone(link), Arc::clone(open));
        let (cx, origin) = (cx.clone(), Arc::new(origin));
        let mut consumer = Self { cx, link, source, prefetch, origin, flow: None, open, failures: 0 };
        while let Some(session) = consumer.link.session().await {
            match consumer.connect(&session).await {
                Ok(()) => break,
                // The node that has the queue is away; it may come back.
                Err(error) if refusal(&error) == Some(NOT_FOUND) => break,
                Err(error) if refusal(&error).is_some() => {
                    let why = format!("the broker does not let `{}` be taken from: {}", consumer.name(), words(&error));
                    return Err(Error::misconfigured(Error::msg(why)));
                }
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
        Ok(consumer)
    }

    fn name(&self) -> &ShortString {
        match &self.source {
            Source::Shared(place) => place.name(),
            Source::Own { exchange } => exchange,
        }
    }

    /// Declares what is needed, and consumes.
    async fn connect(&mut self, session: &Arc<Session>) -> lapin::Result<()> {
        let queue = match &self.source {
            Source::Shared(place) => {
                if let Place::Queue { exchange: Some(exchange), .. } = place {
                    session.declare(&Place::Exchange { name: exchange.clone() }).await?;
                }
                session.declare(place).await?;
                place.name().clone()
            }
            Source::Own { exchange } => {
                session.declare(&Place::Exchange { name: exchange.clone() }).await?;
                ShortString::default()
            }
        };
        let channel = session.channel().await?;
        let queue = match &self.source {
            Source::Shared(_) => queue,
            Source::Own { exchange } => {
                let options =
                    QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
                let queue = channel.queue_declare(queue, options, FieldTable::default()).await?.name().clone();
                let (options, none) = (QueueBindOptions::default(), FieldTable::default());
                channel.queue_bind(queue.clone(), exchange.clone(), "".into(), options, none).await?;
                queue
            }
        };
        channel.basic_qos(self.prefetch, BasicQosOptions::default()).await?;
        let (options, none) = (BasicConsumeOptions::default(), FieldTable::default());
        let consumer = channel.basic_consume(queue, "".into(), options, none).await?;
        let number = self.open.count.fetch_add(1, Ordering::Relaxed);
        let acks = Acks::new(&self.cx, &channel, self.prefetch);
        let flow = Flow { number, channel, acks, consumer, session: Arc::clone(session) };
        self.open.add(flow.clone());
        self.flow = Some(flow);
        Ok(())
    }

    /// Takes up the next connection, or the same one again after the broker has ended the consuming.
    async fn resume(&mut self) -> Option<()> {
        if let Some(flow) = self.flow.take() {
            self.open.remove(flow.number);
            // What comes by a connection ends a moment before the connection is known to be lost.
            sleep(MOMENT).await;
            if flow.session.is_up() {
                self.forget_places(&flow.session);
                if self.failures == 0 {
                    let name = self.name();
                    tracing::warn!(
                        "the broker has ended the consuming of `{name}`, as when a queue is deleted; it is declared and taken from anew"
                    );
                }
                self.pause().await;
            }
        }
        loop {
            let session = self.link.session().await?;
            match self.connect(&session).await {
                Ok(()) => return Some(()),
                Err(error) => {
                    if refusal(&error) == Some(NOT_FOUND) {
                        self.forget_places(&session);
                    }
                    if self.failures == 0 && !session.is_lost() && refusal(&error).is_some() {
                        tracing::warn!("`{}` cannot be taken from: {}; it is tried again", self.name(), words(&error));
                    }
                    self.pause().await;
                }
            }
        }
    }

    /// Lets what it takes from be declared anew.
    fn forget_places(&self, session: &Session) {
        match &self.source {
            Source::Shared(place) => {
                session.forget(place.name());
                if let Place::Queue { exchange: Some(exchange), .. } = place {
                    session.forget(exchange);
                }
            }
            Source::Own { exchange } => session.forget(exchange),
        }
    }

    async fn pause(&mut self) {
        self.failures = self.failures.saturating_add(1);
        sleep(Duration::from_millis(20 << self.failures.min(6))).await;
    }

    async fn take(&mut self) -> Option<AmqpDelivered> {
        loop {
            let Some(flow) = &mut self.flow else {
                self.resume().await?;
                continue;
            };
            // First what has rested: there may always be something new.
            if let Ok(message) = self.origin.later.take() {
                return Some(AmqpDelivered::new(message, &self.origin, Receipt::Rested));
            }
            let has_room = !self.origin.later.is_full();
            let ready = if has_room { flow.consumer.next().now_or_never() } else { None };
            let next = match ready {
                Some(next) => next,
                None => {
                    flow.acks.idle();
                    tokio::select! {
                        next = flow.consumer.next(), if has_room => next,
                        message = self.origin.later.next() => {
                            return Some(AmqpDelivered::new(message, &self.origin, Receipt::Rested));
                        }
                    }
                }
            };
            match next {
                Some(Ok(delivery)) => {
                    self.failures = 0;
                    return Some(flow.hand_over(delivery, &self.origin));
                }
                Some(Err(_)) => {}
                None => self.resume().await?,
            }
        }
    }
}

impl Consumer for AmqpConsumer {
    type Delivered = AmqpDelivered;

    async fn next(&mut self) -> Option<Result<AmqpDelivered>> {
        let closed = self.open.closed.clone();
        if closed.is_cancelled() {
            return None;
        }
        closed.run_until_cancelled(self.take()).await?.map(Ok)
    }
}

impl Drop for AmqpConsumer {
    fn drop(&mut self) {
        if let Some(flow) = self.flow.take() {
            self.open.remove(flow.number);
            flow.leave();
        }
    }
}

impl Flow {
    fn hand_over(&self, mut delivery: Delivery, origin: &Arc<Origin>) -> AmqpDelivered {
        let message = incoming(&mut delivery);
        let (acks, tag) = (Arc::clone(&self.acks), delivery.delivery_tag);
        acks.take(tag);
        let properties = Box::new(delivery.properties);
        AmqpDelivered::new(message, origin, Receipt::Tag { acks, tag, properties })
    }

    /// Takes nothing more, without waiting for the broker to agree.
    fn leave(&self) {
        let _ = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default()).now_or_never();
        self.acks.leave(self.consumer.clone());
    }

    /// Takes nothing more; what was fetched and not handed over goes back.
    async fn end(self) {
        let cancelled = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        let _ = timeout(FAREWELL, cancelled).await;
        self.acks.leave(self.consumer.clone());
    }
}

impl OpenFlows {
    fn add(&self, flow: Flow) {
        self.lock().push(flow);
    }

    fn remove(&self, number: u64) {
        self.lock().retain(|flow| flow.number != number);
    }

    /// Ends all of them; what was handed over can still be settled.
    pub(super) async fn close(&self) {
        self.closed.cancel();
        let flows = self.lock().clone();
        futures_util::future::join_all(flows.into_iter().map(Flow::end)).await;
    }

    /// Waits until the broker has heard all that was said by them.
    pub(super) async fn finish(&self) {
        let flows = std::mem::take(&mut *self.lock());
        let closing = flows.iter().map(|flow| timeout(FAREWELL, flow.channel.close(200, "OK".into())));
        futures_util::future::join_all(closing).await;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Flow>> {
        self.flows.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
