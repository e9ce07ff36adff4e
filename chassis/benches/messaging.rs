//! What the broker in memory costs beside the channels of tokio, with the same bodies written and read.
//!
//! `cargo bench -p chassis --features full --bench messaging`.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chassis::{Running, messaging::Memory, prelude::*};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast, mpsc, oneshot};

/// Rounds of each way, in turns.
const ROUNDS: usize = 51;
const MESSAGES: u64 = 50_000;
const REQUESTS: u64 = 20_000;

/// About 1 KB as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Order {
    id: u64,
    customer: String,
    text: String,
}

impl Order {
    fn new(id: u64) -> Self {
        Self { id, customer: "customer".to_owned(), text: "x".repeat(960) }
    }
}

/// Counts messages up to the last one.
#[derive(Default)]
struct Count {
    count: AtomicU64,
    done: Notify,
}

impl Count {
    fn one(&self, of: u64) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == of {
            self.done.notify_one();
        }
    }
}

#[microservice]
struct Shop {
    #[resource]
    broker: Memory,
    count: Count,
}

#[microservice]
impl Shop {
    #[pull(broker, "orders")]
    async fn order(&self, _: Order) {
        self.count.one(MESSAGES);
    }

    #[subscribe(broker, "news")]
    async fn news(&self, _: Order) {
        self.count.one(MESSAGES);
    }

    #[reply(broker, "double")]
    async fn double(&self, order: Order) -> Result<u64> {
        Ok(order.id * 2)
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    for (title, level) in [("said at warn only", "warn"), ("a line for each message", "info")] {
        println!("\n{title}: messages/s, and microseconds of CPU for each");
        runtime.block_on(compare(level));
    }
}

async fn compare(level: &str) {
    let running = start(level).await;
    let ways: [(&str, u64); 3] = [("push/pull", MESSAGES), ("publish/subscribe", MESSAGES), ("request", REQUESTS)];
    for (way, count) in ways {
        let (mut raw, mut own) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            raw.push(measured(count, by_channels(way)).await);
            own.push(measured(count, by_broker(&running, way)).await);
        }
        // Of each round by itself: a machine that becomes slower does so for both.
        let ratio = |of: fn(&(f64, f64)) -> f64| median(own.iter().zip(&raw).map(|(own, raw)| of(own) / of(raw)));
        let (rate, cpu) = (ratio(|measured| measured.0), ratio(|measured| measured.1));
        let both = |of: &[(f64, f64)]| (median(of.iter().map(|one| one.0)), median(of.iter().map(|one| one.1)));
        let ((raw_rate, raw_cpu), (own_rate, own_cpu)) = (both(&raw), both(&own));
        println!(
            "{way:18} tokio {raw_rate:9.0} {raw_cpu:6.2}   chassis {own_rate:9.0} {own_cpu:6.2}   {rate:.2} × (CPU {cpu:.2} ×)"
        );
    }
    running.stop().await.unwrap_or_else(|error| panic!("{error:#}"));
}

async fn start(level: &str) -> Running<Shop> {
    let settings: Value = json!({ "logging": { "levels": { "chassis::message": level } } });
    Shop::builder().settings(settings).start().await.unwrap_or_else(|error| panic!("{error:#}"))
}

async fn by_broker(running: &Running<Shop>, way: &str) {
    let shop = running.service();
    shop.count.count.store(0, Ordering::Relaxed);
    match way {
        "request" => {
            for id in 0..REQUESTS {
                let answer: Result<u64> = shop.broker.request("double", &Order::new(id)).await;
                assert_eq!(answer.ok(), Some(id * 2));
            }
        }
        _ => {
            for id in 0..MESSAGES {
                let sent = match way {
                    "push/pull" => shop.broker.push("orders", &Order::new(id)).await,
                    _ => shop.broker.publish("news", &Order::new(id)).await,
                };
                sent.unwrap_or_else(|error| panic!("{error:#}"));
            }
            shop.count.done.notified().await;
        }
    }
}

/// The same by hand: bounded channels of bytes.
async fn by_channels(way: &str) {
    match way {
        "push/pull" => {
            let (sender, mut receiver) = mpsc::channel::<Vec<u8>>(100_000);
            let count = Arc::new(Count::default());
            let counting = Arc::clone(&count);
            tokio::spawn(async move {
                while let Some(body) = receiver.recv().await {
                    assert!(serde_json::from_slice::<Order>(&body).is_ok());
                    counting.one(MESSAGES);
                }
            });
            for id in 0..MESSAGES {
                let sent = sender.send(serde_json::to_vec(&Order::new(id)).unwrap_or_default()).await;
                assert!(sent.is_ok());
            }
            count.done.notified().await;
        }
        "publish/subscribe" => {
            let (sender, mut receiver) = broadcast::channel::<Arc<Vec<u8>>>(131_072);
            let count = Arc::new(Count::default());
            let counting = Arc::clone(&count);
            tokio::spawn(async move {
                while let Ok(body) = receiver.recv().await {
                    assert!(serde_json::from_slice::<Order>(&body).is_ok());
                    counting.one(MESSAGES);
                }
            });
            for id in 0..MESSAGES {
                let sent = sender.send(Arc::new(serde_json::to_vec(&Order::new(id)).unwrap_or_default()));
                assert!(sent.is_ok());
                // As the others do now and then, or nobody would be served before the last one is sent.
                tokio::task::consume_budget().await;
            }
            count.done.notified().await;
        }
        _ => {
            let (sender, mut receiver) = mpsc::channel::<(Vec<u8>, oneshot::Sender<Vec<u8>>)>(100_000);
            tokio::spawn(async move {
                while let Some((body, answer)) = receiver.recv().await {
                    let order: Order = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}"));
                    // A caller that has gone is no matter.
                    let _ = answer.send(serde_json::to_vec(&(order.id * 2)).unwrap_or_default());
                }
            });
            for id in 0..REQUESTS {
                let (answer, answered) = oneshot::channel();
                let body = serde_json::to_vec(&Order::new(id)).unwrap_or_default();
                assert!(sender.send((body, answer)).await.is_ok());
                let body = answered.await.unwrap_or_default();
                assert_eq!(serde_json::from_slice::<u64>(&body).ok(), Some(id * 2));
            }
        }
    }
}

/// Messages per second, and microseconds of CPU for each.
async fn measured(count: u64, work: impl Future<Output = ()>) -> (f64, f64) {
    let (began, cpu) = (Instant::now(), cpu());
    work.await;
    let (took, cpu) = (began.elapsed(), self::cpu() - cpu);
    (count as f64 / took.as_secs_f64(), cpu.as_secs_f64() * 1e6 / count as f64)
}

fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn median(measured: impl Iterator<Item = f64>) -> f64 {
    let mut measured: Vec<f64> = measured.collect();
    measured.sort_by(f64::total_cmp);
    measured[measured.len() / 2]
}
