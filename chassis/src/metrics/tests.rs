#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::*;

#[derive(Labels)]
struct ByCurrency {
    currency: String,
    channel: Channel,
}

#[derive(Labels, Clone, Copy)]
enum Channel {
    Web,
    PointOfSale,
    #[label(rename = "B2B")]
    Business,
}

#[derive(Labels)]
struct Shard(u8);

fn by(currency: &str, channel: Channel) -> ByCurrency {
    ByCurrency { currency: currency.to_owned(), channel }
}

/// What `promtool check metrics` has against a text.
#[track_caller]
fn check_with_promtool(text: &str) {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        eprintln!("promtool is not installed, so its check is left out");
        return;
    };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{text}");
}

#[test]
fn all_types_are_exported_as_prometheus_wants_them() {
    let metrics = Metrics::new("my-orders");
    let placed: Counter<ByCurrency> = metrics.meter(MeterOptions::new("placed", "Orders placed.")).unwrap();
    placed.with(&by("EUR", Channel::Web)).add(2);
    placed.with(&by("EUR", Channel::Business)).inc();
    let open: Gauge = metrics.meter(MeterOptions::new("open", "Orders that are not done.")).unwrap();
    open.set(3_u8);
    let latency = MeterOptions::new("latency", "How long pricing takes.").unit("seconds").buckets([0.1, 1.0]);
    let latency: Histogram = metrics.meter(latency).unwrap();
    [0.05, 0.1, 0.5, 7.0].into_iter().for_each(|value| latency.record(value));
    let size: Summary<Shard> = metrics.meter(MeterOptions::new("size", "Bytes per order.").unit("bytes")).unwrap();
    size.with(&Shard(7)).record(4096_u32);

    let text = metrics.render(Format::Text);
    let expected = [
        "# HELP my_orders_latency_seconds How long pricing takes.",
        "# TYPE my_orders_latency_seconds histogram",
        r#"my_orders_latency_seconds_bucket{le="0.1"} 2"#,
        r#"my_orders_latency_seconds_bucket{le="1"} 3"#,
        r#"my_orders_latency_seconds_bucket{le="+Inf"} 4"#,
        "my_orders_latency_seconds_sum 7.65",
        "my_orders_latency_seconds_count 4",
        "# HELP my_orders_open Orders that are not done.",
        "# TYPE my_orders_open gauge",
        "my_orders_open 3",
        "# HELP my_orders_placed_total Orders placed.",
        "# TYPE my_orders_placed_total counter",
        r#"my_orders_placed_total{channel="B2B",currency="EUR"} 1"#,
        r#"my_orders_placed_total{channel="web",currency="EUR"} 2"#,
        "# HELP my_orders_size_bytes Bytes per order.",
        "# TYPE my_orders_size_bytes summary",
    ];
    let found: Vec<&str> = text.lines().filter(|line| line.contains("my_orders_")).take(expected.len()).collect();
    assert_eq!(found, expected);
    assert!(text.contains("my_orders_size_bytes_count{shard=\"7\"} 1\n"), "{text}");
    check_with_promtool(&text);
}

#[test]
fn open_metrics_differs_where_it_must() {
    let metrics = Metrics::new("o");
    let sent: Counter = metrics.meter(MeterOptions::new("sent", "Sent.").unit("bytes")).unwrap();
    sent.add(5);
    let _: Histogram = metrics.meter(MeterOptions::new("took", "a \"b\"").buckets([1.0])).unwrap();
    let text = metrics.render(Format::OpenMetrics);
    for line in [
        "# TYPE o_sent_bytes counter",
        "# UNIT o_sent_bytes bytes",
        "o_sent_bytes_total 5",
        r#"# HELP o_took a \"b\""#,
        r#"o_took_bucket{le="1.0"} 0"#,
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line} in\n{text}");
    }
    assert!(text.ends_with("\n# EOF\n"));
}

