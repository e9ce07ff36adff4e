//! The broker in memory: all checks, and what is particular to it.

use chassis::{
    Cause,
    messaging::{Memory, memory::MemoryEngine},
    prelude::*,
};
use serde_json::{Value, json};

use super::place::Place;

struct InMemory;

impl Place for InMemory {
    type Engine = MemoryEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "hub": space })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { each, async { super::InMemory } }
}

mod failing {
    crate::messaging::failing::checks! { each, async { super::InMemory } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { each, async { super::InMemory } }
}

mod request_response {
    crate::messaging::request_response::checks! { each, async { super::InMemory } }
}

/// Takes the same message twice in one group, which only one of the two can have.
#[microservice(name = "torn")]
struct Torn {
    #[resource]
    broker: Memory,
}

#[microservice]
impl Torn {
    #[subscribe(broker, "placed", group = "audit")]
    async fn one(&self, _: u64) {}

    #[subscribe(broker, "placed", group = "audit")]
    async fn other(&self, _: u64) {}

    #[subscribe(broker, "placed", group = "billing")]
    async fn of_another_group(&self, _: u64) {}

    #[subscribe(broker, "news")]
    async fn alone(&self, _: u64) {}

    #[subscribe(broker, "news")]
    async fn alone_too(&self, _: u64) {}
}

#[tokio::test]
async fn handlers_that_take_messages_from_each_other_are_told_before_the_start() {
    let error = Torn::builder().start().await.unwrap_err();
    assert_eq!(error.cause(), Cause::Misconfigured);
    let told = format!("{error:#}");
    assert!(told.contains("`one` and `other` both take publish_subscribe `placed`"), "{told}");
    assert_eq!(told.matches("both take").count(), 1, "{told}");
}
