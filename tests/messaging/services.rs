//! Services whose handlers do what their messages tell them, over whatever broker.

use chassis::{
    messaging::{Broker, Message, Offers, PublishSubscribe, PushPull, RequestResponse, engine::Engine},
    prelude::*,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::sights::{Sight, Sights};

/// What a handler is to do, attempt by attempt; the last deed is that of all further ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) deeds: Vec<Deed>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Succeed,
    Fail,
    Reject,
    Misconfigured,
    Panic,
    /// Milliseconds.
    Sleep(u64),
    /// Until the test says so.
    Wait,
}

impl Job {
    pub(crate) fn new(id: u64) -> Self {
        Self { id, deeds: Vec::new() }
    }

    pub(crate) fn doing(id: u64, deeds: &[Deed]) -> Self {
        Self { id, deeds: deeds.to_vec() }
    }
}

/// Sees a message, and does what it says.
async fn work(who: &str, message: &Message<Job>, sights: &Sights) -> Result<()> {
    let attempt = message.attempt();
    sights.begin();
    sights.add(Sight {
        who: who.to_owned(),
        id: message.id,
        attempt,
        at: Instant::now(),
        headers: message.headers().clone(),
        key: message.key().map(|key| key.to_vec()),
        content_type: message.content_type().map(str::to_owned),
        trace: chassis::unit::current_trace().map(|trace| format!("{:032x}", trace.trace_id())),
    });
    let deed = message.deeds.get(attempt as usize - 1).or(message.deeds.last()).cloned();
    match deed {
        Some(Deed::Sleep(millis)) => sleep(Duration::from_millis(millis)).await,
        Some(Deed::Wait) => sights.released().await,
        _ => {}
    }
    sights.end();
    match deed {
        Some(Deed::Fail) => Err(Error::msg("the cause").context("as told")),
        Some(Deed::Reject) => Err(Error::msg("no use").not_retried()),
        Some(Deed::Misconfigured) => Err(Error::misconfigured(Error::msg("a setting is wrong"))),
        Some(Deed::Panic) => panic!("as told"),
        Some(Deed::Succeed | Deed::Sleep(_) | Deed::Wait) | None => Ok(()),
    }
}

/// Pulls.
#[microservice(name = "worker")]
pub(crate) struct Worker<E: Engine + Offers<PushPull>> {
    #[resource]
    pub(crate) broker: Broker<E>,
    pub(crate) sights: Sights,
}

#[microservice]
impl<E: Engine + Offers<PushPull>> Worker<E> {
    #[pull(broker, "jobs", concurrency = 4, retries = 2, min_delay = "20ms", max_delay = "100ms")]
    async fn job(&self, job: Message<Job>) -> Result<()> {
        work("job", &job, &self.sights).await
    }

    #[pull(broker, "ordered", concurrency = 4, by_key, retries = 2, min_delay = "10ms", max_delay = "20ms")]
    async fn ordered(&self, job: Message<Job>) -> Result<()> {
        work("ordered", &job, &self.sights).await
    }

    #[pull(broker, "hurried", retries = 1, timeout = "50ms", min_delay = "1ms")]
    async fn hurried(&self, job: Message<Job>) -> Result<()> {
        work("hurried", &job, &self.sights).await
    }
}

/// Pulls from one name, and so is one member of its group: with Kafka, every name that is read is a member of its own.
#[microservice(name = "puller")]
pub(crate) struct Puller<E: Engine + Offers<PushPull>> {
    #[resource]
    pub(crate) broker: Broker<E>,
    pub(crate) sights: Sights,
}

#[microservice]
impl<E: Engine + Offers<PushPull>> Puller<E> {
    #[pull(broker, "jobs", concurrency = 4, retries = 2, min_delay = "20ms", max_delay = "100ms")]
    async fn job(&self, job: Message<Job>) -> Result<()> {
        work("job", &job, &self.sights).await
    }
}

/// Only sends, and takes streams.
#[microservice(name = "sender")]
pub(crate) struct Sender<E: Engine> {
    #[resource]
    pub(crate) broker: Broker<E>,
}

#[microservice]
impl<E: Engine> Sender<E> {}

/// Subscribes by itself.
#[microservice(name = "subscriber")]
pub(crate) struct Subscriber<E: Engine + Offers<PublishSubscribe>> {
    #[resource]
    pub(crate) broker: Broker<E>,
    pub(crate) sights: Sights,
}

#[microservice]
impl<E: Engine + Offers<PublishSubscribe>> Subscriber<E> {
    #[subscribe(broker, "news", retries = 2, min_delay = "20ms", max_delay = "100ms")]
    async fn alone(&self, job: Message<Job>) -> Result<()> {
        work("alone", &job, &self.sights).await
    }
}

/// Subscribes as one of a group.
#[microservice(name = "member")]
pub(crate) struct Member<E: Engine + Offers<PublishSubscribe>> {
    #[resource]
    pub(crate) broker: Broker<E>,
    pub(crate) sights: Sights,
}

#[microservice]
impl<E: Engine + Offers<PublishSubscribe>> Member<E> {
    #[subscribe(broker, "tasks", group = "desk", retries = 2, min_delay = "20ms", max_delay = "100ms")]
    async fn shared(&self, job: Message<Job>) -> Result<()> {
        work("shared", &job, &self.sights).await
    }
}

/// Replies.
#[microservice(name = "replyer")]
pub(crate) struct Replyer<E: Engine + Offers<RequestResponse>> {
    #[resource]
    pub(crate) broker: Broker<E>,
    pub(crate) sights: Sights,
}

#[microservice]
impl<E: Engine + Offers<RequestResponse>> Replyer<E> {
    #[reply(broker, "double", concurrency = 8)]
    async fn double(&self, job: Message<Job>) -> Result<u64> {
        work("double", &job, &self.sights).await?;
        Ok(job.id * 2)
    }
}
