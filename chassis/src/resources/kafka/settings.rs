//! What can be set of a Kafka broker.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::settings::{Secret, SettingsSchema};

/// Settings of a [`Kafka`](super::Kafka), beside those of every broker.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct KafkaSettings {
    /// Where brokers of the cluster are: `host:port`, with commas between them. The others are learned from these.
    pub bootstrap_servers: String,
    /// The consumer group of `#[pull]`: services of the same group share the messages. The name of the service otherwise.
    pub group: Option<String>,
    /// What stands before the names of all topics and of groups of subscribers, with a dot behind it.
    pub topics_prefix: Option<String>,
    /// Whether topics that are not there are created, dead letters' included.
    pub create_topics: bool,
    /// How many partitions a topic gets that is created here; without it, as many as the cluster says.
    #[setting(range = 1..=10_000)]
    pub partitions: Option<i32>,
    /// How often what is done is committed: after a crash, at most the messages of that time are handled twice. A bare number is milliseconds.
    #[setting(unit = "ms", range = "1ms"..)]
    pub commit_interval: Duration,
    /// How many messages of a topic may be taken beyond the first one that is not done; further ones wait at the broker.
    #[setting(range = 1..=1_000_000)]
    pub max_uncommitted: usize,
    /// After how long without a sign of life the group gives the partitions of this service to others.
    #[setting(unit = "s", range = "1s"..="30min")]
    pub session_timeout: Duration,
    /// How long a member of the group may take to give up its partitions, before it is thrown out.
    #[setting(unit = "s", range = "1s"..="1day")]
    pub max_poll_interval: Duration,
    /// How long messages at work may take to end when their partition goes to another service; what takes longer is handled twice. At most four fifths of `max_poll_interval`.
    #[setting(unit = "s")]
    pub release_timeout: Duration,
    /// How long a message waits for others to be sent together with it. A bare number is milliseconds.
    #[setting(unit = "ms", range = "0ms"..="10min")]
    pub linger: Duration,
    /// How long a message may take to be stored, attempts included; then it is given up.
    #[setting(unit = "s", range = "1s"..="1day")]
    pub delivery_timeout: Duration,
    /// Certificates; without them the cluster is spoken to in clear text. Needs the feature `kafka-ssl`.
    pub tls: Option<KafkaTlsSettings>,
    /// Who this service is.
    pub sasl: Option<KafkaSaslSettings>,
    /// Options of the client, librdkafka, by their names there with `_` for each dot, such as `socket_keepalive_enable`. Some of them are secret, so none of them is shown.
    pub client: BTreeMap<String, Secret<String>>,
}

/// TLS to the cluster; the system's authorities are trusted.
#[derive(Debug, Clone, Default, SettingsSchema)]
#[settings(default)]
pub struct KafkaTlsSettings {
    /// PEM file with authorities that are trusted instead of the system's.
    pub ca: Option<PathBuf>,
    /// PEM file with the certificate that this service shows.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of that certificate.
    pub key: Option<PathBuf>,
}

/// Who this service is to the cluster.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct KafkaSaslSettings {
    /// `PLAIN`; with the feature `kafka-ssl` also `SCRAM-SHA-256` and `SCRAM-SHA-512`.
    pub mechanism: String,
    /// The user.
    pub user: String,
    /// The password of the user.
    pub password: Secret<String>,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            bootstrap_servers: "127.0.0.1:9092".to_owned(),
            group: None,
            topics_prefix: None,
            create_topics: true,
            partitions: None,
            commit_interval: Duration::from_millis(500),
            max_uncommitted: 10_000,
            session_timeout: Duration::from_secs(10),
            max_poll_interval: Duration::from_mins(5),
            release_timeout: Duration::from_secs(30),
            linger: Duration::from_millis(1),
            delivery_timeout: Duration::from_secs(30),
            tls: None,
            sasl: None,
            client: BTreeMap::new(),
        }
    }
}

impl Default for KafkaSaslSettings {
    fn default() -> Self {
        Self { mechanism: "PLAIN".to_owned(), user: String::new(), password: Secret::new(String::new()) }
    }
}
