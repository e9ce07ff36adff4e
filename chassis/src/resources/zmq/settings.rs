//! What can be set of ZeroMQ.

use std::{collections::BTreeMap, time::Duration};

use super::address::Address;
use crate::settings::{ByteSize, SettingsSchema};

/// Settings of a [`Zmq`](super::Zmq), beside those of every broker.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct ZmqSettings {
    /// Where connections are, as `service-framework` has them in its file of addresses.
    pub addresses: Addresses,
    /// How connections are made, by their name.
    pub connections: BTreeMap<String, ConnectionSettings>,
    /// How many messages wait in this process for each peer that is slower than we are, and for a peer that is not there.
    #[setting(range = 1..=1_000_000)]
    pub high_water_mark: usize,
    /// Longer messages are passed over as they come in; they take no memory.
    pub max_frame_size: ByteSize,
    /// How long a lost address rests before it is tried again, at first; the rest doubles with each attempt.
    #[setting(range = "1ms"..)]
    pub reconnect_interval: Duration,
    /// The longest rest between two attempts.
    #[setting(range = "1ms"..)]
    pub max_reconnect_interval: Duration,
    /// How long publishers that were just made wait for their subscribers to come, so that the first messages reach them.
    pub wait_after_creation: Duration,
    /// How long messages may take at a stop that wait to be sent. Those on their way here may take as long from one to the
    /// next, and five times as long together.
    pub linger: Duration,
}

/// Where connections are: `in` and `out`, each a map from the name of a connection to its sockets. What is above them in
/// older files, `connections` and `states`, is read as well.
#[derive(Debug, Clone, Default, PartialEq, Eq, SettingsSchema)]
#[settings(default)]
pub struct Addresses {
    /// What this service is asked and told by.
    pub r#in: BTreeMap<String, SocketAddresses>,
    /// What it asks and tells others by.
    pub out: BTreeMap<String, SocketAddresses>,
    /// The older layout.
    pub connections: Sides,
    /// The older layout: states are connections, too.
    pub states: Sides,
}

/// Both sides of the older layout.
#[derive(Debug, Clone, Default, PartialEq, Eq, SettingsSchema)]
#[settings(default)]
pub struct Sides {
    /// What this service is asked and told by.
    pub r#in: BTreeMap<String, SocketAddresses>,
    /// What it asks and tells others by.
    pub out: BTreeMap<String, SocketAddresses>,
}

/// The sockets of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, SettingsSchema)]
#[settings(default)]
pub struct SocketAddresses {
    /// Where `#[reply]` listens.
    pub replyer: Option<Address>,
    /// Where `request` goes.
    pub requester: Option<Address>,
    /// Where `#[subscribe]` goes, or listens with `is_binder`.
    pub subscriber: Option<Address>,
    /// Where `publish` listens, or goes with `is_x_pub`.
    pub publisher: Option<Address>,
    /// Where `#[pull]` listens, or goes with `is_binder: false`.
    pub puller: Option<Address>,
    /// Where `push` goes, or listens with `is_binder: false`.
    pub pusher: Option<Address>,
}

/// How a connection is made: what the Python package has among the creation arguments of its models.
#[derive(Debug, Clone, Default, PartialEq, Eq, SettingsSchema)]
#[settings(default)]
pub struct ConnectionSettings {
    /// Whether the side that takes messages binds, and the one that sends them connects. Without it, pullers bind and
    /// subscribers do not.
    pub is_binder: Option<bool>,
    /// Whether the publisher connects, to a proxy or to a subscriber that binds.
    pub is_x_pub: bool,
    /// What is published is under this topic, and what is subscribed is this topic; without it everything.
    pub topic: Option<String>,
}

impl Default for ZmqSettings {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            connections: BTreeMap::new(),
            high_water_mark: 1000,
            max_frame_size: ByteSize::mib(64),
            reconnect_interval: Duration::from_millis(50),
            max_reconnect_interval: Duration::from_secs(1),
            wait_after_creation: Duration::from_millis(150),
            linger: Duration::from_secs(1),
        }
    }
}
