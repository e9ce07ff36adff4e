//! What a service counts and measures is exported, together with what libraries in it record.
#![allow(dead_code, clippy::unwrap_used, reason = "a test")]

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use chassis::{
    metrics::{Format, LabelValue, LabelValues, timed},
    prelude::*,
    yaml,
};
use chassis_tests::{Client, Program, no_leaks, no_leaks_paused, tool};

/// Which orders were placed.
#[derive(Labels)]
struct ByOrder<'a> {
    /// Field order says nothing: labels are ordered by name.
    shop: &'a str,
    currency: Currency,
    express: bool,
    #[label(rename = "type")]
    kind: Kind,
}

#[derive(Labels, Clone, Copy)]
enum Currency {
    #[label(rename = "EUR")]
    Euro,
    #[label(rename = "USD")]
    Dollar,
}

/// A value that writes itself.
struct Kind(u8);

impl LabelValue for Kind {
    fn write(&self, values: &mut LabelValues) {
        values.text("kind ");
        self.0.write(values);
    }
}

/// Takes orders and counts them.
#[microservice(name = "web_shop")]
struct Shop {
    /// Orders placed.
    #[meter]
    placed: Counter<ByOrder<'static>>,
    #[meter]
    open_orders: Gauge,
    /// How long pricing takes.
    #[meter(name = "pricing", unit = "seconds", buckets = [0.001, 1.0])]
    took: Histogram,
    /// Bytes of an order.
    #[meter(unit = "bytes", quantiles = [0.5], window = "1m")]
    size: Summary,
    #[meter(max_series = 2)]
    sharded: Counter<Shard>,
}

#[derive(Labels)]
struct Shard(u16);

#[microservice]
impl Shop {
    #[task_timer(interval = "1s")]
    #[timed(took)]
    async fn price(&self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
        metrics::counter!("library_calls").increment(1);
    }
}

impl Shop {
    fn place(&self, shop: &str, currency: Currency) {
        self.placed.with(&ByOrder { shop, currency, express: true, kind: Kind(7) }).inc();
    }
}

