//! Stands in a system of services of the PyPI package `service-framework`: it answers `price`, as one of them would, and
//! publishes what it has answered.
//!
//! ```text
//! cargo run --example service_framework_peer -- --settings examples/service_framework_peer/settings.yml
//! ```
//!
//! A Python service reaches it by `{"out": {"price": {"requester": "127.0.0.1:5001"}}}`, and reads `sold` by
//! `{"in": {"sold": {"subscriber": "127.0.0.1:5002"}}}`.

use chassis::{
    messaging::{
        Zmq,
        zmq::{Decimal, Set},
    },
    prelude::*,
};
use serde::{Deserialize, Serialize};

/// What the model calls `required_arguments`, and as an `Option` `optional_arguments`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    article: String,
    quantity: u32,
    #[serde(default)]
    tags: Option<Set<String>>,
}

/// What it calls `required_return_arguments`.
#[derive(Debug, Clone, Serialize)]
struct Price {
    article: String,
    total: Decimal,
}

#[microservice(name = "prices")]
struct Prices {
    #[resource]
    zmq: Zmq,

    /// What one of an article costs, in cents.
    #[setting(default = 225)]
    cents: Setting<u32>,
}

#[microservice]
impl Prices {
    #[reply(zmq, "price", concurrency = 4)]
    async fn price(&self, quote: Quote) -> Result<Price> {
        let cents = u64::from(self.cents.get()) * u64::from(quote.quantity);
        let total = format!("{}.{:02}", cents / 100, cents % 100).parse()?;
        let price = Price { article: quote.article, total };
        // Part of the same workflow: whoever reads it finds both by one id.
        let topic = quote.tags.and_then(|tags| tags.first().cloned());
        self.zmq.publish("sold", &price).key(topic.unwrap_or_else(|| "untagged".to_owned())).await?;
        Ok(price)
    }
}

fn main() -> std::process::ExitCode {
    Prices::run()
}
