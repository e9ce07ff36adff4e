//! A meter is found again by its name, and one that contradicts another is refused.

use super::*;

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
