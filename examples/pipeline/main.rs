//! Three services in a row, over any broker by settings alone: orders are placed, priced and shipped.
//!
//! `cargo run --example pipeline` runs all of them in one process, over the broker in memory. Each by itself, over a broker
//! that they share: `PIPELINE=shop cargo run --example pipeline -- --settings examples/pipeline/settings.yml`, and the same
//! with `pricing` and `shipping`. Another `engine` in that file moves the whole pipeline there.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
};

use chassis::{
    messaging::{Broker, Message},
    prelude::*,
    yaml,
};
use serde::{Deserialize, Serialize};

/// What somebody wants.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    number: u64,
    pieces: u32,
}

/// What it costs.
#[derive(Debug, Serialize, Deserialize)]
struct Priced {
    order: Order,
    cents: u64,
}

/// Places an order a second.
#[microservice(name = "shop")]
struct Shop {
    #[resource]
    broker: Broker,
    number: AtomicU64,
}

#[microservice]
impl Shop {
    #[task_timer(interval = "1s", immediate)]
    async fn place(&self) -> Result<()> {
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        self.broker.push("orders", &Order { number, pieces: 3 }).await
    }
}

/// Knows prices: one of its instances handles each order.
#[microservice(name = "pricing")]
struct Pricing {
    #[resource]
    broker: Broker,
    /// What a piece costs.
    #[setting(default = 250)]
    cents: Setting<u64>,
}

#[microservice]
impl Pricing {
    #[pull(broker, "orders", concurrency = 4)]
    async fn price(&self, order: Order) -> Result<()> {
        let cents = self.cents.get() * u64::from(order.pieces);
        self.broker.publish("orders.priced", &Priced { order, cents }).await
    }
}

/// Sends parcels: one of its instances gets each order, however many others are subscribed.
#[microservice(name = "shipping")]
struct Shipping {
    #[resource]
    broker: Broker,
    /// Orders on their way.
    #[meter]
    shipped: Counter,
}

#[microservice]
impl Shipping {
    #[subscribe(broker, "orders.priced", group = "shipping")]
    async fn ship(&self, priced: Message<Priced>) {
        tracing::info!("order {} is on its way, for {} cents", priced.order.number, priced.cents);
        self.shipped.inc();
    }
}

/// All three in one process.
#[microservice(name = "pipeline")]
struct Pipeline {}

#[microservice]
impl Pipeline {
    #[task]
    async fn run_all(&self, stop: Shutdown) -> Result<()> {
        let settings = || yaml! { resources: { broker: { engine: "memory", memory: { hub: "pipeline" } } } };
        let shipping = Shipping::builder().settings(settings()).log_to_stdout().start().await?;
        let pricing = Pricing::builder().settings(settings()).log_to_stdout().start().await?;
        let shop = Shop::builder().settings(settings()).log_to_stdout().start().await?;
        stop.wait().await;
        shop.stop().await?;
        pricing.stop().await?;
        shipping.stop().await?;
        Ok(())
    }
}

fn main() -> ExitCode {
    match std::env::var("PIPELINE").as_deref() {
        Ok("shop") => Shop::run(),
        Ok("pricing") => Pricing::run(),
        Ok("shipping") => Shipping::run(),
        _ => Pipeline::run(),
    }
}
