//! The broker in memory: all checks, and what is particular to it.

use std::{sync::Arc, time::Duration};

use chassis::{
    Cause,
    messaging::{Memory, memory::MemoryEngine},
    prelude::*,
};
use serde_json::{Value, json};

use tokio::time::timeout;

use super::{place::Place, scene::Scene, services::Job};

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

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_given_up_stays() {
    let sender = Scene::new(&Arc::new(InMemory)).sender().await;
    let broker = &sender.service().broker;
    broker.push("jobs.dead", "this is no job").await.unwrap();
    let mut jobs = broker.pull::<Job>("jobs.dead").await.unwrap();
    assert!(timeout(Duration::from_secs(10), jobs.next()).await.is_err(), "it cannot be read");
    drop(jobs);
    let mut letters = broker.pull::<String>("jobs.dead").await.unwrap();
    let letter = timeout(Duration::from_secs(100), letters.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(**letter, "this is no job");
    letter.ack().await.unwrap();
    let told = sender.logs().captured().iter().filter(|line| line["level"] == "ERROR").count();
    assert_eq!(told, 1);
    sender.stop().await.unwrap();
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
