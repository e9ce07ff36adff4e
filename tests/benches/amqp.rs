//! What the AMQP broker costs beside lapin alone, and beside FastStream, on the same RabbitMQ, with the same prefetch and
//! confirms. All of them acknowledge what was handled: FastStream each message, chassis several at once, lapin in both ways.
//!
//! `cargo bench -p chassis-tests --no-default-features --bench amqp`; needs RabbitMQ, and Python for
//! FastStream, which it installs.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use chassis::{codec::Raw, messaging::Amqp, prelude::*};
use chassis_tests::{Course, Lap, Pace, RabbitServer, compare, python_with};
use futures_util::{StreamExt as _, stream};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};
use serde_json::json;

const ROUNDS: usize = 7;
const MESSAGES: u64 = 20_000;
const PREFETCH: u16 = 200;
const WINDOW: usize = 1_000;
const QUEUE: &str = "push_pull.orders";

/// Pinned, so that a new release is an intended change.
const FASTSTREAM: [&str; 2] = ["faststream[rabbit]==0.7.8", "aio-pika==10.2.1"];
const FASTSTREAM_ROUNDS: usize = 5;
/// Enough that the broker seldom waits for an acknowledgement.
const WIDE: u16 = 1_000;

/// Whether messages are on disk. Those of FastStream are not, unless it is told so.
const PERSISTENT: u8 = 2;
const TRANSIENT: u8 = 1;

/// Counts messages up to the last one.
#[microservice]
struct Consumer {
    #[resource]
    broker: Amqp,
    course: Course,
}

#[microservice]
impl Consumer {
    #[pull(broker, "orders", codec = Raw)]
    async fn order(&self, body: Bytes) {
        assert_eq!(body.len(), 1024);
        self.course.one(MESSAGES);
    }
}

/// Only sends.
#[microservice]
struct Producer {
    #[resource]
    broker: Amqp,
}

#[microservice]
impl Producer {}

fn main() {
    let server = RabbitServer::start().expect("RabbitMQ is needed");
    let python = python_with("faststream", &FASTSTREAM);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(server.port(), python));
}

async fn measure(port: u16, python: Option<PathBuf>) {
    let body = Bytes::from(vec![b'x'; 1024]);
    let mut results: [Vec<Pace>; 5] = Default::default();
    for round in 0..ROUNDS {
        // Whoever is first finds the broker busy with what was before.
        if round % 2 == 0 {
            results[0].push(publish_by_hand(port, &body, PERSISTENT).await);
            results[1].push(consume_by_hand(port, PREFETCH, 1).await);
            results[2].push(publish(port, &body).await);
            results[3].push(consume(port, PREFETCH).await);
        } else {
            results[2].push(publish(port, &body).await);
            results[3].push(consume(port, PREFETCH).await);
            results[0].push(publish_by_hand(port, &body, PERSISTENT).await);
            results[1].push(consume_by_hand(port, PREFETCH, 1).await);
        }
        publish_by_hand(port, &body, PERSISTENT).await;
        results[4].push(consume_by_hand(port, PREFETCH, at_once(PREFETCH)).await);
    }
    let [raw_publish, raw_consume, publish, consume, raw_at_once] = results;
    println!("messages of 1 KB: messages/s, and microseconds of CPU of the client for each");
    compare("publish, confirms, window 1000", ("lapin", &raw_publish), &publish, 0.95);
    compare("consume and ack, prefetch 200", ("lapin", &raw_consume), &consume, 0.95);
    compare("the same, lapin tells of 50 at once", ("lapin", &raw_at_once), &consume, 0.95);
    if let Some(python) = python {
        beside_faststream(port, &python, &body).await;
    }
}