/// What `promtool check metrics` has against a text.
#[track_caller]
fn check_with_promtool(text: &str) {
    let Some(promtool) = tool("promtool") else { return };
    let mut checking =
        Command::new(promtool).args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    checking.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = checking.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn meters_are_fields_and_prometheus_understands_them() {
    no_leaks(async {
        let running = Shop::builder().start().await.unwrap();
        let shop = running.service();
        shop.place("a \"quoted\" \\ shop\n", Currency::Euro);
        (0..2).for_each(|_| shop.place("b", Currency::Dollar));
        shop.open_orders.set(3);
        shop.took.record(Duration::from_millis(2));
        shop.size.record(2048_u64);
        (0..5).for_each(|shard| shop.sharded.with(&Shard(shard)).inc());

        let text = running.metrics().render(Format::Text);
        for line in [
            "# HELP web_shop_placed_total Orders placed.",
            r#"web_shop_placed_total{currency="EUR",express="true",shop="a \"quoted\" \\ shop\n",type="kind 7"} 1"#,
            r#"web_shop_placed_total{currency="USD",express="true",shop="b",type="kind 7"} 2"#,
            "# HELP web_shop_open_orders The gauge `open_orders`.",
            "web_shop_open_orders 3",
            r#"web_shop_pricing_seconds_bucket{le="0.001"} 0"#,
            r#"web_shop_pricing_seconds_bucket{le="1"} 1"#,
            "web_shop_pricing_seconds_sum 0.002",
            "web_shop_size_bytes_count 1",
            r#"web_shop_sharded_total{shard="1"} 1"#,
            r#"web_shop_sharded_total{shard="other"} 3"#,
            r#"chassis_metrics_overflow_total{meter="web_shop_sharded"} 3"#,
        ] {
            assert!(text.lines().any(|found| found == line), "no line {line} in\n{text}");
        }
        check_with_promtool(&text);
        running.stop().await.unwrap();
    });
}

#[test]
fn the_service_tells_about_itself_and_its_libraries() {
    no_leaks_paused(async {
        let running = Shop::builder().start().await.unwrap();
        let other = Shop::builder().start().await.unwrap();
        tokio::time::sleep(Duration::from_millis(3_800)).await;
        let metrics = running.metrics();
        let get = |name: &str, labels: &[(&str, &str)]| metrics.get(name, labels);
        assert_eq!(get("pricing_seconds_count", &[]), Some(3.0));
        assert_eq!(get("pricing_seconds_sum", &[]), Some(1.5));
        assert_eq!(get("library_calls_total", &[]), Some(3.0));
        assert_eq!(get("chassis_work_total", &[("kind", "tick"), ("outcome", "ok")]), Some(3.0));
        assert_eq!(get("chassis_work_in_flight", &[("kind", "tick")]), Some(0.0));
        assert_eq!(get("chassis_timer_lateness_seconds_count", &[("timer", "price")]), Some(3.0));
        assert_eq!(get("chassis_event_loop_lag_seconds_count", &[]), Some(3.0));
        assert_eq!(get("chassis_log_lines_dropped_total", &[]), Some(0.0));
        assert!(get("process_resident_memory_bytes", &[]).unwrap() > 0.0);
        let text = metrics.render(Format::Text);
        assert!(text.contains("chassis_build_info{chassis=\""), "{text}");
        check_with_promtool(&text);
        other.stop().await.unwrap();
        running.stop().await.unwrap();
    });
}

#[test]
fn the_window_of_a_summary_moves_on_by_itself() {
    no_leaks_paused(async {
        let running = Shop::builder().start().await.unwrap();
        running.service().size.record(100);
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert!(running.service().size.quantile(0.5).is_some());
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(running.service().size.quantile(0.5), None);
        assert_eq!(running.service().size.count(), 1);
        running.stop().await.unwrap();
    });
}

#[test]
fn settings_decide_about_buckets_and_series() {
    no_leaks(async {
        let settings = yaml! { resources: { metrics: { max_series: 1, buckets: { pricing: [5, 50] } } } };
        let running = Shop::builder().settings(settings).start().await.unwrap();
        let shop = running.service();
        shop.place("a", Currency::Euro);
        shop.place("b", Currency::Euro);
        shop.sharded.with(&Shard(1)).inc();
        shop.sharded.with(&Shard(2)).inc();
        let metrics = running.metrics();
        let other = [("currency", "other"), ("express", "other"), ("shop", "other"), ("type", "other")];
        assert_eq!(metrics.get("placed", &other), Some(1.0));
        assert_eq!(metrics.get("sharded", &[("shard", "2")]), Some(1.0));
        assert_eq!(metrics.get("pricing_seconds_bucket", &[("le", "50")]), Some(0.0));
        assert_eq!(metrics.get("pricing_seconds_bucket", &[("le", "1")]), None);
        running.stop().await.unwrap();

        let settings = yaml! { resources: { metrics: { buckets: { pricing: [5, 5] } } } };
        let refused = Shop::builder().settings(settings).start().await.err().unwrap();
        let text = format!("{refused:#}");
        assert!(refused.is_misconfigured());
        assert!(text.contains("histogram `pricing`: buckets must be finite and ascend, found [5.0, 5.0]"), "{text}");
    });
}

#[test]
fn prometheus_can_be_switched_off() {
    no_leaks(async {
        let settings = yaml! { resources: { metrics: { handlers: { prometheus: { enabled: false } } } } };
        let running = Shop::builder().settings(settings).start().await.unwrap();
        let answer = running.status().get("/metrics").await.unwrap();
        assert_eq!(answer.status().as_u16(), 404);
        assert!(answer.text().contains("handlers.prometheus.enabled"), "{}", answer.text());
        running.stop().await.unwrap();
    });
}

/// Its meters cannot be made, and neither are its settings right.
#[microservice]
#[expect(dead_code, reason = "it never starts")]
struct Contradicting {
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[meter(name = "jobs")]
    counted: Counter,
    #[meter(name = "jobs_total")]
    levelled: Gauge,
    #[meter(unit = "ms")]
    waited: Histogram,
    #[meter]
    sizes: Histogram<ByBound>,
    #[meter]
    fine: Counter,
}

#[derive(Labels)]
struct ByBound {
    le: u32,
}

#[test]
fn all_meters_that_cannot_be_made_are_told_at_the_start_with_what_else_is_wrong() {
    no_leaks(async {
        let settings = yaml! { microservices: { contradicting: { page_size: "many" } } };
        let refused = Contradicting::builder().settings(settings).start().await.err().unwrap();
        assert_eq!(refused.cause().exit_code(), 78);
        let text = format!("{refused:#}");
        for expected in [
            "settings: 4 problems",
            "meter `contradicting_jobs_total` would be written as `contradicting_jobs_total`, which meter \
             `contradicting_jobs` is; give one of the two another name",
            "meter `waited` cannot be made: `ms` is not a base unit; measure in `seconds`",
            "meter `contradicting_sizes` cannot be made: label `le` is reserved on a histogram; give it another name",
            "`system.microservices.contradicting.page_size`: expected a whole number",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    });
}

#[test]
fn the_example_exports_every_type() {
    let example = Program::example("metrics")
        .arg("--settings")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/metrics/settings.yml"))
        .set("resources.status.port", 0)
        .start();
    let line = example.line("status server: http://");
    let (_, address) = line.split_once("http://").unwrap();
    let (address, _) = address.split_once('/').unwrap();
    let address = address.parse().unwrap();
    let metrics = |accept: &str| {
        let answer = Client::connect(address).unwrap().send("GET", "/metrics", &[("accept", accept)], "").unwrap();
        assert_eq!(answer.status, 200);
        String::from_utf8(answer.body).unwrap()
    };
    let has_all = |text: &str| {
        let names = ["priced_total", "latency_seconds_count", "items_count", "shops_total", "starts_total"];
        names.iter().all(|name| text.contains(&format!("\npricing_{name}"))) && text.contains("\nlibrary_lookups_total")
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let text = loop {
        let text = metrics("*/*");
        if has_all(&text) {
            break text;
        }
        assert!(std::time::Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(text.contains("pricing_latency_seconds_bucket{le=\"0.004\"}"), "{text}");
    check_with_promtool(&text);
    let text = metrics("application/openmetrics-text;version=1.0.0");
    assert!(text.contains("# TYPE pricing_priced counter\n") && text.ends_with("# EOF\n"), "{text}");
    example.terminate();
    assert_eq!(example.wait().code, Some(0));
}
