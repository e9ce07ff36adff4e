//! Stops at a RabbitMQ: of a worker in the middle of its work, and while the broker is away.

use std::{sync::Arc, time::Duration};

use chassis::messaging::amqp::AmqpEngine;
use chassis_tests::RabbitServer;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use super::{
    load::{lines, outages},
    place::Place,
    scene::Scene,
    services::{Deed, Job},
    sights::{Sight, Sights},
};

/// A broker at a port.
struct At(u16);

impl Place for At {
    type Engine = AmqpEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "port": self.0, "queues_prefix": space })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_a_key_stay_in_their_order_over_a_stop() {
    let Some(server) = RabbitServer::start() else { return };
    let (scene, sights) = (Scene::new(&Arc::new(At(server.port()))), Sights::default());
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    // The stop comes while this one rests until its next attempt, and others wait behind it.
    let slow = json!({ "handlers": { "ordered": { "min_delay": "20s", "max_delay": "20s" } } });
    for id in 0..40 {
        let deeds: &[Deed] = if id == 10 { &[Deed::Fail, Deed::Succeed] } else { &[Deed::Succeed] };
        broker.push("ordered", &Job::doing(id, deeds)).key("one").await.unwrap();
    }
    let worker = scene.worker_with(&sights, slow).await;
    let seen = sights.until("the failure", |seen| seen.iter().any(|sight| sight.id == 10)).await;
    assert_eq!(seen.iter().map(|sight| sight.id).collect::<Vec<_>>(), (0..=10).collect::<Vec<_>>());
    let began = Instant::now();
    assert_eq!(worker.stop().await.unwrap().code, 0);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let worker = scene.worker(&sights).await;
    let seen = sights.until("the last one", |seen| seen.iter().any(|sight| sight.id == 39)).await;
    let mut again: Vec<_> = seen[11..].iter().map(|sight| sight.id).collect();
    // Its first attempt may count anew: then it fails once more.
    again.dedup();
    assert_eq!(again, (10..40).collect::<Vec<_>>());
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_while_the_broker_is_away_waits_for_nobody() {
    let Some(mut server) = RabbitServer::start() else { return };
    let (scene, sights) = (Scene::new(&Arc::new(At(server.port()))), Sights::default());
    let (sender, worker, replyer) = (scene.sender().await, scene.worker(&sights).await, scene.replyer(&sights).await);
    // One would be acknowledged, one would be sent to rest, one would be a dead letter, one would be answered.
    let broker = Arc::clone(sender.service());
    for (id, deeds) in [
        (1, &[Deed::Wait, Deed::Succeed][..]),
        (2, &[Deed::Sleep(1500), Deed::Succeed]),
        (3, &[Deed::Fail]),
        (4, &[Deed::Reject]),
    ] {
        broker.broker.push("jobs", &Job::doing(id, deeds)).await.unwrap();
    }
    sights.messages(4).await;
    let asking = tokio::spawn(async move {
        let asked = Job::doing(5, &[Deed::Wait]);
        broker.broker.request::<_, u64>("double", &asked).timeout(Duration::from_secs(20)).await
    });
    sights.messages(5).await;
    server.kill();
    // What ends from now on cannot be told to anybody.
    let is_noticed = timeout(Duration::from_secs(20), async {
        while [worker.logs(), replyer.logs()].iter().any(|logs| outages(logs.captured()).0 == 0) {
            sleep(Duration::from_millis(10)).await;
        }
    });
    is_noticed.await.unwrap();
    sights.release();
    let began = Instant::now();
    for stopped in [worker.stop().await, replyer.stop().await] {
        assert_eq!(stopped.unwrap().code, 0);
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(asking.await.unwrap().is_err());
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_refused_while_it_runs_says_so_once_and_tries_on() {
    let Some(server) = RabbitServer::start() else { return };
    let (scene, sights) = (Scene::new(&Arc::new(At(server.port()))), Sights::default());
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    tokio::task::block_in_place(|| {
        server.ctl(&["change_password", "guest", "another"]);
        server.ctl(&["close_all_connections", "for a test"]);
    });
    let refused = |lines: &[String]| lines.iter().filter(|line| line.contains("refuses this service")).count();
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        let held = timeout(Duration::from_secs(60), async {
            while !holds() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(held.await.is_ok(), "{what}: {:#?}", lines(worker.logs().captured()));
    };
    until("a line", &|| refused(&lines(worker.logs().captured())) == 1).await;
    let told = lines(worker.logs().captured());
    let line = told.iter().find(|line| line.contains("refuses this service")).unwrap();
    for said in ["`broker`", "ACCESS_REFUSED", "amqp://guest@127.0.0.1", "`user`, `password`"] {
        assert!(line.contains(said), "{said}: {line}");
    }
    assert!(!line.contains("another"), "{line}");
    // What was lost first is not what keeps it away.
    until("why it is not ready", &|| {
        let health = worker.view().readiness();
        health.output().is_some_and(|why| why.contains("resource `broker`: ") && why.contains("ACCESS_REFUSED"))
    })
    .await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(refused(&lines(worker.logs().captured())), 1);
    tokio::task::block_in_place(|| server.ctl(&["change_password", "guest", "guest"]));
    sender.service().broker.push("jobs", &Job::new(7)).timeout(Duration::from_secs(60)).await.unwrap();
    sights.until("the message", |seen: &[Sight]| seen.iter().any(|sight| sight.id == 7)).await;
    until("the end", &|| lines(worker.logs().captured()).iter().any(|line| line.contains("has its peer back"))).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}
