//! What the framework and libraries measure besides the service.

use super::*;

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
