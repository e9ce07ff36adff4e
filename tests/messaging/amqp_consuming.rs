//! What a RabbitMQ is told of the messages that were taken: they are done, go back or rest.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Barrier},
    time::Duration,
};

use chassis_tests::RabbitServer;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};

use super::{
    amqp_faults::At,
    scene::Scene,
    services::{Deed, Job},
    sights::Sights,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_acknowledged_soon_also_behind_what_takes_long() {
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let scene = Scene::new(&Arc::new(At(server.port())));
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    let broker = &sender.service().broker;
    broker.push("jobs", &Job::doing(0, &[Deed::Wait])).await.unwrap();
    sights.calls(1).await;
    for id in 1..100 {
        broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    sights.messages(100).await;
    // The broker answers that after what it was told before.
    sleep(Duration::from_millis(50)).await;
    let queue = format!("{}.push_pull.jobs", scene.space());
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(1));
    sights.release();
    worker.stop().await.unwrap();
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(0));
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_is_acknowledged_soon_while_the_next_one_takes_long() {
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    // All of them are fetched before the first one is handled, and nobody looks for another one for a while.
    for id in 0..3 {
        broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    broker.push("jobs", &Job::doing(3, &[Deed::Wait])).await.unwrap();
    let worker = scene.worker_with(&sights, json!({ "handlers": { "job": { "concurrency": 1 } } })).await;
    sights.calls(4).await;
    sleep(Duration::from_millis(50)).await;
    let queue = format!("{}.push_pull.jobs", scene.space());
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(1));
    sights.release();
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_goes_back_while_others_are_acknowledged_comes_again() {
    const ALL: u64 = 3000;
    const PREFETCH: usize = 64;
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    for sent in join_all((0..ALL).map(|id| async move { broker.push("jobs", &Job::new(id)).await })).await {
        sent.unwrap();
    }
    let mut jobs = broker.pull::<Job>("jobs").prefetch(PREFETCH).await.unwrap();
    let (mut open, mut times) = ((0..ALL).collect::<BTreeSet<_>>(), HashMap::<u64, u64>::new());
    while !open.is_empty() {
        let (mut back, mut done) = (Vec::new(), [Vec::new(), Vec::new()]);
        for _ in 0..PREFETCH.min(open.len()) {
            let job = timeout(Duration::from_secs(20), jobs.next()).await;
            let job = job.unwrap_or_else(|_| panic!("{open:?} are lost")).unwrap().unwrap();
            let id = job.message().id;
            let times = times.entry(id).or_default();
            *times += 1;
            if *times < 3 && (id + *times).is_multiple_of(3) {
                back.push(job);
            } else {
                open.remove(&id);
                done[id as usize % 2].push(job);
            }
        }
        // While nobody waits for more, some acknowledgements are told as one.
        let begin = Arc::new(Barrier::new(3));
        let mut settling = JoinSet::new();
        for done in done {
            let begin = Arc::clone(&begin);
            settling.spawn(async move {
                begin.wait();
                for job in done {
                    job.ack().await.unwrap();
                }
            });
        }
        settling.spawn(async move {
            begin.wait();
            drop(back);
        });
        while let Some(settled) = settling.join_next().await {
            settled.unwrap();
        }
    }
    drop(jobs);
    sender.stop().await.unwrap();
    let queue = format!("{}.push_pull.jobs", scene.space());
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(0));
}

/// News that fail rest in the process.
fn resting_long() -> Value {
    let alone = json!({ "min_delay": "1h", "max_delay": "1h", "concurrency": 1, "prefetch": 1 });
    json!({ "handlers": { "alone": alone }, "max_message_size": "20MiB" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_in_the_process_takes_no_more_room_than_there_is() {
    /// As a body that is mostly nothing.
    #[derive(serde::Serialize)]
    struct Large<'a> {
        id: u64,
        deeds: &'a [Deed],
        nothing: &'a str,
    }
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let scene = Scene::new(&Arc::new(At(server.port())));
    let subscriber = scene.subscriber_with(&sights, resting_long()).await;
    let sender = scene.sender_with(json!({ "max_message_size": "20MiB" })).await;
    let nothing = " ".repeat(10 << 20);
    for id in 0..12 {
        let large = Large { id, deeds: &[Deed::Fail], nothing: &nothing };
        sender.service().broker.publish("news", &large).await.unwrap();
    }
    // Seven times ten megabytes are more than 64.
    sights.messages(7).await;
    sleep(Duration::from_millis(700)).await;
    assert_eq!(sights.counts().into_keys().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
    subscriber.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_rested_comes_before_what_is_new() {
    const ALL: u64 = 800;
    let Some(server) = RabbitServer::start() else { return };
    let sights = Sights::default();
    let scene = Scene::new(&Arc::new(At(server.port())));
    let one = json!({ "handlers": { "alone": { "concurrency": 1, "prefetch": 5000 } } });
    let (sender, subscriber) = (scene.sender().await, scene.subscriber_with(&sights, one).await);
    let publish = async |job: Job| sender.service().broker.publish("news", &job).await.unwrap();
    publish(Job::doing(0, &[Deed::Wait])).await;
    sights.calls(1).await;
    publish(Job::doing(1, &[Deed::Fail, Deed::Succeed])).await;
    join_all((2..ALL).map(|id| publish(Job::doing(id, &[Deed::Sleep(1)])))).await;
    // From here on there is always something new.
    sights.release();
    let seen = sights.until("the second attempt", |seen| seen.iter().any(|sight| sight.attempt == 2)).await;
    assert!(seen.len() < ALL as usize / 2, "it came after {} others", seen.len());
    subscriber.stop().await.unwrap();
    sender.stop().await.unwrap();
}
