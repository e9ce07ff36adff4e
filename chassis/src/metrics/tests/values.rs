//! What histograms, summaries, timers and gauges make of what they are given.

use super::*;

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
