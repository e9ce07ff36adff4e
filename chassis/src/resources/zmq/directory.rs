//! Which socket a name means, and where it is.

use std::collections::BTreeMap;

use super::{
    address::Address,
    settings::{Addresses, ConnectionSettings, SocketAddresses, ZmqSettings},
    zmtp::SocketKind,
};
use crate::{
    Error, Result,
    messaging::{Pattern, engine::Intake},
};

/// What a name says: a connection, and a topic behind a colon.
pub(super) fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(connection, topic)| (connection, Some(topic)))
}

/// The sockets of all connections.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    sockets: BTreeMap<(String, &'static str), Address>,
    connections: BTreeMap<String, ConnectionSettings>,
}

/// One socket.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) kind: SocketKind,
    pub(super) address: Address,
    pub(super) binds: bool,
    pub(super) topic: Option<String>,
}

impl Directory {
    /// How many sockets there are.
    pub(super) fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// Reads the settings.
    ///
    /// # Errors
    /// Misconfigured, with every fault and its path.
    pub(super) fn new(settings: &ZmqSettings) -> Result<Self> {
        let Addresses { r#in, out, connections, states } = &settings.addresses;
        let sides = [
            ("in", r#in),
            ("out", out),
            ("connections.in", &connections.r#in),
            ("connections.out", &connections.out),
            ("states.in", &states.r#in),
            ("states.out", &states.out),
        ];
        let mut wrong = Vec::new();
        let mut found: BTreeMap<(String, &'static str), (Address, String)> = BTreeMap::new();
        for (side, connections) in sides {
            for (name, sockets) in connections {
                let path = format!("addresses.{side}.{name}");
                if name.is_empty() || name.contains(':') {
                    wrong.push(format!("`{path}`: a name of a connection has no colon, what follows one is a topic"));
                }
                let listed = listed(sockets);
                if listed.is_empty() {
                    wrong.push(format!("`{path}` has no socket: `replyer`, `requester`, `subscriber`, `publisher`, `puller` or `pusher`"));
                }
                for (socket, address) in listed {
                    let path = format!("{path}.{socket}");
                    match found.get(&(name.clone(), socket)) {
                        Some((other, first)) if *other != address => {
                            wrong.push(format!("`{path}` and `{first}` say different addresses"));
                        }
                        Some(_) => {}
                        None => _ = found.insert((name.clone(), socket), (address, path)),
                    }
                }
            }
        }
        for (name, options) in &settings.connections {
            let has = |socket: &'static str| found.contains_key(&(name.clone(), socket));
            if !found.keys().any(|(known, _)| known == name) {
                wrong.push(format!("`connections.{name}`: there is no such connection among the `addresses`"));
            }
            if options.is_x_pub && options.is_binder == Some(false) && has("publisher") {
                wrong.push(format!(
                    "`connections.{name}`: `is_x_pub` connects the publisher, `is_binder: false` binds it"
                ));
            }
            if options.topic.as_deref() == Some("") {
                wrong.push(format!("`connections.{name}.topic` is empty; leave it out to have no topic"));
            }
        }
        if !wrong.is_empty() {
            return Err(Error::misconfigured(Error::msg(wrong.join("; "))));
        }
        let sockets = found.into_iter().map(|(key, (address, _))| (key, address)).collect();
        Ok(Self { sockets, connections: settings.connections.clone() })
    }

    /// Whether handlers find the sockets they need.
    ///
    /// # Errors
    /// Misconfigured, with every fault.
    pub(super) fn check(&self, intakes: &[Intake]) -> Result<()> {
        let mut wrong = Vec::new();
        let mut bound: BTreeMap<String, &str> = BTreeMap::new();
        for Intake { pattern, name, group, .. } in intakes {
            if let Some(group) = group {
                wrong.push(format!(
                    "`{name}`: ZeroMQ has no groups of subscribers (`{group}`), each of them gets every message; `#[pull]` shares them"
                ));
            }
            match self.intake(*pattern, name) {
                Err(error) => wrong.push(error.to_string()),
                Ok(place) if place.binds => {
                    if let Some(other) = bound.insert(place.address.to_string(), name) {
                        wrong.push(format!("`{other}` and `{name}` both listen at `{}`", place.address));
                    }
                }
                Ok(_) => {}
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::misconfigured(Error::msg(wrong.join("; ")))) }
    }

    /// The socket that takes what is sent to a name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn intake(&self, pattern: Pattern, name: &str) -> Result<Place> {
        let socket = match pattern {
            Pattern::PublishSubscribe => "subscriber",
            Pattern::PushPull => "puller",
            Pattern::RequestResponse => "replyer",
        };
        self.place(socket, name)
    }

    /// All sockets that send, by the name of their connection.
    pub(super) fn outlets(&self) -> Vec<(String, Pattern, Place)> {
        let pattern = |socket: &str| match socket {
            "publisher" => Some(Pattern::PublishSubscribe),
            "pusher" => Some(Pattern::PushPull),
            "requester" => Some(Pattern::RequestResponse),
            _ => None,
        };
        let outlet = |(name, socket): &(String, &'static str)| {
            Some((name.clone(), pattern(socket)?, self.place(socket, name).ok()?))
        };
        self.sockets.keys().filter_map(outlet).collect()
    }

    fn place(&self, socket: &'static str, name: &str) -> Result<Place> {
        let (connection, topic) = split(name);
        let address = self.sockets.get(&(connection.to_owned(), socket)).ok_or_else(|| {
            let known = self.sockets.keys().filter(|(_, known)| *known == socket);
            let known: Vec<_> = known.map(|(name, _)| format!("`{name}`")).collect();
            let known = match known.is_empty() {
                true => format!("no connection has a `{socket}`"),
                false => format!("those with a `{socket}` are {}", known.join(", ")),
            };
            let side = if ["subscriber", "puller", "replyer"].contains(&socket) { "in" } else { "out" };
            Error::misconfigured(Error::msg(format!(
                "`{name}` needs the address `addresses.{side}.{connection}.{socket}`, and {known}"
            )))
        })?;
        let options = self.connections.get(connection).cloned().unwrap_or_default();
        let is_binder = options.is_binder;
        let (kind, binds) = match socket {
            "replyer" => (SocketKind::Rep, true),
            "requester" => (SocketKind::Dealer, false),
            "subscriber" => (SocketKind::Sub, is_binder.unwrap_or(false)),
            "publisher" => (SocketKind::Pub, !options.is_x_pub && !is_binder.unwrap_or(false)),
            "puller" => (SocketKind::Pull, is_binder.unwrap_or(true)),
            _ => (SocketKind::Push, !is_binder.unwrap_or(true)),
        };
        let topic = topic.map(str::to_owned).or(options.topic).filter(|topic| !topic.is_empty());
        Ok(Place { kind, address: address.clone(), binds, topic })
    }
}

fn listed(sockets: &SocketAddresses) -> Vec<(&'static str, Address)> {
    let SocketAddresses { replyer, requester, subscriber, publisher, puller, pusher } = sockets.clone();
    let all = [
        ("replyer", replyer),
        ("requester", requester),
        ("subscriber", subscriber),
        ("publisher", publisher),
        ("puller", puller),
        ("pusher", pusher),
    ];
    all.into_iter().filter_map(|(socket, address)| Some((socket, address?))).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use serde_json::{Value, json};

    use super::*;
    use crate::settings::Dict;

    fn settings(json: Value) -> Result<ZmqSettings> {
        Dict::from(json).read::<ZmqSettings>()
    }

    fn directory(json: Value) -> Result<Directory> {
        Directory::new(&settings(json)?)
    }

    fn fault(json: Value) -> String {
        format!("{:#}", directory(json).unwrap_err())
    }

    #[test]
    fn addresses_are_read_as_the_python_package_has_them() {
        let now = directory(json!({ "addresses": {
            "in": { "price": { "replyer": "127.0.0.1:5001" } },
            "out": { "news": { "publisher": "127.0.0.1:5002" } },
        }}));
        let older = directory(json!({ "addresses": { "connections": {
            "in": { "price": { "replyer": "127.0.0.1:5001" } },
            "out": { "news": { "publisher": "127.0.0.1:5002" } },
        }, "states": { "in": { "stock": { "subscriber": "127.0.0.1:5003", "requester": "127.0.0.1:5004" } } } }}));
        for directory in [now.unwrap(), older.unwrap()] {
            let place = directory.intake(Pattern::RequestResponse, "price").unwrap();
            assert_eq!((place.address.to_string(), place.binds), ("127.0.0.1:5001".to_owned(), true));
            assert!(directory.outlets().iter().any(|(name, ..)| name == "news"));
        }
    }

    #[test]
    fn who_binds_is_as_in_the_python_package() {
        let sockets = json!({ "replyer": "h:1", "requester": "h:2", "subscriber": "h:3", "publisher": "h:4", "puller": "h:5", "pusher": "h:6" });
        let binds = |options: Value| {
            let directory =
                directory(json!({ "addresses": { "in": { "c": sockets } }, "connections": { "c": options } })).unwrap();
            let taking = [Pattern::RequestResponse, Pattern::PublishSubscribe, Pattern::PushPull];
            let taking = taking.map(|pattern| directory.intake(pattern, "c").unwrap().binds);
            let sending =
                directory.outlets().into_iter().map(|(.., place)| (place.kind.name(), place.binds)).collect::<Vec<_>>();
            (taking, sending)
        };
        let sending = |publisher, pusher| vec![("PUB", publisher), ("PUSH", pusher), ("DEALER", false)];
        assert_eq!(binds(json!({})), ([true, false, true], sending(true, false)));
        assert_eq!(binds(json!({ "is_binder": true })), ([true, true, true], sending(false, false)));
        assert_eq!(binds(json!({ "is_binder": false })), ([true, false, false], sending(true, true)));
        assert_eq!(binds(json!({ "is_x_pub": true })), ([true, false, true], sending(false, false)));
    }

    #[test]
    fn a_topic_stands_in_the_settings_or_behind_the_name() {
        let directory = directory(json!({
            "addresses": { "in": { "news": { "subscriber": "h:1" } } },
            "connections": { "news": { "topic": "eu" } },
        }));
        let directory = directory.unwrap();
        let topic = |name| directory.intake(Pattern::PublishSubscribe, name).unwrap().topic;
        assert_eq!(topic("news").as_deref(), Some("eu"));
        assert_eq!(topic("news:us").as_deref(), Some("us"));
        assert_eq!(topic("news:"), None);
    }

    #[test]
    fn every_fault_is_told_with_its_path() {
        let told =
            fault(json!({ "addresses": { "in": { "a": { "replyer": "nowhere" }, "b": { "replier": "h:1" } } } }));
        assert!(told.contains("addresses.in.a.replyer") && told.contains("a host and a port"), "{told}");
        assert!(told.contains("addresses.in.b.replier") && told.contains("replyer"), "{told}");
        let told = fault(json!({
            "addresses": { "in": { "a": {}, "b": { "replyer": "h:1" } }, "connections": { "in": { "b": { "replyer": "h:2" } } } },
            "connections": { "c": {}, "b": { "topic": "" } },
        }));
        for wrong in [
            "`addresses.in.a` has no socket",
            "`addresses.connections.in.b.replyer` and `addresses.in.b.replyer` say different addresses",
            "`connections.c`: there is no such connection",
            "`connections.b.topic` is empty",
        ] {
            assert!(told.contains(wrong), "{wrong}: {told}");
        }
    }

    #[test]
    fn a_handler_without_an_address_is_told_which_one_it_needs() {
        let directory = directory(json!({ "addresses": { "in": { "price": { "replyer": "h:1" } } } })).unwrap();
        let told = format!("{:#}", directory.check(&[Intake::new(Pattern::RequestResponse, "prise")]).unwrap_err());
        assert!(
            told.contains(
                "`prise` needs the address `addresses.in.prise.replyer`, and those with a `replyer` are `price`"
            ),
            "{told}"
        );
        let mut grouped = Intake::new(Pattern::PublishSubscribe, "price");
        grouped.group = Some("desk".into());
        let told = format!("{:#}", directory.check(&[grouped]).unwrap_err());
        assert!(told.contains("has no groups"), "{told}");
    }
}
