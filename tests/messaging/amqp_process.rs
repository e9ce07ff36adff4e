//! Services as processes at a RabbitMQ: killed and stopped while they work off a queue, and given more than they can hold.
//!
//! `CHASSIS_SOAK_ROUNDS=100` looks further than the normal run.

use std::{sync::Arc, time::Duration};

use chassis::messaging::amqp::AmqpEngine;
use chassis_tests::RabbitServer;
use serde_json::{Value, json};
use tokio::{task::block_in_place, time::Instant};

use super::{
    load::rounds,
    place::Place,
    scene::Scene,
    workshop::{Workshop, is_hopeless, memory, push_all, stop, until_dead},
};

/// A broker at a port.
struct At(u16);

impl Place for At {
    type Engine = AmqpEngine;

    fn settings(&self, space: &str) -> Value {
        json!({ "port": self.0, "queues_prefix": space })
    }
}

/// What workers at that port are set to, with this handler.
fn broker(port: u16, space: &str, handler: Value) -> Value {
    let amqp = json!({ "port": port, "queues_prefix": space });
    json!({ "engine": "amqp", "amqp": amqp, "handlers": { "job": handler } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_again_and_again_loses_nothing() {
    const PREFETCH: usize = 32;
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    let kills = rounds(4);
    let handler = json!({ "concurrency": 8, "prefetch": PREFETCH });
    let mut shop = Workshop::new(broker(server.port(), scene.space(), handler), Duration::from_millis(1), false);
    let mut deaths = Vec::new();
    let (service, all) = shop.kill(&sender, kills, 1000, |shop| deaths.push(shop.done.len())).await;
    shop.until_done(0..all).await;
    stop(service);
    shop.read();
    let repeats = shop.repeats(&deaths);
    eprintln!("{kills} kills, {all} messages, {} done again: {repeats:?}", repeats.iter().sum::<usize>());
    assert!(repeats.iter().all(|again| *again <= PREFETCH) && repeats[0] == 0, "{repeats:?}");
    let queue = format!("{}.push_pull.jobs", scene.space());
    assert_eq!(block_in_place(|| server.waiting("/", &queue)), Some(0), "what is done is acknowledged");
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_while_a_service_is_killed_is_tried_again_or_a_dead_letter() {
    const PREFETCH: usize = 32;
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    let kills = rounds(4);
    let handler = json!({ "concurrency": 8, "prefetch": PREFETCH, "min_delay": "50ms", "max_delay": "50ms" });
    let broker = broker(server.port(), scene.space(), handler);
    let mut shop = Workshop::new(broker, Duration::from_millis(1), true);
    let (service, all) = shop.kill(&sender, kills, 500, |_| ()).await;
    shop.until_done((0..all).filter(|number| !is_hopeless(number))).await;
    until_dead(&sender, (0..all).filter(is_hopeless)).await;
    stop(service);
    let again = shop.repeats(&[])[0];
    eprintln!("{kills} kills, {all} messages of which some fail, {again} done again");
    assert!(again <= kills * PREFETCH, "{again} were done again");
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_stopped_ends_what_it_has_begun_and_gives_the_rest_back() {
    const AT_WORK: usize = 500;
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    let queue = format!("{}.push_pull.jobs", scene.space());
    let handler = json!({ "concurrency": AT_WORK, "prefetch": AT_WORK + 200 });
    let mut shop = Workshop::new(broker(server.port(), scene.space(), handler), Duration::from_millis(600), false);
    let look = |shop: &Workshop, pushed: u64| {
        let waiting = block_in_place(|| server.waiting("/", &queue));
        assert_eq!(waiting, Some(pushed - shop.done.len() as u64), "the rest is back");
    };
    shop.stop_at_work(&sender, AT_WORK, look).await;
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_tiny_messages_than_fit_into_memory_are_sent_and_handled() {
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(At(server.port())));
    let sender = scene.sender().await;
    // A million in a hundred rounds.
    let rounds = rounds(5) as u64;
    let mut shop = Workshop::new(
        broker(server.port(), scene.space(), json!({ "concurrency": 8, "prefetch": 200 })),
        Duration::ZERO,
        false,
    );
    let (began, ours) = (Instant::now(), std::process::id());
    let (mut service, mut figures) = (None, Vec::new());
    for round in 0..rounds {
        push_all(&sender, round * 10_000..(round + 1) * 10_000, 500).await;
        // What was sent before it started waits for it.
        let service = service.get_or_insert_with(|| shop.start());
        shop.read();
        figures.push((memory(ours), memory(service.id())));
    }
    let service = service.unwrap();
    shop.until_done(0..rounds * 10_000).await;
    figures.push((memory(ours), memory(service.id())));
    let (first, most) = (figures[0].0, figures.iter().map(|(ours, _)| *ours).max().unwrap_or_default());
    let its = figures.iter().map(|(_, its)| *its).max().unwrap_or_default();
    eprintln!("{} messages in {:?}: {most} MiB to send, {its} MiB to handle", rounds * 10_000, began.elapsed());
    // The notes that this test keeps are 16 bytes for each message.
    let notes = rounds * 10_000 * 2 * 16 / (1 << 20);
    assert!(most <= first + 32 + notes && its <= 128, "{figures:?}");
    assert!(shop.counts().values().all(|count| *count == 1), "nothing was handled twice");
    stop(service);
    sender.stop().await.unwrap();
}
