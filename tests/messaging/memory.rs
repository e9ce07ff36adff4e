//! The broker in memory: all checks, and what is particular to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chassis::{
    Cause,
    codec::Text,
    messaging::{Memory, memory::MemoryEngine},
    prelude::*,
};
use serde_json::{Value, json};

use tokio::{task::yield_now, time::timeout};

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

/// Waits for nothing.
#[microservice(name = "busy")]
struct Busy {
    #[resource]
    broker: Memory,
    done: AtomicU64,
}

#[microservice]
impl Busy {
    #[pull(broker, "numbers", quiet)]
    async fn number(&self, _: u64) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_handler_that_waits_for_nothing_lets_others_work() {
    const ALL: u64 = 900;
    let running = Busy::builder().start().await.unwrap();
    let service = Arc::clone(running.service());
    // The one thread is here all that time, so none of them is handled yet.
    for number in 0..ALL {
        service.broker.push("numbers", &number).await.unwrap();
    }
    let mut turns = 0;
    while service.done.load(Ordering::Relaxed) < ALL {
        turns += 1;
        yield_now().await;
    }
    assert!(turns > 5, "it worked off {ALL} messages while others had {turns} turns");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn times_without_end_are_long_ones() {
    let sender = Scene::new(&Arc::new(InMemory)).sender().await;
    let broker = &sender.service().broker;
    broker.push("jobs", &1).timeout(Duration::MAX).expires_in(Duration::MAX).await.unwrap();
    let mut jobs = broker.pull::<u64>("jobs").await.unwrap();
    jobs.next().await.unwrap().unwrap().retry(Duration::MAX).await.unwrap();
    assert!(timeout(Duration::from_millis(100), jobs.next()).await.is_err(), "it rests");
    let asking = broker.request::<_, u64>("nobody", &1).timeout(Duration::MAX).into_future();
    assert!(timeout(Duration::from_millis(100), asking).await.is_err(), "it waits");
    sender.stop().await.unwrap();
}

/// Greets.
#[microservice(name = "host")]
struct Host {
    #[resource]
    broker: Memory,
}

#[microservice]
impl Host {
    #[reply(broker, "greeting")]
    async fn greet(&self, name: String) -> Result<String> {
        Ok(format!("Hello, {name}!"))
    }
}

#[tokio::test]
async fn what_asks_in_text_is_answered_in_text() {
    let running = Host::builder().start().await.unwrap();
    let broker = &running.service().broker;
    let greeting: String = broker.request("greeting", "you").codec(Text).await.unwrap();
    assert_eq!(greeting, "Hello, you!");
    let greeting: String = broker.request("greeting", "you").await.unwrap();
    assert_eq!(greeting, "Hello, you!");
    running.stop().await.unwrap();
}
