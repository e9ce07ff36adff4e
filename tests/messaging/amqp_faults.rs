//! RabbitMQ that is killed, cut off, black-holed and short of room, under load: what was confirmed is handled.
//!
//! `CHASSIS_SOAK_ROUNDS=100` looks further than the normal run.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use chassis::{
    Running,
    messaging::{Failure, amqp::AmqpEngine},
};
use chassis_tests::{Proxy, RabbitServer};
use serde_json::{Value, json};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use super::{
    load::{Fault, Load, outages, rounds},
    place::Place,
    scene::Scene,
    services::{Deed, Job, Sender, Worker},
    sights::{Sight, Sights},
};

/// A broker at a port.
pub(crate) struct At(pub(crate) u16);

impl Place for At {
    type Engine = AmqpEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "port": self.0, "queues_prefix": space, "heartbeat": "1s", "connection_timeout": "2s" })
    }
}

/// A sender and a worker.
async fn services(port: u16, sights: &Sights) -> (Running<Sender<AmqpEngine>>, Running<Worker<AmqpEngine>>) {
    let scene = Scene::new(&Arc::new(At(port)));
    (scene.sender().await, scene.worker(sights).await)
}

/// How many were handled twice, first within that time before a kill and then after it.
fn forgotten(sights: &Sights, kills: &[Instant], time: Duration) -> usize {
    let (mut firsts, mut count) = (BTreeMap::new(), 0);
    for sight in sights.all() {
        let first = *firsts.entry(sight.id).or_insert(sight.at);
        count += usize::from(kills.iter().any(|kill| first + time >= *kill && first < *kill && *kill < sight.at));
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_and_started_again_loses_nothing() {
    let Some(mut server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(server.port(), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries, mut kills) = (rounds(3), Vec::new(), Vec::new());
    for _ in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(300)).await;
        kills.push(Instant::now());
        server.kill();
        sleep(Duration::from_millis(200)).await;
        server.launch();
        block_in_place(|| server.wait());
        let before = sights.all().len();
        recoveries.push(load.goes_on().await);
        sights.calls(before + 1).await;
    }
    let twice = load.end_after(rounds, recoveries, &sights, (sender, worker)).await;
    // A broker that is killed has not written down the acknowledgements of its last moments.
    let last_moments = forgotten(&sights, &kills, Duration::from_secs(1));
    assert!(
        twice <= rounds * 32 + last_moments,
        "{twice} were handled more than once, {last_moments} right before a kill"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_or_are_slow_lose_nothing() {
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let (sender, worker) = services(proxy.port(), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries, mut cuts, mut orderly) = (rounds(6), Vec::new(), 0, 0);
    for round in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(200)).await;
        let fault = [None, Some(Fault::Cut), Some(Fault::Reset), Some(Fault::BlackHole), Some(Fault::Slow)][round % 5];
        let recovery = match fault {
            Some(fault) => load.goes_on_after(fault, &proxy).await,
            // By the broker, in good order: one after the other, and the first may be back before the next one ends.
            None => {
                orderly += 1;
                block_in_place(|| server.ctl(&["close_all_connections", "a test"]));
                load.goes_on().await
            }
        };
        if fault != Some(Fault::Slow) {
            cuts += 1;
            recoveries.push(recovery);
        }
    }
    let twice = load.end_after(cuts + orderly, recoveries, &sights, (sender, worker)).await;
    assert!(twice <= cuts * 32, "{twice} were handled more than once in {cuts} cuts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_while_connections_end_is_tried_again_or_a_dead_letter() {
    const ALL: u64 = 400;
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    for id in 0..ALL {
        let deeds: &[Deed] = if id % 2 == 0 { &[Deed::Fail, Deed::Succeed] } else { &[Deed::Sleep(5), Deed::Succeed] };
        let deeds = if id % 5 == 0 { &[Deed::Reject] } else { deeds };
        sender.service().broker.push("jobs", &Job::doing(id, deeds)).await.unwrap();
    }
    let worker = scene.at(&Arc::new(At(proxy.port()))).worker(&sights).await;
    for round in 0..rounds(4) {
        let seen = sights.all().len();
        if seen < ALL as usize {
            sights.calls(seen + 20).await;
        }
        if round % 2 == 0 {
            proxy.cut()
        } else {
            proxy.reset()
        }
        // What was to be sent on waits for the connection.
        sleep(Duration::from_millis(700)).await;
        proxy.heal();
    }
    let is_tried_again = |seen: &[Sight]| {
        let second: BTreeSet<u64> = seen.iter().filter(|sight| sight.attempt == 2).map(|sight| sight.id).collect();
        (0..ALL).filter(|id| id % 2 == 0 && id % 5 != 0).all(|id| second.contains(&id))
    };
    sights.until("the second attempts", is_tried_again).await;
    sights.messages(ALL as usize).await;
    let mut missing: BTreeSet<u64> = (0..ALL).filter(|id| id % 5 == 0).collect();
    let mut letters = sender.service().broker.pull::<Job>("jobs.dead").await.unwrap();
    while !missing.is_empty() {
        let letter = timeout(Duration::from_secs(30), letters.next()).await;
        let letter = letter.unwrap_or_else(|_| panic!("dead letters are lost: {missing:?}")).unwrap().unwrap();
        missing.remove(&letter.message().id);
        letter.ack().await.unwrap();
    }
    drop(letters);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_one_line_and_its_end_is_one_and_calls_meanwhile_say_what_is_known() {
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let (sender, worker) = services(proxy.port(), &sights).await;
    let broker = &sender.service().broker;
    broker.push("jobs", &Job::new(1)).await.unwrap();
    proxy.cut();
    sender
        .logs()
        .wait_for(|line| line["message"].as_str().is_some_and(|text| text.contains("has lost its peer")))
        .await;
    // What waits for the broker was not sent, and says so.
    let error = broker.push("jobs", &Job::new(2)).timeout(Duration::from_millis(300)).await.unwrap_err();
    assert!(
        matches!(error.find::<Failure>(), Some(Failure::NotSent(why)) if why.contains("not connected")),
        "{error:#}"
    );
    // What can wait long enough is sent then.
    let waiting = tokio::spawn({
        let service = Arc::clone(sender.service());
        async move { service.broker.push("jobs", &Job::new(3)).timeout(Duration::from_secs(30)).await }
    });
    sleep(Duration::from_secs(2)).await;
    proxy.heal();
    waiting.await.unwrap().unwrap();
    sights.until("the third", |seen| seen.iter().any(|sight| sight.id == 3)).await;
    assert!(!sights.counts().contains_key(&2), "what was not sent is there");
    sender
        .logs()
        .wait_for(|line| line["message"].as_str().is_some_and(|text| text.contains("has its peer back")))
        .await;
    worker
        .logs()
        .wait_for(|line| line["message"].as_str().is_some_and(|text| text.contains("has its peer back")))
        .await;
    assert_eq!(outages(sender.logs().captured()), (1, 1));
    assert_eq!(outages(worker.logs().captured()), (1, 1));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_answer_is_lost_is_unknown() {
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let (near, far) = (At(server.port()), At(proxy.port()));
    let scene = Scene::new(&Arc::new(near));
    let replyer = scene.replyer(&sights).await;
    let sender = scene.at(&Arc::new(far)).sender().await;
    let asked = tokio::spawn({
        let service = Arc::clone(sender.service());
        async move {
            let job = Job::doing(7, &[Deed::Sleep(700)]);
            service.broker.request::<_, u64>("double", &job).timeout(Duration::from_secs(30)).await
        }
    });
    sights.calls(1).await;
    let began = Instant::now();
    proxy.cut();
    let error = asked.await.unwrap().unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(5), "it waited although nothing can come any more");
    proxy.heal();
    let answer: u64 =
        sender.service().broker.request("double", &Job::new(4)).timeout(Duration::from_secs(30)).await.unwrap();
    assert_eq!(answer, 8);
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_deleted_is_declared_and_taken_from_anew() {
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let scene = Scene::new(&Arc::new(At(server.port())));
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    let broker = &sender.service().broker;
    broker.push("jobs", &Job::new(1)).await.unwrap();
    sights.messages(1).await;
    let queue = format!("{}.push_pull.jobs", scene.space());
    block_in_place(|| server.ctl(&["delete_queue", &queue]));
    let told = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("has ended the consuming of"));
    worker.logs().wait_for(told).await;
    for id in 2..10 {
        broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    sights.messages(9).await;
    // Without a worker, who sends declares it anew.
    worker.stop().await.unwrap();
    block_in_place(|| server.ctl(&["delete_queue", &queue]));
    broker.push("jobs", &Job::new(11)).await.unwrap();
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(1));
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_without_room_is_a_warning_and_senders_wait() {
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let (sender, worker) = services(server.port(), &sights).await;
    let broker = &sender.service().broker;
    broker.push("jobs", &Job::new(1)).await.unwrap();
    block_in_place(|| server.ctl(&["set_vm_memory_high_watermark", "absolute", "1"]));
    // The broker says so to the first one that sends.
    let first = tokio::spawn({
        let service = Arc::clone(sender.service());
        async move { service.broker.push("jobs", &Job::new(2)).timeout(Duration::from_secs(30)).await }
    });
    let told = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("takes nothing at the moment"));
    timeout(Duration::from_secs(20), sender.logs().wait_for(told)).await.unwrap();
    let error = broker.push("jobs", &Job::new(3)).timeout(Duration::from_millis(200)).await.unwrap_err();
    assert!(
        matches!(error.find::<Failure>(), Some(Failure::NotSent(why)) if why.contains("takes nothing")),
        "{error:#}"
    );
    block_in_place(|| server.ctl(&["set_vm_memory_high_watermark", "0.4"]));
    first.await.unwrap().unwrap();
    broker.push("jobs", &Job::new(4)).timeout(Duration::from_secs(30)).await.unwrap();
    sights.until("the others", |seen| [1, 2, 4].iter().all(|id| seen.iter().any(|sight| sight.id == *id))).await;
    assert!(!sights.counts().contains_key(&3), "what was not sent is there");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_request_waits_no_longer_than_it_may() {
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let scene = Scene::new(&Arc::new(At(server.port())));
    let replyer = scene.replyer(&sights).await;
    let sender = scene.at(&Arc::new(At(proxy.port()))).sender().await;
    let broker = &sender.service().broker;
    proxy.swallow();
    let began = Instant::now();
    let error = broker.request::<_, u64>("double", &Job::new(4)).timeout(Duration::from_millis(300)).await;
    let error = error.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::NotSent(_))), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    proxy.heal();
    let answer: u64 = broker.request("double", &Job::new(4)).timeout(Duration::from_secs(30)).await.unwrap();
    assert_eq!(answer, 8);
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_waits_for_its_queue_was_not_sent() {
    let Some(server) = RabbitServer::start() else { return };
    let (proxy, sights) = (Proxy::to(server.port()), Sights::default());
    let (sender, worker) = services(proxy.port(), &sights).await;
    let broker = &sender.service().broker;
    proxy.swallow();
    let began = Instant::now();
    let error = broker.push("jobs", &Job::new(1)).timeout(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::NotSent(_))), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    proxy.heal();
    broker.push("jobs", &Job::new(2)).timeout(Duration::from_secs(30)).await.unwrap();
    sights.until("the second", |seen| seen.iter().any(|sight| sight.id == 2)).await;
    assert!(!sights.counts().contains_key(&1), "what was not sent is there");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// On one thread, where nothing else happens while somebody does not wait.
#[tokio::test]
async fn queues_that_are_declared_while_the_connection_ends_are_declared_by_the_next_one() {
    let Some(server) = RabbitServer::start() else { return };
    let proxy = Proxy::to(server.port());
    let scene = Scene::new(&Arc::new(At(proxy.port())));
    let sender = scene.sender().await;
    for round in 0..rounds(5) {
        let pushes: Vec<_> = (0..20)
            .map(|number| {
                let service = Arc::clone(sender.service());
                tokio::spawn(async move {
                    let name = format!("jobs {round} {number}");
                    service.broker.push(&name, &Job::new(number)).timeout(Duration::from_secs(20)).await
                })
            })
            .collect();
        sleep(Duration::from_millis(3)).await;
        proxy.reset();
        sleep(Duration::from_millis(50)).await;
        proxy.heal();
        for push in pushes {
            if let Err(error) = push.await.unwrap() {
                assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
            }
        }
    }
    sender.stop().await.unwrap();
}
