//! A Kafka broker that is a process and keeps what it is given: all checks, and it is killed under load.
//!
//! Run by `cargo xtask soak kafka`, for the broker takes half an hour to compile. What it cannot show: SASL, TLS,
//! transactions.

use std::time::Duration;

use chassis::messaging::kafka::KafkaEngine;
use chassis_tests::KafkaServer;
use serde_json::{Value, json};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use super::{
    kafka_faults::services,
    kafka_process::{kill_again_and_again, kill_while_messages_fail, stop_at_work},
    load::{Fault, Load, lines, median, outages_are_told, rounds},
    place::Place,
    sights::Sights,
};

struct OnServer(KafkaServer);

impl OnServer {
    fn start() -> Self {
        Self(KafkaServer::start().expect("`tansu` is needed"))
    }
}

impl Place for OnServer {
    type Engine = KafkaEngine;

    fn settings(&self, space: &str) -> Value {
        json!({
            "bootstrap_servers": self.0.servers(),
            "topics_prefix": space,
            "group": space,
            "partitions": 4,
            "client": { "heartbeat_interval_ms": "100" },
            "session_timeout": "3s",
        })
    }
}

mod push_pull {
    crate::messaging::push_pull::checks! { in_one, async { super::OnServer::start() } }
}

mod failing {
    crate::messaging::failing::checks! { in_one, async { super::OnServer::start() } }
}

mod publish_subscribe {
    crate::messaging::publish_subscribe::checks! { in_one, async { super::OnServer::start() } }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_started_again_loses_nothing() {
    let Some(mut server) = KafkaServer::start() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(server.servers(), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries, began) = (rounds(5), Vec::new(), Instant::now());
    for _ in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(300)).await;
        server.kill();
        sleep(Duration::from_millis(500)).await;
        server.launch();
        block_in_place(|| server.wait());
        let before = sights.all().len();
        recoveries.push(load.goes_on().await);
        sights.calls(before + 1).await;
    }
    let twice = load.end(&sights).await;
    let recovery = median(recoveries.clone());
    eprintln!("recovery {recovery:?} of {recoveries:?}, {twice} twice");
    assert!(recovery <= Duration::from_secs(2), "{recoveries:?}");
    for (who, logs) in [("sender", sender.logs()), ("worker", worker.logs())] {
        outages_are_told(who, &logs, rounds, began).await;
    }
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_or_are_slow_lose_nothing() {
    let Some((server, proxy)) = KafkaServer::behind_a_proxy() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(server.servers(), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries, began) = (rounds(4), Vec::new(), Instant::now());
    for round in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(200)).await;
        let fault = [Fault::Cut, Fault::Reset, Fault::BlackHole, Fault::Slow][round % 4];
        let before = sights.all().len();
        recoveries.push(load.goes_on_after(fault, &proxy).await);
        // This broker may forget a member that it has not heard of for a while, and not say so when that one comes back.
        let handled = timeout(Duration::from_secs(40), sights.calls(before + 1)).await;
        assert!(handled.is_ok(), "round {round}: {:#?}", lines(worker.logs().captured()));
    }
    let twice = load.end(&sights).await;
    let recovery = median(recoveries.clone());
    eprintln!("recovery {recovery:?} of {recoveries:?}, {twice} twice");
    assert!(recovery <= Duration::from_secs(2), "{recoveries:?}");
    for (who, logs) in [("sender", sender.logs()), ("worker", worker.logs())] {
        outages_are_told(who, &logs, rounds, began).await;
    }
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_again_and_again_loses_nothing() {
    let Some(server) = KafkaServer::start() else { return };
    kill_again_and_again(&server.servers()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_while_a_service_is_killed_is_tried_again_or_a_dead_letter() {
    let Some(server) = KafkaServer::start() else { return };
    kill_while_messages_fail(&server.servers()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_stopped_ends_what_it_has_begun_and_commits_it() {
    let Some(server) = KafkaServer::start() else { return };
    stop_at_work(&server.servers()).await;
}