#[test]
fn a_meter_is_the_same_wherever_it_is_made() {
    #[derive(Labels)]
    struct SameNames {
        channel: &'static str,
        currency: &'static str,
    }

    let metrics = Metrics::new("orders");
    let one: Counter<ByCurrency> = metrics.meter(MeterOptions::new("placed", "Orders placed.")).unwrap();
    let other: Counter<SameNames> = metrics.meter(MeterOptions::new("placed_total", "")).unwrap();
    one.with(&by("EUR", Channel::PointOfSale)).inc();
    other.with(&SameNames { channel: "point_of_sale", currency: "EUR" }).inc();
    let labels = [("currency", "EUR"), ("channel", "point_of_sale")];
    assert_eq!(metrics.get("placed", &labels), Some(2.0));
    assert_eq!(metrics.get("orders_placed_total", &labels), Some(2.0));
    assert_eq!(metrics.get("placed", &[]), None);
}

#[track_caller]
fn refused<M: Meter + std::fmt::Debug>(metrics: &Metrics, options: MeterOptions, expected: &str) {
    assert_eq!(format!("{:#}", metrics.meter::<M>(options).unwrap_err()), expected);
}

#[test]
fn what_cannot_be_a_meter_is_refused_with_the_way_out() {
    #[derive(Labels)]
    struct Le {
        le: u8,
    }

    let metrics = Metrics::new("o");
    let _: Histogram = metrics.meter(MeterOptions::new("took", "").unit("seconds")).unwrap();
    let took = || MeterOptions::new("took", "");
    let exists = "meter `o_took_seconds` exists already";
    let way_out = "give one of the two another name";
    refused::<Counter>(&metrics, took().unit("seconds"), &format!("{exists} as a histogram, not a counter; {way_out}"));
    refused::<Histogram<Shard>>(
        &metrics,
        took().unit("seconds"),
        &format!("{exists} with the labels [], not [shard]; {way_out}"),
    );
    refused::<Histogram>(
        &metrics,
        MeterOptions::new("took_seconds", ""),
        &format!("{exists} with the unit `seconds`, not no unit; {way_out}"),
    );
    refused::<Histogram>(
        &metrics,
        took().unit("seconds").buckets([7.0]),
        &format!("{exists} with other buckets, quantiles or window; {way_out}"),
    );
    refused::<Gauge>(
        &metrics,
        MeterOptions::new("took_seconds_count", ""),
        &format!(
            "meter `o_took_seconds_count` would be written as `o_took_seconds_count`, which meter `o_took_seconds` is; {way_out}"
        ),
    );
    let cannot = |name: &str, why: &str| format!("meter `{name}` cannot be made: {why}");
    refused::<Histogram>(
        &metrics,
        MeterOptions::new("x", "").unit("ms"),
        &cannot("x", "`ms` is not a base unit; measure in `seconds`"),
    );
    refused::<Histogram>(
        &metrics,
        MeterOptions::new("x", "").buckets([2.0, 1.0]),
        &cannot("o_x", "buckets must be finite and ascend, found [2.0, 1.0]"),
    );
    refused::<Summary>(
        &metrics,
        MeterOptions::new("x", "").quantiles([99.0]),
        &cannot("o_x", "quantiles are between 0 and 1, found [99.0]"),
    );
    refused::<Histogram<Le>>(
        &metrics,
        MeterOptions::new("x", ""),
        &cannot("o_x", "label `le` is reserved on a histogram; give it another name"),
    );
}

