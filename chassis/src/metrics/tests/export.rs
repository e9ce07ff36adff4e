//! The text that is exported, in both formats.

use super::*;

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
fn an_accept_header_chooses_the_format() {
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
    assert_eq!(Format::accepted(prometheus), Format::OpenMetrics);
    assert_eq!(Format::accepted("text/html, */*"), Format::Text);
    assert_eq!(Format::accepted("application/openmetrics-text; q=0"), Format::Text);
    assert_eq!(Format::accepted(""), Format::Text);
}
