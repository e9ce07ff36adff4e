//! Requests that do not end well: clients that go away, too much load.

use std::time::Duration;

use axum::response::IntoResponse;
use futures_util::StreamExt;
use tokio::sync::Notify;

use super::*;

/// A handler that says when it runs and waits to be let on.
#[derive(Default)]
struct Gate {
    is_in: Notify,
    goes_on: Notify,
}

fn gated(route: Route) -> (Open, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let handler = {
        let gate = Arc::clone(&gate);
        move |_| {
            let gate = Arc::clone(&gate);
            async move {
                gate.is_in.notify_one();
                gate.goes_on.notified().await;
                "done"
            }
        }
    };
    (Bench::new().set(|settings| settings.load_shedding.max_in_flight = 1).on(route, handler).open(), gate)
}

const REQUEST: &str = "GET /work HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_handler_finishes_without_its_client() {
    let (open, gate) = gated(get("/work"));
    let stream = open.raw(REQUEST).await;
    gate.is_in.notified().await;
    drop(stream);
    // The server has noticed once the connection is gone.
    while open.server.statistics().open > 0 {
        tokio::task::yield_now().await;
    }
    assert!(open.lines().is_empty());
    gate.goes_on.notify_one();
    let line = open.line(|_| true).await;
    assert_eq!((&line["status"], &line["outcome"], &line["disconnected"]), (&200.into(), &"ok".into(), &true.into()));
}

#[tokio::test]
async fn a_route_may_be_cancelled_with_its_client() {
    let (open, gate) = gated(get("/work").cancel_on_disconnect());
    let stream = open.raw(REQUEST).await;
    gate.is_in.notified().await;
    drop(stream);
    let line = open.line(|_| true).await;
    assert_eq!((&line["status"], &line["outcome"]), (&499.into(), &"cancelled".into()));
    assert_eq!(open.metric("chassis_work_total", &[("kind", "request"), ("outcome", "cancelled")]), 1.0);
}

#[tokio::test]
async fn a_stop_cuts_off_what_does_not_end_and_says_so() {
    let (open, gate) = gated(get("/work"));
    let _stream = open.raw(REQUEST).await;
    gate.is_in.notified().await;
    assert_eq!(open.server.stop().await.exchanges, 1);
    open.tasks.lock().unwrap().abort_all();
    let line = open.line(|_| true).await;
    assert_eq!(line["outcome"], "cancelled");
}

#[tokio::test]
async fn a_panic_within_a_streamed_answer_is_told_as_one() {
    let answer = |_| async {
        let pieces = futures_util::stream::iter(0..2).map(|piece| match piece {
            0 => Ok::<_, std::io::Error>("begun"),
            _ => panic!("no more"),
        });
        axum::body::Body::from_stream(pieces).into_response()
    };
    let open = Bench::new().on(get("/work"), answer).open();
    let _stream = open.raw(REQUEST).await;
    let line = open.line(|line| line["message"] == "RESPONSE").await;
    assert_eq!((&line["status"], &line["outcome"]), (&200.into(), &"panic".into()));
    assert!(line["error"].as_str().unwrap().contains("no more"), "{line}");
    assert_eq!(open.metric("chassis_work_total", &[("kind", "request"), ("outcome", "panic")]), 1.0);
}

#[tokio::test]
async fn requests_above_the_cap_are_turned_away_with_the_time_to_come_back() {
    let (open, gate) = gated(get("/work"));
    let client = open.client.clone();
    let first = tokio::spawn(async move { client.get("/work").await.unwrap() });
    gate.is_in.notified().await;
    let second = open.get("/work").await;
    assert_eq!(problem(&second)["status"], 503);
    let seconds: u32 = second.header("retry-after").unwrap().parse().unwrap();
    assert!((1..10).contains(&seconds));
    assert_eq!(open.metric("http_server_requests_shed_total", &[("server", "http"), ("reason", "cap")]), 1.0);
    gate.goes_on.notify_one();
    assert_eq!(first.await.unwrap().text(), "done");
    gate.goes_on.notify_one();
    assert_eq!(open.get("/work").await.text(), "done");
}

#[tokio::test]
async fn probes_and_routes_that_say_so_are_never_turned_away() {
    let bench = Bench::new().on(get("/readyz"), |_| async { "" }).on(get("/must").never_shed(), |_| async { "" });
    let open = bench.on(get("/may"), |_| async { "" }).open();
    open.site.now().load.set_share(100);
    for path in ["/readyz", "/must"] {
        assert_eq!(open.get(path).await.status().as_u16(), 200);
    }
    assert_eq!(open.get("/may").await.status().as_u16(), 503);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_breaks_off_in_its_body_does_no_harm() {
    let bench = Bench::new().on(post("/"), |mut request| async move { last::<String, _>(&mut request).await });
    let open = bench.open();
    let stream = open.raw("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf").await;
    drop(stream);
    let line = open.line(|_| true).await;
    assert_ne!(line["outcome"], "panic");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(open.client.post("/").body("fine").await.unwrap().text(), "fine");
}

#[tokio::test(start_paused = true)]
async fn work_that_waits_too_long_for_a_thread_sheds_a_share_until_it_does_not() {
    let (open, gate) = gated(get("/work"));
    let client = open.client.clone();
    let first = tokio::spawn(async move { client.get("/work").await.unwrap() });
    gate.is_in.notified().await;
    let watch = tokio::spawn(resource::watch_load(open.site.clone()));
    let window = async |lag: Duration| {
        for _ in 0..shed::MEASUREMENTS {
            // The probe asks for a moment, and is woken so much later.
            tokio::task::yield_now().await;
            tokio::time::advance(shed::WINDOW / shed::MEASUREMENTS + lag).await;
            tokio::task::yield_now().await;
        }
        open.site.now().load.share()
    };
    // The first look comes from before there was work.
    window(Duration::ZERO).await;
    assert_eq!(window(Duration::from_millis(250)).await, 10);
    assert_eq!(window(Duration::from_millis(250)).await, 20);
    assert_eq!(open.metric("http_server_requests_in_flight", &[("server", "http")]), 1.0);
    assert_eq!(window(Duration::from_millis(50)).await, 10);
    watch.abort();
    gate.goes_on.notify_one();
    assert_eq!(first.await.unwrap().text(), "done");
}
