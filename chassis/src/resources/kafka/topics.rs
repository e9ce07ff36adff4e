//! The topics that there are, and making those that are not.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    config::FromClientConfigAndContext as _,
    types::{RDKafkaErrorCode as Code, RDKafkaRespErr},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    names::Names,
    producer::{Producer, words},
    settings::KafkaSettings,
    watch::{Watch, Watched},
};
use crate::{Error, Result, messaging::Failure};

/// The topics that are known to be there.
pub(super) struct Topics {
    names: Names,
    known: ArcSwap<HashMap<Box<str>, Arc<str>>>,
    config: ClientConfig,
    watch: Arc<Watch>,
    creates: bool,
    partitions: Option<i32>,
}

/// How a topic is.
enum Found {
    There,
    /// It will be, in a moment.
    Soon,
    Missing,
    Refused(Code),
}

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a topic that is being made is waited for before one looks again.
const PAUSE: Duration = Duration::from_millis(50);

impl Topics {
    pub(super) fn new(names: Names, config: ClientConfig, watch: Arc<Watch>, settings: &KafkaSettings) -> Self {
        let (creates, partitions) = (settings.create_topics, settings.partitions);
        Self { names, known: ArcSwap::default(), config, watch, creates, partitions }
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// The topic of a name; it is there.
    ///
    /// # Errors
    /// A [`Failure`]: when it is not there and not made, or the cluster does not say in time.
    pub(super) async fn of(&self, name: &str, producer: &Producer, until: Instant) -> Result<Arc<str>> {
        if let Some(topic) = self.known.load().get(name) {
            return Ok(Arc::clone(topic));
        }
        let topic: Arc<str> = self.names.topic(name)?.into();
        self.ensure(&topic, producer, until).await?;
        self.known.rcu(|known| {
            let mut known = HashMap::clone(known);
            known.insert(name.into(), Arc::clone(&topic));
            known
        });
        Ok(topic)
    }

    async fn ensure(&self, topic: &Arc<str>, producer: &Producer, until: Instant) -> Result<()> {
        let mut is_made = false;
        loop {
            let limit = until.saturating_duration_since(Instant::now()).min(PATIENCE);
            let asked = Arc::clone(topic);
            let found = producer.ask(move |client| {
                let metadata = client.fetch_metadata(Some(&asked), limit)?;
                Ok(metadata.topics().first().map_or(Found::Missing, |topic| match topic.error() {
                    None if topic.partitions().is_empty() => Found::Soon,
                    None => Found::There,
                    Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE) => Found::Soon,
                    Some(
                        RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
                        | RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC,
                    ) => Found::Missing,
                    Some(error) => Found::Refused(error.into()),
                }))
            });
            let why = match found.await? {
                Ok(Found::There) => return Ok(()),
                Ok(Found::Refused(code)) => return Err(refused(topic, &code.to_string())),
                Ok(Found::Missing) if !self.creates => {
                    return Err(refused(topic, "it does not exist, and `create_topics` is off"));
                }
                Ok(Found::Missing) if !is_made => {
                    let late = || Failure::NotSent(format!("topic `{topic}` is not made in time")).into_error();
                    timeout_at(until, self.make(topic)).await.map_err(|_| late())??;
                    is_made = true;
                    continue;
                }
                Ok(Found::Soon | Found::Missing) => "it is not there yet".to_owned(),
                Err(error) => {
                    let why = words(&error);
                    self.watch.down().map_or(why, |why| format!("the cluster is not reached: {why}"))
                }
            };
            if Instant::now() + PAUSE >= until {
                return Err(Failure::NotSent(format!("topic `{topic}`: {why}")).into_error());
            }
            sleep(PAUSE).await;
        }
    }

    /// Makes a topic, or has it made by somebody else.
    ///
    /// # Errors
    /// A [`Failure`]: the cluster does not want it, or does not say in time.
    async fn make(&self, topic: &str) -> Result<()> {
        let admin = AdminClient::from_config_and_context(&self.config, Watched(Arc::clone(&self.watch)));
        let admin = admin.map_err(|error| Error::msg(words(&error)))?;
        let new = NewTopic::new(topic, self.partitions.unwrap_or(-1), TopicReplication::Fixed(-1));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE));
        let made = admin.create_topics([&new], &options).await;
        let not_sent = |why: String| Failure::NotSent(format!("topic `{topic}` cannot be made: {why}")).into_error();
        match made.map_err(|error| not_sent(words(&error)))?.into_iter().next() {
            None | Some(Ok(_)) => {
                tracing::info!("topic `{topic}` is made");
                Ok(())
            }
            // Somebody else was faster.
            Some(Err((_, Code::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) if is_passing(code) => Err(not_sent(code.to_string())),
            Some(Err((_, code))) => Err(refused(topic, &format!("it does not exist, and cannot be made: {code}"))),
        }
    }
}

/// Whether another attempt may go better.
fn is_passing(code: Code) -> bool {
    matches!(
        code,
        Code::NotController
            | Code::RequestTimedOut
            | Code::OperationTimedOut
            | Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::LeaderNotAvailable
            | Code::CoordinatorNotAvailable
    )
}

fn refused(topic: &str, why: &str) -> Error {
    Failure::Refused(format!("topic `{topic}`: {why}")).into_error()
}
