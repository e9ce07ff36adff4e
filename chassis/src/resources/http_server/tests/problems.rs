//! Every error is a problem document.

use axum::{Router, routing};
use http::{Method, StatusCode, header};
use serde_json::json;

use super::*;

fn orders() -> Bench {
    Bench::new()
        .on(get("/orders/{id}"), |mut request: Request| async move {
            let Path(id) = part::<Path<u32>>(&mut request).await?;
            Ok::<_, axum::response::Response>(id.to_string())
        })
        .on(post("/orders"), |mut request: Request| async move {
            let Json(order) = last::<Json<Value>, _>(&mut request).await?;
            Ok::<_, axum::response::Response>(Json(order))
        })
}

#[tokio::test]
async fn an_unknown_path_is_a_404() {
    let response = orders().open().get("/nowhere").await;
    assert_eq!(problem(&response)["title"], "Not Found");
}

#[tokio::test]
async fn another_method_is_a_405_that_says_which_there_are() {
    let open = orders().on(get("/orders"), |_| async { "" }).open();
    let response = open.client.delete("/orders").await.unwrap();
    assert_eq!((response.status().as_u16(), response.header("allow")), (405, Some("GET, HEAD, POST")));
    problem(&response);
    let invented = open.client.request(Method::from_bytes(b"BREW").unwrap(), "/orders").await.unwrap();
    assert_eq!(problem(&invented)["status"], 405);
}

