//! Stands among services of the Python framework Tamarco, at the same RabbitMQ and with the same file of settings: it
//! answers `price`, takes `orders` as one of those who work on them, and publishes what it has billed.
//!
//! ```text
//! cargo run --example tamarco_peer -- --settings examples/tamarco_peer/settings.yml
//! ```
//!
//! A Tamarco service asks it by `AMQPOutput(queue="price")`, pushes by `AMQPGenericOutput`, and reads by
//! `AMQPSubscriptionInput(queue="billed")`; `tests/peers/tamarco/shop.py` does all of it.

use chassis::{messaging::Amqp, prelude::*};
use serde::{Deserialize, Serialize};

/// What somebody wants to know the price of.
#[derive(Debug, Deserialize)]
struct Quote {
    article: String,
    quantity: u32,
}

#[derive(Debug, Serialize)]
struct Price {
    article: String,
    cents: u64,
}

/// What somebody has ordered.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: u64,
}

#[microservice(name = "billing")]
struct Billing {
    /// Tamarco's own name for it, so that the section of the settings is the same.
    #[resource]
    amqp: Amqp,

    /// What one of an article costs, in cents.
    #[setting(default = 225)]
    cents: Setting<u32>,
}

#[microservice]
impl Billing {
    #[reply(amqp, "price", concurrency = 4)]
    async fn price(&self, quote: Quote) -> Result<Price> {
        let cents = u64::from(self.cents.get()) * u64::from(quote.quantity);
        Ok(Price { article: quote.article, cents })
    }

    /// Acknowledged once it is billed, which a Tamarco service does before it begins.
    #[pull(amqp, "orders", retries = 5)]
    async fn bill(&self, order: Order) -> Result<()> {
        self.amqp.publish("billed", &order).await?;
        tracing::info!("order {} is billed", order.id);
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    Billing::run()
}
