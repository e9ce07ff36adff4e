//! What the AMQP broker costs beside lapin alone, on the same RabbitMQ, with the same acknowledgements and confirms.
//!
//! `cargo bench -p chassis-tests --bench amqp`; needs RabbitMQ.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a benchmark measures real time, and may fail")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use bytes::Bytes;
use chassis::{codec::Raw, messaging::Amqp, prelude::*};
use chassis_tests::RabbitServer;
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
use tokio::sync::Notify;

const ROUNDS: usize = 7;
const MESSAGES: u64 = 20_000;
const PREFETCH: u16 = 200;
const WINDOW: usize = 1_000;
const QUEUE: &str = "push_pull.orders";

/// Counts messages up to the last one.
#[microservice]
struct Consumer {
    #[resource]
    broker: Amqp,
    count: AtomicU64,
    done: Notify,
}

#[microservice]
impl Consumer {
    #[pull(broker, "orders", prefetch = 200, codec = Raw)]
    async fn order(&self, _: Bytes) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == MESSAGES {
            self.done.notify_one();
        }
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(compare(server.port()));
}

async fn compare(port: u16) {
    let body = Bytes::from(vec![b'x'; 1024]);
    let mut results: [Vec<(f64, f64)>; 4] = Default::default();
    for _ in 0..ROUNDS {
        results[0].push(measured(publish_by_hand(port, &body)).await);
        results[2].push(measured(consume_by_hand(port)).await);
        results[1].push(measured(publish(port, &body)).await);
        results[3].push(measured(consume(port)).await);
    }
    let [raw_publish, publish, raw_consume, consume] = results.map(median);
    println!("messages of 1 KB: messages/s, and microseconds of CPU for each");
    table("publish, confirms, window 1000", raw_publish, publish);
    table("consume and ack, prefetch 200", raw_consume, consume);
}

fn table(what: &str, (raw_rate, raw_cpu): (f64, f64), (rate, cpu): (f64, f64)) {
    let (times, cpu_times) = (rate / raw_rate, cpu / raw_cpu);
    println!(
        "{what:32} lapin {raw_rate:8.0} {raw_cpu:6.2}   chassis {rate:8.0} {cpu:6.2}   {times:.2} × (CPU {cpu_times:.2} ×)"
    );
}

fn settings(port: u16) -> serde_json::Value {
    json!({
        "logging": { "levels": { "chassis::message": "warn" } },
        "resources": { "broker": { "port": port, "send_timeout": "60s", "codec": "raw" } },
    })
}

async fn publish(port: u16, body: &Bytes) {
    let running = Producer::builder().settings(settings(port)).start().await.unwrap();
    let broker = &running.service().broker;
    let sent = stream::iter(0..MESSAGES).map(|_| async move { broker.push("orders", body).codec(Raw).await });
    let mut sent = sent.buffer_unordered(WINDOW);
    while let Some(sent) = sent.next().await {
        sent.unwrap();
    }
    drop(sent);
    running.stop().await.unwrap();
}

async fn consume(port: u16) {
    let running = Consumer::builder().settings(settings(port)).start().await.unwrap();
    running.service().done.notified().await;
    running.stop().await.unwrap();
}

async fn channel(port: u16) -> (Connection, Channel) {
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = Connection::connect(&url, ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(QUEUE.into(), options, FieldTable::default()).await.unwrap();
    (connection, channel)
}

async fn publish_by_hand(port: u16, body: &Bytes) {
    let (connection, channel) = channel(port).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (channel, options) = (&channel, BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() });
    let sent = stream::iter(0..MESSAGES).map(|_| async move {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let confirm = channel.basic_publish("".into(), QUEUE.into(), options, body, properties).await.unwrap();
        assert!(confirm.await.unwrap().is_ack());
    });
    sent.buffer_unordered(WINDOW).for_each(|()| async {}).await;
    connection.close(200, "".into()).await.unwrap();
}

async fn consume_by_hand(port: u16) {
    let (connection, channel) = channel(port).await;
    channel.basic_qos(PREFETCH, BasicQosOptions::default()).await.unwrap();
    let consumer =
        channel.basic_consume(QUEUE.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = consumer.await.unwrap();
    for _ in 0..MESSAGES {
        let delivery = consumer.next().await.unwrap().unwrap();
        assert_eq!(delivery.data.len(), 1024);
        delivery.acker.ack(BasicAckOptions::default()).await.unwrap();
    }
    connection.close(200, "".into()).await.unwrap();
}

/// Messages per second, and microseconds of CPU for each.
async fn measured(work: impl Future<Output = ()>) -> (f64, f64) {
    let (began, cpu) = (Instant::now(), cpu());
    work.await;
    let (took, cpu) = (began.elapsed(), self::cpu() - cpu);
    (MESSAGES as f64 / took.as_secs_f64(), cpu.as_secs_f64() * 1e6 / MESSAGES as f64)
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn median(mut measured: Vec<(f64, f64)>) -> (f64, f64) {
    measured.sort_by(|one, other| one.0.total_cmp(&other.0));
    measured[measured.len() / 2]
}
