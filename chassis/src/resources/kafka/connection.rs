//! A service at a cluster: one client that sends, and one that reads for each handler.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use rdkafka::ClientConfig;
use serde_json::{Map, Value, json};
use tokio::{
    sync::oneshot::{self, error::TryRecvError},
    time::{Instant, timeout},
};

use super::{
    config::{config, of_consumer, of_producer},
    consumer::KafkaConsumer,
    inbox::Inbox,
    names::Names,
    producer::{Producer, words},
    reader::{Reader, Role},
    settings::KafkaSettings,
    topics::Topics,
    watch::Watch,
};
use crate::{
    Context, Error, Health, Result,
    messaging::{
        Failure, Incoming, Outgoing, Pattern,
        engine::{Connection, Intake, Links},
    },
};

/// A service at a cluster.
pub struct KafkaConnection {
    cx: Context,
    settings: KafkaSettings,
    config: ClientConfig,
    links: Arc<Links>,
    sending: Arc<Watch>,
    producer: Producer,
    topics: Topics,
    readers: Mutex<Vec<Known>>,
}

/// One that reads.
struct Known {
    topic: Arc<str>,
    inbox: Arc<Inbox>,
    watch: Arc<Watch>,
    ended: oneshot::Receiver<()>,
}

/// How long the cluster may take to answer, before the start is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it may take before somebody looks whether it is reached at all.
const GLANCE: Duration = Duration::from_millis(500);

impl KafkaConnection {
    pub(super) async fn open(cx: &Context, settings: KafkaSettings) -> Result<Self> {
        let config = config(&settings)?;
        let links = Arc::new(Links::new(cx));
        let sending = Watch::new(cx, &links, "sending".to_owned(), Duration::MAX);
        let of_sender = of_producer(&config, &settings);
        let producer = Producer::new(of_sender, Arc::clone(&sending))?;
        answer(&producer, &sending).await.map_err(|error| error.context(settings.bootstrap_servers.clone()))?;
        let group = settings.group.as_deref().unwrap_or_else(|| cx.service_name());
        let names = Names::new(settings.topics_prefix.as_deref(), group);
        let topics = Topics::new(names, config.clone(), Arc::clone(&sending), &settings);
        let cx = cx.clone();
        Ok(Self { cx, settings, config, links, sending, producer, topics, readers: Mutex::default() })
    }

    /// Keeps one that reads, and no longer those that have ended: streams come and go while a service runs.
    fn know(&self, reader: Known) {
        let mut readers = self.readers();
        readers.retain_mut(|known| known.ended.try_recv() == Err(TryRecvError::Empty));
        readers.push(reader);
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Known>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the cluster answers.
///
/// # Errors
/// Unavailable; misconfigured if all brokers refuse this service.
async fn answer(producer: &Producer, watch: &Watch) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match producer.ask(|client| client.fetch_metadata(None, GLANCE).map(drop)).await? {
            Ok(()) => {
                watch.found();
                return Ok(());
            }
            Err(error) => error,
        };
        if watch.down().is_some() || Instant::now() >= until {
            let (why, is_refusal) = watch.trouble();
            let why = Error::msg(why.unwrap_or_else(|| words(&error)));
            return Err(if is_refusal { Error::misconfigured(why) } else { Error::unavailable(why) });
        }
    }
}

impl Connection for KafkaConnection {
    type Consumer = KafkaConsumer;

    async fn consume(&self, intake: &Intake) -> Result<KafkaConsumer> {
        let topic = self.topics.of(&intake.name, &self.producer, Instant::now() + PATIENCE).await?;
        let role = match (intake.pattern, &intake.group) {
            (Pattern::PublishSubscribe, None) => Role::Alone,
            (Pattern::PublishSubscribe, Some(_)) => Role::Member,
            (Pattern::PushPull | Pattern::RequestResponse, _) => Role::Worker,
        };
        let group = match role {
            // The client wants a name for it, although it never joins.
            Role::Alone => format!("{}.{:016x}", self.cx.service_name(), fastrand::u64(..)),
            Role::Worker | Role::Member => self.topics.names().group(intake.group.as_deref()),
        };
        let KafkaSettings { session_timeout, max_poll_interval, release_timeout, commit_interval, .. } = self.settings;
        let patience = if role == Role::Alone { Duration::MAX } else { max_poll_interval + session_timeout };
        let watch = Watch::new(&self.cx, &self.links, format!("reading `{topic}`"), patience);
        let inbox = Arc::new(Inbox::new(intake.prefetch, self.settings.max_uncommitted));
        let reader = Reader {
            cx: self.cx.clone(),
            topic: Arc::clone(&topic),
            role,
            config: of_consumer(&self.config, &self.settings, &group),
            inbox: Arc::clone(&inbox),
            watch: Arc::clone(&watch),
            commit_interval,
            release_timeout: release_timeout.min(max_poll_interval.mul_f64(0.8)),
        };
        let consumer = KafkaConsumer { inbox: Arc::clone(&inbox) };
        let (begun, ended) = reader.spawn()?;
        self.know(Known { topic, inbox, watch, ended });
        begun.await.map_err(Error::from)??;
        Ok(consumer)
    }

    async fn send(&self, _: Pattern, name: &str, message: Outgoing, until: Instant) -> Result<()> {
        let topic = self.topics.of(name, &self.producer, until).await?;
        self.producer.send(&topic, &message, until).await
    }

    async fn request(&self, _: &str, _: Outgoing, _: Instant) -> Result<Incoming> {
        Err(Failure::Refused("Kafka has no requests".to_owned()).into_error())
    }

    async fn close(&self) -> Result<()> {
        self.readers().iter().for_each(|reader| reader.inbox.close());
        Ok(())
    }

    async fn stop(&self) -> Result<()> {
        let readers = Readers(std::mem::take(&mut *self.readers()));
        let limit = self.settings.session_timeout.mul_f64(0.8);
        let leaving = async {
            // A group whose members leave takes no commits for a while, so nobody does before all have committed.
            join_all(readers.0.iter().map(|reader| reader.inbox.finish())).await;
            join_all(readers.end().into_iter().map(|reader| reader.ended)).await;
        };
        if timeout(limit, leaving).await.is_err() {
            tracing::warn!("the group was not left within {limit:?}: what is done may be handled again");
        }
        self.producer.close().await;
        Ok(())
    }

    fn health(&self) -> Health {
        let readers = self.readers();
        let down = readers.iter().find_map(|reader| reader.watch.down()).or_else(|| self.sending.down());
        down.map_or_else(Health::pass, Health::fail)
    }

    fn info(&self) -> Map<String, Value> {
        let readers = self.readers();
        let of_reader = |reader: &Known| {
            let mut partitions = reader.inbox.shares();
            partitions.sort_unstable();
            let (uncommitted, lag) = (reader.inbox.uncommitted(), reader.watch.lag());
            json!({ "topic": &*reader.topic, "partitions": partitions, "uncommitted": uncommitted, "lag": lag })
        };
        let reading = readers.iter().map(of_reader).collect();
        Map::from_iter([("reading".to_owned(), Value::Array(reading))])
    }
}

/// Readers on their way out. However that ends, none of them stays in its group, where it would take messages for nobody.
struct Readers(Vec<Known>);

impl Readers {
    fn end(mut self) -> Vec<Known> {
        let readers = std::mem::take(&mut self.0);
        readers.iter().for_each(|reader| reader.inbox.end());
        readers
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.0.iter().for_each(|reader| reader.inbox.end());
    }
}

impl fmt::Debug for KafkaConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConnection").field("names", self.topics.names()).finish_non_exhaustive()
    }
}