/// Each beside FastStream, and beside what the same broker gives lapin in the same minute.
async fn beside_faststream(port: u16, python: &Path, body: &Bytes) {
    let rows = [
        ("consume and ack, prefetch 200", TRANSIENT, PREFETCH),
        ("consume and ack, prefetch 1000", TRANSIENT, WIDE),
        ("consume and ack from disk, prefetch 1000", PERSISTENT, WIDE),
    ];
    for (what, mode, prefetch) in rows {
        let mut results: [Vec<Pace>; 3] = Default::default();
        for _ in 0..FASTSTREAM_ROUNDS {
            publish_by_hand(port, body, mode).await;
            results[0].push(consume_by_faststream(python, port, prefetch));
            publish_by_hand(port, body, mode).await;
            results[1].push(consume(port, prefetch).await);
            publish_by_hand(port, body, mode).await;
            results[2].push(consume_by_hand(port, prefetch, at_once(prefetch)).await);
        }
        let [faststream, ours, raw] = results;
        compare(what, ("FastStream", &faststream), &ours, 15.0);
        let by_hand = format!("the same, lapin tells of {} at once", at_once(prefetch));
        compare(&by_hand, ("lapin", &raw), &ours, 0.95);
    }
}

/// How many chassis acknowledges as one at most: a quarter of what may be in flight.
fn at_once(prefetch: u16) -> u64 {
    u64::from(prefetch / 4)
}

fn settings(port: u16) -> serde_json::Value {
    json!({
        "logging": { "levels": { "chassis::message": "warn" } },
        "resources": { "broker": { "port": port, "send_timeout": "60s", "codec": "raw" } },
    })
}

async fn publish(port: u16, body: &Bytes) -> Pace {
    let running = Producer::builder().settings(settings(port)).start().await.unwrap();
    let broker = &running.service().broker;
    let lap = Lap::begin();
    let sent = stream::iter(0..MESSAGES).map(|_| async move { broker.push("orders", body).codec(Raw).await });
    let mut sent = sent.buffer_unordered(WINDOW);
    while let Some(sent) = sent.next().await {
        sent.unwrap();
    }
    let pace = lap.end(MESSAGES);
    drop(sent);
    running.stop().await.unwrap();
    pace
}

async fn consume(port: u16, prefetch: u16) -> Pace {
    let mut settings = settings(port);
    settings["resources"]["broker"]["handlers"] = json!({ "order": { "prefetch": prefetch } });
    let running = Consumer::builder().settings(settings).start().await.unwrap();
    let pace = running.service().course.end().await;
    running.stop().await.unwrap();
    pace
}

async fn channel(port: u16) -> (Connection, Channel) {
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), options, FieldTable::default()).await.unwrap();
    (connection, channel)
}

async fn publish_by_hand(port: u16, body: &Bytes, mode: u8) -> Pace {
    let (connection, channel) = channel(port).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (channel, options) = (&channel, BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() });
    let lap = Lap::begin();
    let sent = stream::iter(0..MESSAGES).map(|_| async move {
        let properties = BasicProperties::default().with_delivery_mode(mode);
        let confirm = channel.basic_publish("".into(), QUEUE.into(), options, body, properties).await.unwrap();
        assert!(confirm.await.unwrap().is_ack());
    });
    sent.buffer_unordered(WINDOW).for_each(|()| async {}).await;
    let pace = lap.end(MESSAGES);
    connection.close(200, "".into()).await.unwrap();
    pace
}

/// Acknowledges so many at once.
async fn consume_by_hand(port: u16, prefetch: u16, at_once: u64) -> Pace {
    let (connection, channel) = channel(port).await;
    channel.basic_qos(prefetch, BasicQosOptions::default()).await.unwrap();
    let consumer =
        channel.basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = consumer.await.unwrap();
    let course = Course::default();
    for number in 1..=MESSAGES {
        let delivery = consumer.next().await.unwrap().unwrap();
        assert_eq!(delivery.data.len(), 1024);
        course.one(MESSAGES);
        if number % at_once == 0 {
            delivery.acker.ack(BasicAckOptions { multiple: at_once > 1 }).await.unwrap();
        }
    }
    let pace = course.end().await;
    connection.close(200, "".into()).await.unwrap();
    pace
}

/// It measures itself in the same way.
fn consume_by_faststream(python: &Path, port: u16, prefetch: u16) -> Pace {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/faststream/consume.py");
    let arguments = [port.to_string(), QUEUE.to_owned(), prefetch.to_string(), MESSAGES.to_string()];
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |what: &str| said[what].as_f64().unwrap();
    Pace { rate: of("rate"), cpu: of("cpu") }
}
