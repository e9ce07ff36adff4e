//! The client's options, from the settings.

use std::time::Duration;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, error::KafkaError};

use super::settings::KafkaSettings;
use crate::{Error, Result};

/// Options that others rely on, and who says them.
const OURS: &[(&str, &str)] = &[
    ("bootstrap.servers", "`bootstrap_servers`"),
    ("metadata.broker.list", "`bootstrap_servers`"),
    ("group.id", "`group`"),
    ("session.timeout.ms", "`session_timeout`"),
    ("max.poll.interval.ms", "`max_poll_interval`"),
    ("linger.ms", "`linger`"),
    ("queue.buffering.max.ms", "`linger`"),
    ("delivery.timeout.ms", "`delivery_timeout`"),
    ("message.timeout.ms", "`delivery_timeout`"),
    ("security.protocol", "`tls` and `sasl`"),
    ("sasl.mechanism", "`sasl.mechanism`"),
    ("sasl.mechanisms", "`sasl.mechanism`"),
    ("sasl.username", "`sasl.user`"),
    ("sasl.password", "`sasl.password`"),
    ("enable.auto.commit", "the broker: it commits what is done"),
    ("enable.auto.offset.store", "the broker: it commits what is done"),
    ("auto.offset.reset", "the pattern: who pulls begins at the beginning, who subscribes at the end"),
    ("enable.idempotence", "the broker: every message is stored once"),
    ("acks", "the broker: every message is stored by all replicas"),
    ("request.required.acks", "the broker: every message is stored by all replicas"),
    ("statistics.interval.ms", "the broker: it looks every second"),
];

/// How often the client tells how it is.
const LOOK: Duration = Duration::from_secs(1);

/// What clients of every kind are told.
///
/// # Errors
/// Misconfigured, with every option that is wrong.
pub(super) fn config(settings: &KafkaSettings) -> Result<ClientConfig> {
    let mut config = ClientConfig::new();
    let mut wrong = Vec::new();
    for (name, value) in &settings.client {
        let option = name.replace('_', ".");
        if let Some((_, who)) = OURS.iter().find(|(ours, _)| *ours == option) {
            wrong.push(format!("`client.{name}` is said by {who}"));
            continue;
        }
        let value = value.expose();
        let mut alone = ClientConfig::new();
        alone.set(&option, value);
        match alone.create_native_config() {
            Ok(_) => drop(config.set(option, value)),
            Err(KafkaError::ClientConfig(_, why, ..)) => {
                wrong.push(format!("`client.{name}`: {}", without_value(&why, value)))
            }
            Err(error) => wrong.push(format!("`client.{name}`: {error}")),
        }
    }
    if settings.session_timeout > settings.max_poll_interval {
        let (session, poll) = (settings.session_timeout, settings.max_poll_interval);
        wrong.push(format!("`session_timeout`, {session:?}, is longer than `max_poll_interval`, {poll:?}"));
    }
    security(&mut config, settings, &mut wrong);
    let servers = settings.bootstrap_servers.split(',').map(str::trim).filter(|server| !server.is_empty());
    let servers: Vec<_> = servers.collect();
    if servers.is_empty() {
        wrong.push("`bootstrap_servers` names no broker".to_owned());
    }
    wrong.extend(servers.iter().filter_map(|server| unlike_an_address(server)));
    if !wrong.is_empty() {
        return Err(Error::misconfigured(Error::msg(wrong.join("; "))));
    }
    config.set("bootstrap.servers", servers.join(","));
    config.set("client.id", "chassis");
    config.set("statistics.interval.ms", LOOK.as_millis().to_string());
    // A broker that restarts is back within two seconds.
    default(&mut config, "reconnect.backoff.ms", "50");
    default(&mut config, "reconnect.backoff.max.ms", "1000");
    default(&mut config, "socket.keepalive.enable", "true");
    default(&mut config, "socket.timeout.ms", "10000");
    default(&mut config, "log.connection.close", "false");
    config.set_log_level(RDKafkaLogLevel::Info);
    Ok(config)
}

/// What a producer is told beside that: every message is stored once, in order, by all replicas that are in step.
pub(super) fn of_producer(config: &ClientConfig, settings: &KafkaSettings) -> ClientConfig {
    let mut config = config.clone();
    config.set("enable.idempotence", "true").set("acks", "all");
    config.set("linger.ms", settings.linger.as_millis().to_string());
    config.set("message.timeout.ms", settings.delivery_timeout.as_millis().to_string());
    // As Java clients do: messages of a key meet whoever sends them.
    default(&mut config, "partitioner", "murmur2_random");
    config
}

/// What a consumer is told beside that.
pub(super) fn of_consumer(config: &ClientConfig, settings: &KafkaSettings, group: &str) -> ClientConfig {
    let mut config = config.clone();
    config.set("group.id", group);
    config.set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
    config.set("auto.offset.reset", "earliest");
    config.set("session.timeout.ms", settings.session_timeout.as_millis().to_string());
    config.set("max.poll.interval.ms", settings.max_poll_interval.as_millis().to_string());
    let heartbeat = (settings.session_timeout / 3).min(Duration::from_secs(3));
    default(&mut config, "heartbeat.interval.ms", &heartbeat.as_millis().to_string());
    // Only partitions that change hands are given up.
    default(&mut config, "partition.assignment.strategy", "cooperative-sticky");
    default(&mut config, "fetch.wait.max.ms", "100");
    // Once it has read far enough ahead it looks again after that long. In the second that it takes otherwise, all of that
    // is handled, and a backlog is read in leaps.
    default(&mut config, "fetch.queue.backoff.ms", "50");
    default(&mut config, "coordinator.query.interval.ms", "1000");
    config
}