#[test]
fn any_text_can_be_a_label_value_and_any_name_a_meter() {
    let metrics = Metrics::new("9 lives");
    let odd: Counter<ByCurrency> = metrics.meter(MeterOptions::new("naïve/name", "a\nb\\c")).unwrap();
    odd.with(&by("a\"b\\c\nd\u{0}é", Channel::Web)).inc();
    odd.with(&by("", Channel::Web)).inc();
    odd.with(&by(&"x".repeat(10_000), Channel::Web)).inc();
    let text = metrics.render(Format::Text);
    assert!(text.contains("# HELP _9_lives_na_ve_name_total a\\nb\\\\c\n"), "{text}");
    assert!(text.contains(r#"currency="a\"b\\c\nd"#), "{text}");
    assert!(text.len() < 5_000);
    check_with_promtool(&text);
}

#[test]
fn beyond_the_cap_series_are_counted_together_and_that_is_counted_too() {
    crate::process::install();
    let (scope, metrics) = scope("o");
    let _entered = scope.enter();
    let sharded: Counter<Shard> = metrics.meter(MeterOptions::new("n", "N.").max_series(3)).unwrap();
    for shard in 0..10 {
        sharded.with(&Shard(shard)).inc();
        sharded.with(&Shard(shard)).inc();
    }
    assert_eq!(metrics.get("n", &[("shard", "2")]), Some(2.0));
    assert_eq!(metrics.get("n", &[("shard", "3")]), None);
    assert_eq!(metrics.get("n", &[("shard", "other")]), Some(14.0));
    assert_eq!(metrics.get("chassis_metrics_overflow_total", &[("meter", "o_n")]), Some(14.0));
    assert_eq!(scope.logs().captured().len(), 1);
    check_with_promtool(&metrics.render(Format::Text));
}

#[test]
fn the_cap_of_the_settings_holds_for_meters_that_do_not_say_one() {
    let metrics = Metrics::new("o");
    let early: Counter<Shard> = metrics.meter(MeterOptions::new("early", "")).unwrap();
    let own: Counter<Shard> = metrics.meter(MeterOptions::new("own", "").max_series(5)).unwrap();
    metrics.configure(MetricsSettings { max_series: 2, ..MetricsSettings::default() });
    let late: Counter<Shard> = metrics.meter(MeterOptions::new("late", "")).unwrap();
    for shard in 0..5 {
        [&early, &own, &late].iter().for_each(|meter| meter.with(&Shard(shard)).inc());
    }
    let other = |name| metrics.get(name, &[("shard", "other")]);
    assert_eq!((other("early"), other("own"), other("late")), (Some(3.0), None, Some(3.0)));
}

#[test]
fn threads_agree_on_series_and_lose_nothing() {
    #[derive(Labels)]
    struct Number {
        number: u32,
    }

    let metrics = Metrics::new("o");
    let counter: Counter<Number> = metrics.meter(MeterOptions::new("n", "N.").max_series(2_000)).unwrap();
    let histogram: Histogram<Number> = metrics.meter(MeterOptions::new("h", "H.").max_series(2_000)).unwrap();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (counter, histogram) = (&counter, &histogram);
            scope.spawn(move || {
                for step in 0..2_000 {
                    let labels = Number { number: (step + thread * 250) % 2_000 };
                    counter.with(&labels).inc();
                    histogram.with(&labels).record(f64::from(thread));
                }
            });
        }
    });
    let snapshot = metrics.snapshot();
    for meter in snapshot.meters.iter().filter(|meter| meter.name.starts_with("o_")) {
        assert_eq!(meter.series.len(), 2_000);
        for series in &meter.series {
            match &series.value {
                Value::Counter(value) => assert_eq!(*value, 8.0),
                Value::Histogram { buckets, sum } => {
                    assert_eq!((buckets.last().unwrap().1, *sum), (8, 28.0));
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }
}

#[test]
fn a_histogram_counts_values_at_their_bound_and_ignores_what_is_no_number() {
    let histogram = Histogram::<()>::default();
    [0.005, 0.0051, f64::NAN, f64::INFINITY, -1.0].into_iter().for_each(|value| histogram.record(value));
    assert_eq!(histogram.count(), 4);
    let metrics = Metrics::new("o");
    let many = MeterOptions::new("h", "H.").buckets((0..100).map(f64::from));
    let many: Histogram = metrics.meter(many).unwrap();
    (0..=100).for_each(|value| many.record(value));
    assert_eq!(metrics.get("h_bucket", &[("le", "0")]), Some(1.0));
    assert_eq!(metrics.get("h_bucket", &[("le", "41")]), Some(42.0));
    assert_eq!(metrics.get("h_bucket", &[("le", "+Inf")]), Some(101.0));
}

#[tokio::test(start_paused = true)]
async fn a_summary_forgets_values_after_its_window_but_not_sum_and_count() {
    let metrics = Metrics::new("o");
    let options = MeterOptions::new("took", "Took.").window(Duration::from_secs(60)).quantiles([0.5, 1.0]);
    let took: Summary = metrics.meter(options).unwrap();
    let median = || metrics.get("took", &[("quantile", "0.5")]).unwrap();
    (0..10).for_each(|_| took.record(100.0));
    assert!((median() - 100.0).abs() < 1.0);
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(10)).await;
        metrics.upkeep();
    }
    (0..30).for_each(|_| took.record(1.0));
    assert!((median() - 1.0).abs() < 0.01);
    assert!((took.quantile(1.0).unwrap() - 100.0).abs() < 1.0);
    // The first moment the window can start from is the upkeep at 10 s.
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!((took.quantile(1.0).unwrap() - 1.0).abs() < 0.01);
    for _ in 0..7 {
        tokio::time::advance(Duration::from_secs(10)).await;
        metrics.upkeep();
    }
    assert!(median().is_nan());
    assert_eq!(took.quantile(0.5), None);
    assert_eq!((metrics.get("took_sum", &[]), metrics.get("took_count", &[])), (Some(1_030.0), Some(40.0)));
    check_with_promtool(&metrics.render(Format::Text));
}

