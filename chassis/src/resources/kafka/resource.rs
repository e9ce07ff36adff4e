//! The engine that speaks the protocol of Kafka.

use super::{config::config, connection::KafkaConnection, names::Names, settings::KafkaSettings};
use crate::{
    Context, Error, Result,
    messaging::{
        Broker, Offers, Pattern, PublishSubscribe, PushPull,
        engine::{Engine, Intake},
    },
};

/// A broker that speaks the protocol of Kafka; see [the module](super).
pub type Kafka = Broker<KafkaEngine>;

/// The engine of [`Kafka`].
#[derive(Debug, Default)]
pub struct KafkaEngine;

impl Offers<PublishSubscribe> for KafkaEngine {}
impl Offers<PushPull> for KafkaEngine {}

impl Engine for KafkaEngine {
    type Settings = KafkaSettings;
    type Connection = KafkaConnection;

    const NAME: &'static str = "kafka";
    const PATTERNS: &'static [Pattern] = &[Pattern::PublishSubscribe, Pattern::PushPull];

    fn check(&self, settings: &KafkaSettings, intakes: &[Intake]) -> Result<()> {
        config(settings)?;
        let names = Names::new(settings.topics_prefix.as_deref(), "");
        let topics = intakes.iter().try_for_each(|intake| names.topic(&intake.name).map(drop));
        topics.map_err(Error::misconfigured)
    }

    fn place(&self, settings: &KafkaSettings) -> String {
        format!("Kafka at {}", settings.bootstrap_servers)
    }

    async fn connect(&self, cx: &Context, settings: KafkaSettings) -> Result<KafkaConnection> {
        KafkaConnection::open(cx, settings).await
    }
}
