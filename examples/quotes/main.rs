//! Request and response: somebody asks for a price, and somebody answers.
//!
//! `cargo run --example quotes` asks three times: for something with a price, for something without one, and in more of a
//! hurry than can be answered.

use chassis::{
    messaging::{Failure, Memory},
    prelude::*,
};
use serde::{Deserialize, Serialize};

/// What is asked for.
#[derive(Debug, Serialize, Deserialize)]
struct Quote {
    article: String,
    pieces: u32,
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
struct Price {
    cents: u64,
}

/// Asks and answers.
#[microservice(name = "quotes")]
struct Quotes {
    #[resource]
    broker: Memory,
}

#[microservice]
impl Quotes {
    #[reply(broker, "price", concurrency = 8)]
    async fn price(&self, quote: Quote) -> Result<Price> {
        match quote.article.as_str() {
            "apple" => Ok(Price { cents: 30 * u64::from(quote.pieces) }),
            "melon" => {
                // It has to be weighed.
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(Price { cents: 200 })
            }
            article => Err(Error::msg(format!("there is no {article}"))),
        }
    }

    #[task(stop_when_done)]
    async fn ask(&self) -> Result<()> {
        for article in ["apple", "stone", "melon"] {
            let quote = Quote { article: article.to_owned(), pieces: 2 };
            let asked = self.broker.request("price", &quote).timeout(Duration::from_millis(500));
            let answer: Result<Price> = asked.await;
            match answer {
                Ok(price) => tracing::info!("2 of {article}: {} cents", price.cents),
                Err(error) => match error.find::<Failure>() {
                    Some(Failure::Answered(why)) => tracing::info!("2 of {article}: {why}"),
                    Some(Failure::Unknown(_)) => tracing::info!("2 of {article}: no answer yet"),
                    _ => return Err(error),
                },
            }
        }
        Ok(())
    }
}

fn main() -> std::process::ExitCode {
    Quotes::run()
}
