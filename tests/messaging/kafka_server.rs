//! A Kafka broker that is a process and keeps what it is given: all checks, and it is killed under load.
//!
//! Run by `cargo xtask soak kafka`, for the broker takes half an hour to compile. Whom it lets in is shown
//! by `kafka_sasl` and `kafka_tls`; what it cannot show: SASL's `PLAIN`, transactions.

use std::{collections::BTreeMap, time::Duration};

use chassis::messaging::kafka::KafkaEngine;
use chassis_tests::KafkaServer;
use serde_json::Value;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep},
};

use super::{
    kafka_faults::{At, services},
    kafka_process::{kill_again_and_again, kill_while_messages_fail, stop_at_work},
    load::{Fault, Load, rounds},
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
        at(&self.0).settings(space)
    }
}

/// This broker lets everybody wait for 3 s who joins a group and does not lead it. Whoever it has not heard of for the time
/// of a session meanwhile it forgets, those that wait included; and when they are there, all of them join anew.
fn at(server: &KafkaServer) -> At {
    At::new(server.servers()).holding_up(Duration::from_secs(3))
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

/// How long after it was first handled something was handled again, at most: what is committed never is.
fn oldest_repeat(sights: &Sights) -> Duration {
    let (mut firsts, mut oldest) = (BTreeMap::new(), Duration::ZERO);
    for sight in sights.all() {
        oldest = oldest.max(sight.at - *firsts.entry(sight.id).or_insert(sight.at));
    }
    oldest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_started_again_loses_nothing() {
    let Some(mut server) = KafkaServer::start() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(at(&server), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries) = (rounds(5), Vec::new());
    let mut returns = Vec::new();
    for _ in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(300)).await;
        server.kill();
        sleep(Duration::from_millis(500)).await;
        server.launch();
        block_in_place(|| server.wait());
        let (began, before) = (Instant::now(), sights.all().len());
        recoveries.push(load.goes_on().await);
        sights.calls(before + 1).await;
        returns.push(began.elapsed());
    }
    let twice = load.end_after(rounds, recoveries, &sights, (sender, worker)).await;
    let oldest = oldest_repeat(&sights);
    eprintln!(
        "{twice} twice, the oldest {oldest:?} after the first time; handled again after {:?}",
        returns.iter().max()
    );
    assert!(oldest < Duration::from_secs(30), "something was handled again after {oldest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_or_are_slow_lose_nothing() {
    let Some((server, proxy)) = KafkaServer::behind_a_proxy() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(at(&server), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries) = (rounds(4), Vec::new());
    for round in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(200)).await;
        let fault = [Fault::Cut, Fault::Reset, Fault::BlackHole, Fault::Slow][round % 4];
        let before = sights.all().len();
        recoveries.push(load.goes_on_after(fault, &proxy).await);
        sights.calls(before + 1).await;
    }
    let twice = load.end_after(rounds, recoveries, &sights, (sender, worker)).await;
    let oldest = oldest_repeat(&sights);
    eprintln!("{twice} twice, the oldest {oldest:?} after the first time");
    assert!(oldest < Duration::from_secs(40), "something was handled again after {oldest:?}");
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
