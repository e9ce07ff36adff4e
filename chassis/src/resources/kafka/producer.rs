//! Sends messages, and hears what became of each.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use rdkafka::{
    ClientConfig,
    client::Client,
    config::FromClientConfigAndContext as _,
    error::KafkaError,
    producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer},
    types::RDKafkaErrorCode as Code,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout_at},
};

use super::{
    native, record,
    watch::{Watch, Watched},
};
use crate::{
    Error, Result,
    messaging::{Failure, Outgoing},
    tasks::spawn::blocking,
};

/// Sends messages. One whose state is broken for good, because the cluster has forgotten it, is made anew.
pub(super) struct Producer {
    /// None once it is closed.
    now: ArcSwapOption<Now>,
    config: ClientConfig,
    watch: Arc<Watch>,
}

type Now = ThreadedProducer<Watched>;

/// A message that was not stored.
#[derive(Debug)]
pub(super) struct Undelivered {
    code: Code,
    /// It may have been, all the same.
    is_doubtful: bool,
}

/// How long a message waits before it is tried again to put it behind the others, when there is no room.
const ROOM: Duration = Duration::from_millis(5);
/// How long what was sent may take at the end.
const FLUSH: Duration = Duration::from_secs(5);

impl ProducerContext for Watched {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), Undelivered>>>;

    fn delivery(&self, delivered: &DeliveryResult<'_>, caller: Self::DeliveryOpaque) {
        let told = match delivered {
            Ok(_) => Ok(()),
            Err((error, message)) => Err(Undelivered {
                code: error.rdkafka_error_code().unwrap_or(Code::Fail),
                is_doubtful: native::may_be_stored(message),
            }),
        };
        // A caller that has given up is no failure.
        let _ = caller.send(told);
    }
}

impl Producer {
    /// # Errors
    /// When the client does not like its options.
    pub(super) fn new(config: ClientConfig, watch: Arc<Watch>) -> Result<Self> {
        let now = ArcSwapOption::from_pointee(make(&config, &watch)?);
        Ok(Self { now, config, watch })
    }

    /// Sends a message, and returns once it is stored.
    ///
    /// # Errors
    /// A [`Failure`] that tells whether it may be stored all the same.
    pub(super) async fn send(&self, topic: &str, message: &Outgoing, until: Instant) -> Result<()> {
        let mut has_been_renewed = false;
        loop {
            let client = self.now()?;
            let (caller, delivered) = oneshot::channel();
            let mut parcel = BaseRecord::<[u8], [u8], _>::with_opaque_to(topic, Box::new(caller))
                .payload(&message.body)
                .headers(record::outgoing(&message.headers, &message.content_type));
            if let Some(key) = &message.key {
                parcel = parcel.key(key);
            }
            match client.send(parcel) {
                Ok(()) => {}
                Err((error, _)) => match error.rdkafka_error_code() {
                    Some(Code::QueueFull) if Instant::now() + ROOM < until => {
                        sleep(ROOM).await;
                        continue;
                    }
                    Some(Code::Fatal) if !has_been_renewed => {
                        has_been_renewed = true;
                        self.renew(&client)?;
                        continue;
                    }
                    Some(code) => return Err(failure(code, false, &self.watch)),
                    None => return Err(Failure::NotSent(error.to_string()).into_error()),
                },
            }
            return match timeout_at(until, delivered).await {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(Undelivered { code: Code::Fatal, is_doubtful: false }))) if !has_been_renewed => {
                    has_been_renewed = true;
                    self.renew(&client)?;
                    continue;
                }
                Ok(Ok(Err(Undelivered { code, is_doubtful }))) => Err(failure(code, is_doubtful, &self.watch)),
                Ok(Err(_)) => Err(Failure::Unknown("the client was closed meanwhile".to_owned()).into_error()),
                Err(_) => Err(Failure::Unknown(late(&self.watch)).into_error()),
            };
        }
    }

    /// Makes the client anew, unless another one has.
    fn renew(&self, broken: &Arc<Now>) -> Result<()> {
        if self.now.load().as_ref().is_some_and(|now| Arc::ptr_eq(now, broken)) {
            if let Some((_, why)) = broken.client().fatal_error() {
                tracing::warn!("the cluster has let go of this sender, which begins anew: {why}");
            }
            self.now.store(Some(Arc::new(make(&self.config, &self.watch)?)));
        }
        Ok(())
    }

    /// Asks the client something that takes its time.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Client<Watched>) -> T + Send + 'static,
    ) -> Result<T> {
        let client = self.now()?;
        Ok(blocking(move || question(client.client())).await)
    }

    /// Sends what waits to be sent, and lets go of the cluster.
    pub(super) async fn close(&self) {
        let Some(client) = self.now.swap(None) else { return };
        let flushed = blocking(move || {
            let flushed = client.flush(FLUSH);
            // It waits for its threads.
            drop(client);
            flushed
        });
        if let Err(error) = flushed.await {
            tracing::warn!("not all that was sent is stored: {}", words(&error));
        }
    }

    fn now(&self) -> Result<Arc<Now>> {
        let closed = || Failure::NotSent("the connection is closed".to_owned()).into_error();
        self.now.load_full().ok_or_else(closed)
    }
}

fn make(config: &ClientConfig, watch: &Arc<Watch>) -> Result<Now> {
    let made = Now::from_config_and_context(config, Watched(Arc::clone(watch)));
    made.map_err(|error| Error::misconfigured(Error::msg(words(&error))))
}

/// An error of the client, in words.
pub(super) fn words(error: &KafkaError) -> String {
    match (error, error.rdkafka_error_code()) {
        (KafkaError::ClientConfig(_, why, option, _), _) => format!("{option}: {why}"),
        (_, Some(code)) => code.to_string(),
        _ => error.to_string(),
    }
}

fn late(watch: &Watch) -> String {
    match watch.down() {
        Some(why) => format!("the cluster is not reached: {why}"),
        None => "the cluster does not say in time that it is stored".to_owned(),
    }
}

fn failure(code: Code, is_doubtful: bool, watch: &Watch) -> Error {
    let failure = match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => {
            Failure::Refused("it is longer than the client or the topic allows (`message.max.bytes`)".to_owned())
        }
        Code::UnknownTopic | Code::UnknownTopicOrPartition | Code::InvalidTopic | Code::UnknownPartition => {
            Failure::Refused(format!("no such topic: {code}"))
        }
        Code::TopicAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::InvalidMessage
        | Code::InvalidRecord
        | Code::PolicyViolation => Failure::Refused(code.to_string()),
        Code::MessageTimedOut | Code::OperationTimedOut if is_doubtful => Failure::Unknown(late(watch)),
        Code::MessageTimedOut | Code::OperationTimedOut => Failure::NotSent(late(watch)),
        Code::QueueFull => Failure::NotSent("no room: too many messages wait to be stored".to_owned()),
        _ if is_doubtful => Failure::Unknown(code.to_string()),
        _ => Failure::NotSent(code.to_string()),
    };
    failure.into_error()
}
