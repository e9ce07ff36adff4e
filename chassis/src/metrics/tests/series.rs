//! The series of a meter: one per set of labels, up to the cap.

use super::*;

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
