/// Prices orders.
#[microservice(free_settings)]
struct Pricing {
    /// How many orders are on a page.
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[setting]
    key: Secret<String>,
    #[setting(rename = "patience", default = "5s", unit = "ms", max = "1m", alias = "timeout")]
    waits: Duration,
    #[setting(serde, default)]
    window: Range,
    /// Orders that were priced.
    #[meter]
    priced: Counter<ByCurrency>,
    /// How long pricing takes.
    #[meter(name = "latency", unit = "seconds", buckets = [0.001, 0.01, 0.1], max_series = 100)]
    took: Histogram,
    #[meter(quantiles = [0.5, 0.99], window = "10s")]
    sizes: Summary,
    cache: Mutex<HashMap<Uuid, Order>>,
    #[init(Instant::now())]
    since: Instant,
}