#[derive(Default)]
struct Timed {
    latency: Histogram,
    parts: Summary<Shard>,
}

impl Timed {
    #[timed(latency)]
    async fn sleep(&self) -> u8 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        7
    }

    #[timed(self.parts.with(&Shard(1)))]
    fn fails(&self) -> Result<()> {
        Err(crate::Error::msg("on purpose"))?;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn timers_record_seconds_however_the_work_ends() {
    let timed = Timed::default();
    assert_eq!(timed.sleep().await, 7);
    assert_eq!((timed.latency.count(), timed.latency.sum()), (1, 2.0));
    // Cancelled after one second.
    assert!(tokio::time::timeout(Duration::from_secs(1), timed.sleep()).await.is_err());
    assert_eq!((timed.latency.count(), timed.latency.sum()), (2, 3.0));
    assert!(timed.fails().is_err());
    assert_eq!(timed.parts.with(&Shard(1)).count(), 1);

    timed.latency.time_future(tokio::time::sleep(Duration::from_secs(4))).await;
    assert_eq!(timed.latency.sum(), 7.0);
    assert_eq!(timed.latency.time_closure(|| "done"), "done");
    let guard = timed.latency.time();
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(guard.stop(), Duration::from_secs(1));
    timed.latency.time().discard();
    assert_eq!((timed.latency.count(), timed.latency.sum()), (5, 8.0));
}

#[test]
fn a_gauge_follows_what_is_tracked() {
    let gauge = Gauge::<()>::default();
    let one = gauge.track();
    let two = gauge.track();
    assert_eq!(gauge.get(), 2.0);
    drop((one, two));
    gauge.sub(2.5);
    assert_eq!(gauge.get(), -2.5);
    gauge.set(Duration::from_millis(1_500));
    assert_eq!(gauge.get(), 1.5);
}

#[test]
fn an_accept_header_chooses_the_format() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    assert_eq!(Format::accepted("text/html, */*"), Format::Text);
    assert_eq!(Format::accepted("application/openmetrics-text; q=0"), Format::Text);
    assert_eq!(Format::accepted(""), Format::Text);
}

#[test]
fn labels_may_be_borrowed() {
    #[derive(Labels)]
    struct ByRoute<'a> {
        route: &'a str,
    }

    let requests = Counter::<ByRoute<'static>>::default();
    let route = String::from("/orders");
    requests.with(&ByRoute { route: &route }).inc();
    assert_eq!(requests.handle(&ByRoute { route: "/orders" }).get(), 1);
}

#[test]
fn numbers_kept_elsewhere_are_asked_for() {
    let metrics = Metrics::new("o");
    metrics.observe_gauge(MeterOptions::new("pool", "Connections."), || 3.0).unwrap();
    metrics.observe_counter(MeterOptions::new("lines", "Lines."), || 7.0).unwrap();
    assert_eq!((metrics.get("pool", &[]), metrics.get("lines_total", &[])), (Some(3.0), Some(7.0)));
    metrics.observe_gauge(MeterOptions::new("pool", "Connections."), || 4.0).unwrap();
    assert_eq!(metrics.get("pool", &[]), Some(4.0));
    let way_out = "give one of the two another name";
    refused::<Gauge>(
        &metrics,
        MeterOptions::new("pool", ""),
        &format!("meter `o_pool` exists already with values that are read from elsewhere; {way_out}"),
    );
    let _: Gauge = metrics.meter(MeterOptions::new("own", "Own.")).unwrap();
    let refused = metrics.observe_gauge(MeterOptions::new("own", "Own."), || 1.0).unwrap_err();
    assert_eq!(refused.to_string(), format!("meter `o_own` exists already with values of its own; {way_out}"));
    check_with_promtool(&metrics.render(Format::Text));
}