fn default(config: &mut ClientConfig, option: &str, value: &str) {
    if config.get(option).is_none() {
        config.set(option, value);
    }
}

/// What the client says of an option: it repeats the value, or a part of it, which may be a secret.
fn without_value<'a>(why: &'a str, value: &str) -> &'a str {
    if let Some(at) = why.find("outside allowed range") {
        return why[at..].trim_end();
    }
    let known = ["Invalid value", "Unsupported value"];
    let other = if !value.is_empty() && why.contains(value) { "it is refused" } else { why };
    known.into_iter().find(|begin| why.starts_with(begin)).unwrap_or(other)
}

fn unlike_an_address(server: &str) -> Option<String> {
    let (_, address) = server.rsplit_once("://").unwrap_or(("", server));
    let (host, port) = address.rsplit_once(':')?;
    let is_address = !host.is_empty() && port.parse::<u16>().is_ok();
    (!is_address).then(|| format!("`bootstrap_servers`: `{server}` is no `host:port`"))
}

fn security(config: &mut ClientConfig, settings: &KafkaSettings, wrong: &mut Vec<String>) {
    let protocol = match (&settings.tls, &settings.sasl) {
        (None, None) => return,
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some(tls) = &settings.tls {
        if !cfg!(feature = "kafka-ssl") {
            wrong.push("`tls`: this program was built without the feature `kafka-ssl`".to_owned());
        }
        for (option, name, path) in [
            ("ssl.ca.location", "ca", &tls.ca),
            ("ssl.certificate.location", "certificate", &tls.certificate),
            ("ssl.key.location", "key", &tls.key),
        ] {
            let Some(path) = path else { continue };
            if let Err(error) = std::fs::metadata(path) {
                wrong.push(format!("`tls.{name}`: `{}` cannot be read: {error}", path.display()));
            }
            config.set(option, path.to_string_lossy());
        }
        if tls.certificate.is_some() != tls.key.is_some() {
            wrong.push("`tls.certificate` and `tls.key` go together, and only one of them is set".to_owned());
        }
    }
    if let Some(sasl) = &settings.sasl {
        let known = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
        if !known.contains(&sasl.mechanism.as_str()) {
            wrong.push(format!("`sasl.mechanism`: `{}` is none of {}", sasl.mechanism, known.join(", ")));
        } else if sasl.mechanism != "PLAIN" && !cfg!(feature = "kafka-ssl") {
            wrong.push(format!(
                "`sasl.mechanism`: {} needs a program built with the feature `kafka-ssl`",
                sasl.mechanism
            ));
        }
        for (name, is_empty) in [("user", sasl.user.is_empty()), ("password", sasl.password.expose().is_empty())] {
            if is_empty {
                wrong.push(format!("`sasl.{name}` is not set"));
            }
        }
        config.set("sasl.mechanism", &sasl.mechanism);
        config.set("sasl.username", &sasl.user).set("sasl.password", sasl.password.expose());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::{
        resources::kafka::{KafkaSaslSettings, KafkaTlsSettings},
        settings::Secret,
    };

    fn why(settings: &KafkaSettings) -> String {
        format!("{:#}", config(settings).unwrap_err())
    }

    #[test]
    fn options_of_the_client_go_through() {
        let client = [("socket_timeout_ms", "1234"), ("fetch_wait_max_ms", "7")];
        let client = client.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned()))).into();
        let settings = KafkaSettings { client, ..KafkaSettings::default() };
        let config = of_consumer(&config(&settings).unwrap(), &settings, "g");
        assert_eq!((config.get("socket.timeout.ms"), config.get("fetch.wait.max.ms")), (Some("1234"), Some("7")));
        assert_eq!(config.get("fetch.queue.backoff.ms"), Some("50"), "a whole second is too long for a backlog");
        config.create_native_config().unwrap();
        of_producer(&config, &settings).create_native_config().unwrap();
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let client = [("acks", "1"), ("no_such_option", "x"), ("socket_timeout_ms", "soon")];
        let client = client.map(|(name, value)| (name.to_owned(), Secret::new(value.to_owned()))).into();
        let bootstrap_servers = "a:9092, b:port".to_owned();
        let sasl = Some(KafkaSaslSettings { mechanism: "GSSAPI".to_owned(), ..KafkaSaslSettings::default() });
        let why = why(&KafkaSettings { client, bootstrap_servers, sasl, ..KafkaSettings::default() });
        for said in [
            "`client.acks` is said by the broker: every message is stored by all replicas",
            "`client.no_such_option`: No such configuration property",
            "`client.socket_timeout_ms`: Invalid value",
            "`bootstrap_servers`: `b:port` is no `host:port`",
            "`sasl.mechanism`: `GSSAPI` is none of PLAIN",
            "`sasl.user` is not set",
            "`sasl.password` is not set",
        ] {
            assert!(why.contains(said), "{said}: {why}");
        }
    }

    #[test]
    fn certificates_that_are_not_there_are_told() {
        let tls = KafkaTlsSettings { ca: Some("/nowhere/ca.pem".into()), key: Some("/".into()), certificate: None };
        let why = why(&KafkaSettings { tls: Some(tls), ..KafkaSettings::default() });
        assert!(why.contains("`tls.ca`: `/nowhere/ca.pem` cannot be read"), "{why}");
        assert!(why.contains("`tls.certificate` and `tls.key` go together"), "{why}");
    }

    #[test]
    fn no_broker_is_told() {
        let none = KafkaSettings { bootstrap_servers: " , ".to_owned(), ..KafkaSettings::default() };
        assert_eq!(why(&none), "`bootstrap_servers` names no broker");
    }
}
