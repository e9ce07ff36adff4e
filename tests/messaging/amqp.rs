//! RabbitMQ: all checks.

use chassis::messaging::amqp::AmqpEngine;
use chassis_tests::RabbitServer;
use serde_json::{Value, json};

use super::place::Place;

struct OnRabbit(RabbitServer);

impl OnRabbit {
    fn start() -> Option<Self> {
        RabbitServer::start().map(Self)
    }
}

impl Place for OnRabbit {
    type Engine = AmqpEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "port": self.0.port(), "queues_prefix": space })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { on_one_server, async { super::OnRabbit::start() } }
}

mod failing {
    crate::messaging::failing::checks! { on_one_server, async { super::OnRabbit::start() } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { on_one_server, async { super::OnRabbit::start() } }
}

mod request_response {
    crate::messaging::request_response::checks! { on_one_server, async { super::OnRabbit::start() } }
}
