//! Ids, the canonical line and figures.

use super::*;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_route_answers_and_one_line_tells_of_it() {
    let open = Bench::new().on(get("/hello"), |_| async { "hello" }).open();
    let response = open.get("/hello?a=1").await;
    assert_eq!((response.status().as_u16(), response.text().as_str()), (200, "hello"));
    let lines = open.lines();
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!(
        (&line["method"], &line["uri"], &line["route"]),
        (&"GET".into(), &"/hello?a=1".into(), &"/hello".into())
    );
    assert_eq!((&line["status"], &line["bytes_out"], &line["outcome"]), (&200.into(), &5.into(), &"ok".into()));
    assert_eq!((&line["ip"], &line["bytes_in"]), (&"127.0.0.1".into(), &0.into()));
    assert!(line["time_ms"].is_number());
    assert_eq!(line["req_id"].as_str(), response.header("x-request-id"));
}

#[tokio::test]
async fn the_ids_of_the_caller_are_taken_over_and_sent_back() {
    let open = Bench::new().on(get("/"), |_| async { "" }).open();
    let response =
        open.client.get("/").header("x-request-id", "abc-1").header("traceparent", TRACEPARENT).await.unwrap();
    assert_eq!(response.header("x-request-id"), Some("abc-1"));
    let trace = response.header("traceparent").unwrap();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace.ends_with("-01"), "{trace}");
    assert_ne!(trace, TRACEPARENT);
    assert_eq!(open.lines()[0]["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn ids_that_are_no_ids_are_replaced() {
    let open = Bench::new().on(get("/"), |_| async { "" }).open();
    let response = open.client.get("/").header("x-request-id", "a\tb\"c").header("traceparent", "00-zz").await.unwrap();
    assert_eq!(response.header("x-request-id").unwrap().len(), 32);
    assert_eq!(open.lines()[0]["req_id"].as_str(), response.header("x-request-id"));
}

#[tokio::test]
async fn handlers_run_with_the_ids_of_their_request() {
    let handler = |_| async { crate::unit::current_request_id().unwrap().to_string() };
    let open = Bench::new().on(get("/"), handler).open();
    let response = open.get("/").await;
    assert_eq!(Some(response.text().as_str()), response.header("x-request-id"));
}

#[tokio::test]
async fn a_thousand_requests_at_once_never_mix_their_ids() {
    let handler = |request: Request| async move {
        let asked = request.headers()["x-request-id"].to_str().unwrap().to_owned();
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert_eq!(crate::unit::current_request_id().unwrap().as_str(), asked);
        }
        asked
    };
    let open = Bench::new().on(get("/"), handler).open();
    let requests = (0..1000).map(|nth| {
        let (client, id) = (open.client.clone(), format!("request-{nth}"));
        async move {
            let response = client.get("/").header("x-request-id", &id).await.unwrap();
            assert_eq!((response.text().as_str(), response.header("x-request-id")), (id.as_str(), Some(id.as_str())));
        }
    });
    futures_util::future::join_all(requests).await;
    let ids: std::collections::BTreeSet<String> =
        open.lines().iter().map(|line| line["req_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1000);
}

#[tokio::test]
async fn a_debug_line_says_that_a_request_began() {
    let bench = Bench::new().on(get("/"), |_| async { "" });
    bench.scope.logs().set_level("chassis::request", "debug".parse().unwrap());
    let open = bench.open();
    open.get("/?x=1").await;
    let lines = open.scope.logs().captured();
    let began = lines.iter().find(|line| line["message"] == "REQUEST").unwrap();
    assert_eq!((&began["level"], &began["uri"]), (&"DEBUG".into(), &"/?x=1".into()));
    assert_eq!(began["req_id"], open.lines()[0]["req_id"]);
}

#[tokio::test]
async fn what_a_client_writes_into_its_request_cannot_break_a_line() {
    let open = Bench::new().open();
    let request = "GET /a%0d%0ab\u{1b}[31m HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    rest(open.raw(request).await).await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", "a".repeat(20_000));
    assert!(rest(open.raw(&long).await).await.starts_with("HTTP/1.1 404"));
    for line in open.lines() {
        let uri = line["uri"].as_str().unwrap();
        assert!(uri.len() <= 1027 && !uri.contains(['\r', '\n', '\u{1b}']), "{uri}");
    }
}

#[tokio::test]
async fn quiet_routes_are_heard_only_when_they_fail() {
    let open = Bench::new()
        .on(get("/fine").quiet(), |_| async { "" })
        .on(get("/broken").quiet(), |_| async { Problem::internal() })
        .open();
    open.get("/fine").await;
    open.get("/broken").await;
    assert_eq!(open.lines().len(), 1);
    assert_eq!(open.lines()[0]["route"], "/broken");
}

#[tokio::test]
async fn figures_are_by_route_method_and_class() {
    let open = Bench::new()
        .on(post("/orders/{id}"), |mut request| async move { last::<String, _>(&mut request).await })
        .open();
    open.client.post("/orders/1").body("hello").await.unwrap();
    open.client.post("/orders/2").body("hello").await.unwrap();
    open.get("/nowhere").await;
    let labels = [("server", "http"), ("method", "POST"), ("route", "/orders/{id}")];
    let by_class = |class: &'static str| [labels.as_slice(), &[("status", class)]].concat();
    assert_eq!(open.metric("http_server_request_duration_seconds_count", &by_class("2xx")), 2.0);
    assert_eq!(open.metric("http_server_request_body_bytes_total", &labels), 10.0);
    assert_eq!(open.metric("http_server_response_body_bytes_total", &labels), 10.0);
    let nowhere = [("server", "http"), ("method", "GET"), ("route", ""), ("status", "4xx")];
    assert_eq!(open.metric("http_server_request_duration_seconds_count", &nowhere), 1.0);
    assert_eq!(open.metric("chassis_work_total", &[("kind", "request"), ("outcome", "ok")]), 3.0);
    assert_eq!(open.metric("chassis_work_in_flight", &[("kind", "request")]), 0.0);
}

#[tokio::test]
async fn without_observability_there_are_no_ids_lines_or_figures() {
    let open = Bench::new().set(|settings| settings.observability = false).on(get("/"), |_| async { "" }).open();
    let response = open.get("/").await;
    assert_eq!((response.header("x-request-id"), response.header("traceparent")), (None, None));
    assert!(open.lines().is_empty());
}
