//! Meters of every type, and what Prometheus makes of them.
//!
//! `cargo run --example metrics`, then `curl http://127.0.0.1:5747/metrics`.

use chassis::{metrics::MeterOptions, prelude::*};

/// Prices orders that come out of nowhere.
#[microservice(name = "pricing")]
struct Pricing {
    /// Orders priced.
    #[meter]
    priced: Counter<ByOrder>,
    /// Orders being priced at the moment.
    #[meter]
    pricing: Gauge,
    /// How long pricing takes.
    #[meter(unit = "seconds", buckets = [0.001, 0.005, 0.01, 0.05])]
    latency: Histogram,
    /// Items of an order.
    #[meter(quantiles = [0.5, 0.99], window = "1m")]
    items: Summary,
    /// Which shop an order is from; too many to count each of them.
    #[meter(max_series = 10)]
    shops: Counter<ByShop<'static>>,
}

#[derive(Labels)]
struct ByOrder {
    currency: Currency,
    express: bool,
}

#[derive(Labels)]
enum Currency {
    #[label(rename = "EUR")]
    Euro,
    #[label(rename = "USD")]
    Dollar,
}

#[derive(Labels)]
struct ByShop<'a> {
    shop: &'a str,
}

#[microservice]
impl Pricing {
    /// A meter that is no field: made once, found again by its name.
    #[before(start)]
    async fn remember_the_start(&self, cx: Context) -> Result<()> {
        let starts: Counter = cx.metrics().meter(MeterOptions::new("starts", "Starts of the service."))?;
        starts.inc();
        Ok(())
    }

    #[task_timer(interval = "100ms", immediate)]
    async fn order(&self, cx: Context) {
        let number = fastrand::u32(..);
        let _being_priced = self.pricing.track();
        let price = self.price(number).await;
        self.items.record(1 + number % 20);
        let currency = if price % 2 == 0 { Currency::Euro } else { Currency::Dollar };
        self.priced.with(&ByOrder { currency, express: number.is_multiple_of(10) }).inc();
        self.shops.with(&ByShop { shop: &format!("shop {}", number % 100) }).inc();
        // What a library records without knowing of services.
        metrics::counter!("library_lookups", "table" => "prices").increment(1);
        tracing::debug!(service = cx.service_name(), price, "priced");
    }

    /// The time of each call goes into `latency`, also when it fails or is cancelled.
    #[timed(latency)]
    async fn price(&self, number: u32) -> u32 {
        tokio::time::sleep(Duration::from_millis(u64::from(number % 8))).await;
        number / 7
    }
}

fn main() -> std::process::ExitCode {
    Pricing::run()
}
