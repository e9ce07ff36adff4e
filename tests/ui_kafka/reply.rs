use chassis::{messaging::Kafka, prelude::*};

#[derive(serde::Deserialize)]
struct Quote;

#[microservice]
struct Prices {
    #[resource]
    broker: Kafka,
}

#[microservice]
impl Prices {
    #[reply(broker, "price")]
    async fn price(&self, _: Quote) -> Result<u64> {
        Ok(7)
    }
}

fn main() {}
