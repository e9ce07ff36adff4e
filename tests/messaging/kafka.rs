//! Kafka: all checks of the two patterns that it has.

use chassis::messaging::kafka::KafkaEngine;
use chassis_tests::KafkaCluster;
use serde_json::{Value, json};

use super::place::Place;

struct OnKafka(KafkaCluster);

impl OnKafka {
    fn start() -> Option<Self> {
        Some(Self(KafkaCluster::start(1)))
    }
}

impl Place for OnKafka {
    type Engine = KafkaEngine;

    fn settings(&self, space: &str) -> Value {
        json!({
            "bootstrap_servers": self.0.servers(),
            "topics_prefix": space,
            // Every scene has groups of its own.
            "group": space,
            // How soon a member hears of others.
            "client": { "heartbeat_interval_ms": "100" },
            // The cluster forgets to answer who leaves while others join, and waits for them that long.
            "session_timeout": "2s",
        })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { on_one_server, async { super::OnKafka::start() } }
}

mod failing {
    crate::messaging::failing::checks! { on_one_server, async { super::OnKafka::start() } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { on_one_server, async { super::OnKafka::start() } }
}