#[tokio::test]
async fn a_path_that_cannot_be_read_is_a_400() {
    let open = orders().open();
    let response = open.get("/orders/seven").await;
    assert_eq!(problem(&response)["status"], 400);
    assert!(problem(&response)["detail"].as_str().unwrap().contains("seven"));
    assert_eq!(open.get("/orders/%ff").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_a_400_a_415_or_a_422() {
    let open = orders().open();
    let send = |content_type: &'static str, body: Vec<u8>| {
        let request = open.client.post("/orders").header("content-type", content_type).body(body);
        async move { problem(&request.await.unwrap()) }
    };
    let syntax = send("application/json", b"{\"a\":\n oops}".to_vec()).await;
    assert_eq!((&syntax["status"], &syntax["line"], &syntax["column"]), (&json!(400), &json!(2), &json!(2)));
    assert_eq!(send("application/json", b"\"\xff\"".to_vec()).await["status"], 400);
    assert_eq!(send("application/json", vec![b'['; 100_000]).await["status"], 400);
    assert_eq!(send("text/plain", b"{}".to_vec()).await["status"], 415);
}

#[tokio::test]
async fn the_problem_of_a_handler_is_extended_by_the_service_and_its_error_is_logged() {
    let bench = Bench::new().on(get("/{id}"), |_| async {
        Err::<(), _>(Problem::from(crate::Error::msg("disk on fire").context("cannot save")))
    });
    bench.http.problem_hook(|problem, request| {
        problem.insert("method", request.method().as_str());
        problem.insert("uri", request.uri().to_string());
        problem.insert("route", request.route());
        problem.insert("trace", problem.error().map(|error| error.chain()));
    });
    let open = bench.open();
    let document = problem(&open.get("/7?x=1").await);
    assert_eq!(
        (&document["method"], &document["uri"], &document["route"]),
        (&json!("GET"), &json!("/7?x=1"), &json!("/{id}"))
    );
    assert_eq!(document["trace"], json!(["cannot save", "disk on fire"]));
    let line = &open.lines()[0];
    assert_eq!((&line["level"], &line["outcome"]), (&"WARN".into(), &"error".into()));
    assert_eq!(line["error"], "cannot save: disk on fire");
    // Also where no handler was.
    assert_eq!(problem(&open.get("/a/b").await)["route"], Value::Null);
}

#[tokio::test]
async fn a_hook_that_panics_spoils_nothing() {
    crate::process::install();
    let bench = Bench::new();
    bench.http.problem_hook(|_, _| panic!("on purpose"));
    let open = bench.open();
    assert_eq!(problem(&open.get("/nowhere").await)["status"], 404);
    assert!(open.scope.logs().captured().iter().any(|line| line.to_string().contains("on purpose")));
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_goes_on() {
    let handler = |_: Request| async {
        if true {
            panic!("on purpose")
        }
    };
    crate::process::install();
    let open = Bench::new().on(get("/"), handler).on(get("/fine"), |_| async { "fine" }).open();
    let document = problem(&open.get("/").await);
    assert_eq!(document["status"], 500);
    assert!(!document.to_string().contains("on purpose"));
    assert_eq!(open.get("/fine").await.text(), "fine");
    let logged: Vec<Value> =
        open.scope.logs().captured().into_iter().filter(|line| line.to_string().contains("on purpose")).collect();
    assert_eq!(logged.len(), 1);
    assert_eq!((&logged[0]["outcome"], &logged[0]["level"]), (&"panic".into(), &"ERROR".into()));
    assert!(logged[0]["error"].as_str().unwrap().contains("tests/problems.rs"));
}

#[tokio::test]
async fn merged_routers_are_served_and_their_errors_are_problems_too() {
    let bench = orders();
    let router = Router::new()
        .route("/plain/{name}", routing::get(|Path(name): Path<String>| async move { name }))
        .route("/refuses", routing::get(|| async { (StatusCode::CONFLICT, "not now") }))
        .route("/own", routing::get(|| async { (StatusCode::CONFLICT, Json(json!({"my": "error"}))) }));
    bench.http.merge(router);
    let open = bench.open();
    assert_eq!(open.get("/plain/x").await.text(), "x");
    assert_eq!(open.lines()[0]["route"], "/plain/{name}");
    let refused = open.get("/refuses").await;
    assert_eq!(problem(&refused)["detail"], "not now");
    assert_eq!(open.get("/own").await.json::<Value>().unwrap(), json!({"my": "error"}));
    assert_eq!(problem(&open.get("/nowhere").await)["status"], 404);
    let wrong = open.client.post("/refuses").await.unwrap();
    assert_eq!((wrong.status().as_u16(), wrong.header("allow")), (405, Some("GET,HEAD")));
    problem(&wrong);
    assert_eq!(open.get("/orders/3").await.text(), "3");
}

#[tokio::test]
async fn a_slash_at_the_end_makes_no_difference_unless_it_is_set_to() {
    let open = orders().open();
    assert_eq!(open.get("/orders/3/").await.text(), "3");
    let strict = orders().set(|settings| settings.trailing_slash = false).open();
    assert_eq!(problem(&strict.get("/orders/3/").await)["status"], 404);
}

#[tokio::test]
async fn duplicate_routes_are_all_named_by_check() {
    let bench = Bench::new()
        .on(get("/a").name("one"), |_| async { "" })
        .on(get("/a").name("two"), |_| async { "" })
        .on(get("/a/").name("three"), |_| async { "" })
        .on(get("/b/{x}").name("four"), |_| async { "" })
        .on(post("/b/{y}").name("five"), |_| async { "" })
        .on(post("c").name("six"), |_| async { "" });
    let error = crate::Resource::check(&bench.http, &bench.settings).unwrap_err();
    assert!(error.is_misconfigured());
    let text = error.to_string();
    for part in [
        "`GET /a` is routed twice: to `one` and to `two`",
        "`GET /a` of `two` and `GET /a/` of `three` are the same path",
        "`/b/{y}` of `five`: it stands in the way of `/b/{x}` of `four`",
        "`c` of `six` has to begin with `/`",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_and_answers_say_who_may_read_them() {
    let bench = orders().set(|settings| settings.cors.origins = vec!["https://shop.example".into()]);
    bench.http.merge(Router::new().route("/plain", routing::put(|| async {})));
    let open = bench.open();
    let preflight = open
        .client
        .request(Method::OPTIONS, "/orders")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .await
        .unwrap();
    assert_eq!((preflight.status().as_u16(), preflight.header("access-control-allow-methods")), (204, Some("POST")));
    let for_merged = open.client.request(Method::OPTIONS, "/plain").header("origin", "https://shop.example");
    let for_merged = for_merged.header("access-control-request-method", "PUT").await.unwrap();
    assert_eq!(for_merged.header("access-control-allow-methods"), Some("PUT"));
    let response = open.client.get("/nowhere").header("origin", "https://shop.example").await.unwrap();
    assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
}

#[tokio::test]
async fn the_routes_are_documented() {
    let open = orders().open();
    let document: Value = open.get("/openapi.json").await.json().unwrap();
    assert_eq!((&document["openapi"], &document["info"]["title"]), (&json!("3.1.0"), &json!("orders")));
    assert!(document["paths"]["/orders/{id}"]["get"].is_object());
    assert!(document["paths"]["/openapi.json"].is_null());
    let off = orders().set(|settings| settings.openapi = false).open();
    assert_eq!(off.get("/openapi.json").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_request_names_one_host() {
    let open = Bench::new().on(get("/"), |_| async { "here" }).open();
    let answer = async |head: &str| rest(open.raw(&format!("GET / {head}connection: close\r\n\r\n")).await).await;
    for head in ["HTTP/1.1\r\n", "HTTP/1.1\r\nhost: x\r\nhost: y\r\n", "HTTP/1.0\r\nhost: x\r\nhost: x\r\n"] {
        let answer = answer(head).await;
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.0 400"), "{head}: {answer}");
        assert!(answer.contains("exactly one `Host` header"), "{answer}");
    }
    for head in ["HTTP/1.1\r\nhost: x\r\n", "HTTP/1.0\r\n"] {
        assert!(answer(head).await.ends_with("here"), "{head}");
    }
}

#[tokio::test]
async fn an_empty_body_that_counts_as_json_is_not_of_the_wrong_type() {
    let open = Bench::new()
        .on(post("/").any_json(), |mut request| async move {
            last::<axum::Json<Value>, _>(&mut request).await.map(|_| "taken")
        })
        .open();
    let refused = open.client.post("/").header("content-type", "application/x-www-form-urlencoded").await.unwrap();
    assert_eq!(problem(&refused)["status"], 400);
}
