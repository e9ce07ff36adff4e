//! What can be set of a broker that speaks AMQP.

use std::{path::PathBuf, time::Duration};

use crate::settings::{Secret, SettingsSchema};

/// Settings of an [`Amqp`](super::Amqp), beside those of every broker.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct AmqpSettings {
    /// Where the broker is.
    pub host: String,
    /// Its port; 5672, and 5671 with TLS.
    pub port: Option<u16>,
    /// The virtual host.
    pub vhost: String,
    /// Who this service is there.
    pub user: String,
    /// The password of the user.
    pub password: Secret<String>,
    /// Several brokers, tried in turn, as `amqp://user:password@host:port/vhost`; instead of the five above.
    pub urls: Vec<Secret<String>>,
    /// How long one attempt to connect may take; a bare number is seconds.
    #[setting(unit = "s", range = "1ms"..)]
    pub connection_timeout: Duration,
    /// How often each side shows that it is there; one that says nothing for twice as long is gone. Whole seconds.
    #[setting(unit = "s", range = "1s"..="1h")]
    pub heartbeat: Duration,
    /// What stands before the names of all queues and exchanges, with a dot behind it.
    pub queues_prefix: Option<String>,
    /// How many messages may be sent and not confirmed; further ones wait.
    #[setting(range = 1..=65535)]
    pub window: usize,
    /// Certificates; without them the broker is spoken to in clear text.
    pub tls: Option<AmqpTlsSettings>,
}

/// TLS to the broker; the system's authorities are trusted.
#[derive(Debug, Clone, Default, SettingsSchema)]
#[settings(default)]
pub struct AmqpTlsSettings {
    /// PEM file with authorities that are trusted besides the system's.
    pub ca: Option<PathBuf>,
    /// PEM file with the certificate that this service shows.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of that certificate.
    pub key: Option<PathBuf>,
}

impl Default for AmqpSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: None,
            vhost: "/".to_owned(),
            user: "guest".to_owned(),
            password: Secret::new("guest".to_owned()),
            urls: Vec::new(),
            connection_timeout: Duration::from_secs(10),
            heartbeat: Duration::from_secs(10),
            queues_prefix: None,
            window: 1000,
            tls: None,
        }
    }
}