#[tokio::test(start_paused = true)]
async fn the_framework_tells_about_itself() {
    let metrics = Metrics::new("orders");
    let figures = framework::Framework::new(&metrics);
    figures.build("orders", "1.2.3");
    figures.resource_state("db", 2);
    figures.resource_restarted("db");
    figures.task_restarted("reconcile");
    let requests = figures.work("request");
    let in_flight = requests.begin();
    requests.ended("ok");
    requests.outcome("panic").add(2);
    let tick = figures.timer("tick");
    tick.late(Duration::from_millis(3));
    tick.skipped(4);
    let mut watch = Box::pin(figures.watch_event_loop());
    assert!(tokio::time::timeout(Duration::from_millis(2_500), &mut watch).await.is_err());

    let get = |name: &str, labels: &[(&str, &str)]| metrics.get(name, labels);
    assert_eq!(get("chassis_resource_state", &[("resource", "db")]), Some(2.0));
    assert_eq!(get("chassis_restarts_total", &[("kind", "task"), ("name", "reconcile")]), Some(1.0));
    assert_eq!(get("chassis_work_in_flight", &[("kind", "request")]), Some(1.0));
    assert_eq!(get("chassis_work_total", &[("kind", "request"), ("outcome", "panic")]), Some(2.0));
    assert_eq!(get("chassis_timer_skipped_total", &[("timer", "tick")]), Some(4.0));
    assert_eq!(get("chassis_timer_lateness_seconds_bucket", &[("timer", "tick"), ("le", "0.005")]), Some(1.0));
    assert_eq!(get("chassis_event_loop_lag_seconds_count", &[]), Some(2.0));
    assert_eq!(get("chassis_event_loop_lag_seconds_sum", &[]), Some(0.0));
    assert!(get("process_cpu_seconds_total", &[]).is_some());
    drop(in_flight);
    assert_eq!(requests.in_flight().get(), 0.0);
    check_with_promtool(&metrics.render(Format::Text));
}

fn scope(service: &str) -> (std::sync::Arc<crate::scope::Scope>, Metrics) {
    let scope = crate::scope::Scope::new(service, crate::logging::Logs::captured_for(service));
    let metrics = scope.metrics().clone();
    (scope, metrics)
}

/// A library that knows nothing of services.
fn record_as_a_library() {
    ::metrics::describe_counter!("pool.connections", "Connections \"made\".");
    ::metrics::counter!("pool.connections", "db" => "main\n").increment(2);
    ::metrics::gauge!("pool_idle").set(1.5);
    ::metrics::histogram!("query_seconds").record(0.25);
}

#[tokio::test]
async fn what_libraries_record_goes_to_the_service_at_work() {
    install();
    let ((orders, of_orders), (stock, of_stock)) = (scope("orders"), scope("stock"));
    orders.wrap(async { record_as_a_library() }).await;
    stock.wrap(async { (0..2).for_each(|_| record_as_a_library()) }).await;
    for (metrics, times) in [(&of_orders, 1.0), (&of_stock, 2.0)] {
        assert_eq!(metrics.get("pool_connections_total", &[("db", "main\n")]), Some(2.0 * times));
        assert_eq!(metrics.get("query_seconds_count", &[]), Some(times));
        assert_eq!(metrics.get("pool_idle", &[]), Some(1.5));
        metrics.upkeep();
        let text = metrics.render(Format::Text);
        assert!(text.contains("# HELP pool_connections_total Connections \"made\".\n"), "{text}");
        check_with_promtool(&text);
    }
}

#[tokio::test]
async fn a_library_cannot_take_the_name_of_a_meter() {
    install();
    let (orders, metrics) = scope("orders");
    let _: Histogram = metrics.meter(MeterOptions::new("took", "Took.")).unwrap();
    let _entered = orders.enter();
    ::metrics::counter!("orders_took_sum").increment(1);
    ::metrics::gauge!("process_open_fds").set(-7.0);
    ::metrics::counter!("twice").increment(3);
    ::metrics::gauge!("twice").set(4.0);
    let text = metrics.render(Format::Text);
    assert!(!text.contains("TYPE orders_took_sum") && !text.contains(" -7"), "{text}");
    assert_eq!(text.matches("# TYPE twice").count(), 1);
    check_with_promtool(&text);
}
