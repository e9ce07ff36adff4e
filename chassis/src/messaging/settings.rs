//! What can be set of every broker, at `system.resources.<field>`, beside what its engine has.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value as Json;

use crate::{
    codec::Format,
    settings::{ByteSize, Form, SettingsSchema},
};

/// The settings of a [`Broker`](super::Broker): those of its engine, and those that every broker has.
#[derive(Debug)]
pub struct BrokerSettings<S> {
    /// Those of the engine.
    pub engine: S,
    /// Those that every broker has.
    pub delivery: DeliverySettings,
}

/// What every broker has, on the same level as the settings of its engine.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct DeliverySettings {
    /// What bodies are written in where nobody chooses, and what those are read as that do not say it: `json`, `text`,
    /// `raw`, and with their features `message_pack`, `cbor`, `yaml`. Without it `json`, or what the wire of the engine
    /// carries.
    pub codec: Option<Format>,
    /// How long a message may take to be sent, a lost connection included.
    #[setting(range = "1ms"..)]
    pub send_timeout: Duration,
    /// How long an answer may take, where the request does not say it.
    #[setting(range = "1ms"..)]
    pub request_timeout: Duration,
    /// Longer bodies are not sent, and those that come are dead letters.
    pub max_message_size: ByteSize,
    /// Whether messages that are given up are kept, by a push to their name with `.dead` behind it.
    pub dead_letters: bool,
    /// What all handlers have that say nothing else.
    pub handler: HandlerSettings,
    /// What single handlers have, by the name of their method.
    pub handlers: BTreeMap<String, HandlerSettings>,
}

/// How messages are handled; what is not set is said by the code, or by `handler` for all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, SettingsSchema)]
#[settings(default)]
pub struct HandlerSettings {
    /// Messages that are handled at the same time; 1 by default.
    #[setting(range = 1..=65535)]
    pub concurrency: Option<usize>,
    /// Messages that are fetched ahead; by default 32, or twice the concurrency, and of requests the concurrency.
    #[setting(range = 1..=65535)]
    pub prefetch: Option<usize>,
    /// How many times a message is tried again; 5 by default, and 0 for requests.
    pub retries: Option<u32>,
    /// The longest rest before the first retry; it doubles with each further one. 200 ms by default.
    pub min_delay: Option<Duration>,
    /// What the rest never exceeds; 30 s by default.
    pub max_delay: Option<Duration>,
    /// How long an attempt may take; without it as long as it wants.
    pub timeout: Option<Duration>,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            codec: None,
            send_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            max_message_size: ByteSize::mib(16),
            dead_letters: true,
            handler: HandlerSettings::default(),
            handlers: BTreeMap::new(),
        }
    }
}

impl DeliverySettings {
    /// What bodies are written in where nobody chooses.
    pub fn format(&self) -> Format {
        self.codec.unwrap_or_default()
    }
}

impl<S: SettingsSchema> SettingsSchema for BrokerSettings<S> {
    const ABOUT: &'static str = S::ABOUT;

    fn fields(form: &mut Form<'_>) -> Option<Self> {
        let (engine, delivery) = (S::fields(form), DeliverySettings::fields(form));
        Some(Self { engine: engine?, delivery: delivery? })
    }

    fn show_fields(&self) -> Json {
        match (self.engine.show_fields(), self.delivery.show_fields()) {
            (Json::Object(mut engine), Json::Object(delivery)) => {
                engine.extend(delivery);
                Json::Object(engine)
            }
            (_, delivery) => delivery,
        }
    }
}
