//! What the Kafka broker costs beside its client alone, on the same cluster: both read what lies there already.
//!
//! `cargo bench -p chassis-tests --no-default-features --features kafka --bench kafka`. The cluster is in this
//! process, so the CPU time is that of both sides of the connection; and, where `CHASSIS_TANSU` names one, a broker that is a
//! process of its own.
//!
//! A loop by hand that handles where it polls is thrown out of its group by a handler that takes its time. So there is a
//! second one beside it, which polls on a thread of its own and hands each message to a task, as it is done most simply.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::{thread, time::Duration};

use bytes::Bytes;
use chassis::{codec::Raw, messaging::Kafka, prelude::*};
use chassis_tests::{Course, KafkaCluster, KafkaServer, Pace, compare};
use rdkafka::{
    ClientConfig, Message as _,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    consumer::{BaseConsumer, Consumer as _, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::json;
use tokio::{sync::mpsc, time::sleep};

const ROUNDS: usize = 7;
/// It is many times as slow.
const SERVER_ROUNDS: usize = 5;
/// The cluster keeps 5 MB of each partition.
const PARTITIONS: i32 = 48;
/// More than the client reads ahead.
const MESSAGES: u64 = 160_000;
const SLOW_MESSAGES: u64 = 2_000;
const WORK: Duration = Duration::from_millis(1);

#[microservice]
struct Quick {
    #[resource]
    broker: Kafka,
    course: Course,
}

#[microservice]
impl Quick {
    #[pull(broker, "orders", codec = Raw)]
    async fn order(&self, _: Bytes) {
        self.course.one(MESSAGES);
    }
}

#[microservice]
struct Slow {
    #[resource]
    broker: Kafka,
    course: Course,
}

#[microservice]
impl Slow {
    #[pull(broker, "orders", codec = Raw, concurrency = 8)]
    async fn order(&self, _: Bytes) {
        sleep(WORK).await;
        self.course.one(SLOW_MESSAGES);
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let cluster = KafkaCluster::start(1);
    cluster.mock().create_topic("orders", PARTITIONS, 1).unwrap();
    println!("messages of 1 KB: messages/s, and microseconds of CPU for each");
    beside("the cluster in this process", &cluster.servers(), ROUNDS).await;
    drop(cluster);
    if std::env::var_os("CHASSIS_TANSU").is_some() {
        let server = KafkaServer::start().unwrap();
        make_topic(&server.servers()).await;
        beside("a broker of its own", &server.servers(), SERVER_ROUNDS).await;
    }
}

async fn beside(what: &str, servers: &str, rounds: usize) {
    fill(servers).await;
    println!("{what}:");
    let mut results: [Vec<Pace>; 5] = Default::default();
    for round in 0..rounds {
        let group = |kind: &str| format!("{kind} {round}");
        if round % 2 == 0 {
            results[0].push(by_hand(servers, &group("quick by hand"), MESSAGES, None).await);
            results[1].push(quick(servers, &group("quick")).await);
        } else {
            results[1].push(quick(servers, &group("quick")).await);
            results[0].push(by_hand(servers, &group("quick by hand"), MESSAGES, None).await);
        }
        results[4].push(by_hand_apart(servers, &group("quick by hand, apart")).await);
        results[2].push(by_hand(servers, &group("slow by hand"), SLOW_MESSAGES, Some(WORK)).await);
        let slow = Slow::builder().settings(settings(servers, &group("slow"))).start().await.unwrap();
        results[3].push(slow.service().course.end().await);
        slow.stop().await.unwrap();
    }
    let [raw, ours, raw_slow, slow, raw_apart] = results;
    compare("consume and commit, one at a time", ("rdkafka", &raw), &ours, 0.95);
    compare("the same, polled on a thread of its own", ("rdkafka", &raw_apart), &ours, 0.85);
    compare("1 ms of work: one at a time, 8 at a time", ("rdkafka", &raw_slow), &slow, 3.0);
}

async fn quick(servers: &str, group: &str) -> Pace {
    let quick = Quick::builder().settings(settings(servers, group)).start().await.unwrap();
    let pace = quick.service().course.end().await;
    quick.stop().await.unwrap();
    pace
}

fn settings(servers: &str, group: &str) -> serde_json::Value {
    json!({
        "logging": { "levels": { "chassis::message": "warn" } },
        "resources": { "broker": { "bootstrap_servers": servers, "group": group, "codec": "raw", "max_uncommitted": 100_000 } },
    })
}

async fn make_topic(servers: &str) {
    let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", servers).create().unwrap();
    let topic = NewTopic::new("orders", PARTITIONS, TopicReplication::Fixed(1));
    let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
}

async fn fill(servers: &str) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("linger.ms", "5");
    config.set("queue.buffering.max.messages", (MESSAGES + 1).to_string());
    let producer: FutureProducer = config.create().unwrap();
    let body = vec![b'x'; 1024];
    let mut sent = Vec::new();
    for number in 0..MESSAGES {
        let record = FutureRecord::<(), _>::to("orders").payload(&body).partition((number % PARTITIONS as u64) as i32);
        sent.push(producer.send_result(record).unwrap());
    }
    for sent in sent {
        sent.await.unwrap().unwrap();
    }
}

fn config(servers: &str, group: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", servers).set("group.id", group).set("auto.offset.reset", "earliest");
    config.set("auto.commit.interval.ms", "500");
    // As chassis says them.
    config.set("fetch.wait.max.ms", "100").set("fetch.queue.backoff.ms", "50");
    config
}

/// The client's own loop, with commits in the background.
async fn by_hand(servers: &str, group: &str, messages: u64, work: Option<Duration>) -> Pace {
    let consumer: StreamConsumer = config(servers, group).create().unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let course = Course::default();
    for _ in 0..messages {
        let message = consumer.recv().await.unwrap();
        assert_eq!(message.payload().unwrap().len(), 1024);
        if let Some(work) = work {
            sleep(work).await;
        }
        course.one(messages);
    }
    course.end().await
}

/// The client's loop on a thread of its own, and a task that handles. What was handed over counts as done.
async fn by_hand_apart(servers: &str, group: &str) -> Pace {
    let consumer: BaseConsumer = config(servers, group).create().unwrap();
    consumer.subscribe(&["orders"]).unwrap();
    let (hand_over, mut handed_over) = mpsc::channel(1_000);
    let polling = thread::spawn(move || {
        while !hand_over.is_closed() {
            let Some(message) = consumer.poll(Duration::from_millis(50)) else { continue };
            let body = Bytes::copy_from_slice(message.unwrap().payload().unwrap());
            if hand_over.blocking_send(body).is_err() {
                break;
            }
        }
    });
    let course = Course::default();
    for _ in 0..MESSAGES {
        let body = handed_over.recv().await.unwrap();
        assert_eq!(body.len(), 1024);
        course.one(MESSAGES);
    }
    drop(handed_over);
    let pace = course.end().await;
    tokio::task::spawn_blocking(|| polling.join().unwrap()).await.unwrap();
    pace
}
