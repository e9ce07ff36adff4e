//! Bodies of requests: limits, compression, what counts as JSON.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use super::*;
use crate::{http_server::content::compress, settings::ByteSize};

fn echo() -> Bench {
    Bench::new()
        .set(|settings| settings.body_limit = ByteSize::bytes(1000))
        .on(post("/"), |mut request| async move { last::<String, _>(&mut request).await })
}

#[tokio::test]
async fn a_body_up_to_the_limit_is_taken_and_one_byte_more_is_a_413() {
    let open = echo().open();
    assert_eq!(open.client.post("/").body("x".repeat(1000)).await.unwrap().status(), StatusCode::OK);
    let refused = open.client.post("/").body("x".repeat(1001)).await.unwrap();
    let refused = problem(&refused);
    assert_eq!((&refused["status"], &refused["limit"]), (&json!(413), &json!(1000)));
    assert_eq!(refused["detail"], "the body is longer than the 1000 bytes that are allowed here");
}

#[tokio::test]
async fn a_body_of_undeclared_length_is_cut_at_the_limit() {
    let open = echo().open();
    let chunk = format!("300\r\n{}\r\n", "x".repeat(0x300));
    let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked";
    let request = format!("{head}\r\n\r\n{chunk}{chunk}0\r\n\r\n");
    let answer = rest(open.raw(&request).await).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains(PROBLEM_JSON) && answer.contains(r#""limit":1000"#), "{answer}");
}

#[tokio::test]
async fn a_route_may_have_a_limit_of_its_own_and_a_larger_one_than_axum() {
    let open = echo()
        .on(post("/large").body_limit(10_000_000), |mut request| async move {
            last::<axum::body::Bytes, _>(&mut request).await.map(|body| body.len().to_string())
        })
        .open();
    let response = open.client.post("/large").body(vec![0; 5_000_000]).await.unwrap();
    assert_eq!(response.text(), "5000000");
}

#[tokio::test]
async fn gzip_is_taken_and_a_bomb_is_a_413() {
    let open = echo().open();
    let send = |body: axum::body::Bytes| open.client.post("/").header("content-encoding", "gzip").body(body);
    assert_eq!(send(compress(&[b'x'; 1000])).await.unwrap().text(), "x".repeat(1000));
    assert_eq!(open.lines()[0]["bytes_in"], compress(&[b'x'; 1000]).len());
    let bomb = send(compress(&vec![b'x'; 900_000])).await.unwrap();
    assert_eq!((&problem(&bomb)["status"], &problem(&bomb)["limit"]), (&json!(413), &json!(1000)));
    let broken = send(axum::body::Bytes::from_static(b"no gzip")).await.unwrap();
    assert_eq!(problem(&broken)["status"], 400);
}

#[tokio::test]
async fn an_unknown_coding_is_a_415_that_says_what_there_is() {
    let response = echo().open().client.post("/").header("content-encoding", "br").body("x").await.unwrap();
    assert_eq!(response.header("accept-encoding"), Some("gzip"));
    assert_eq!(problem(&response)["status"], 415);
}

#[tokio::test]
async fn a_body_that_is_coded_twice_is_a_415_and_not_read_as_if_it_were_once() {
    let open = echo().open();
    let body = || compress(&compress(b"x"));
    let in_one = open.client.post("/").header("content-encoding", "gzip, gzip").body(body()).await.unwrap();
    let in_two = open.client.post("/").header("content-encoding", "gzip").header("content-encoding", "gzip");
    for response in [in_one, in_two.body(body()).await.unwrap()] {
        assert_eq!(
            (problem(&response)["status"].as_u64(), response.header("accept-encoding")),
            (Some(415), Some("gzip"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_a_408_and_a_slow_handler_a_504() {
    let open = echo()
        .on(get("/slow").timeout(Duration::from_secs(5)), |_| async {
            tokio::time::sleep(Duration::from_secs(6)).await;
        })
        .open();
    let slow = open.get("/slow").await;
    assert_eq!(problem(&slow)["status"], 504);
    assert_eq!(open.lines()[0]["outcome"], "timeout");
    let began = tokio::time::Instant::now();
    let request = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf";
    let answer = rest(open.raw(request).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[tokio::test]
async fn a_form_is_json_only_where_the_route_or_the_server_says_so() {
    let handler = |mut request: Request| async move { last::<Json<Value>, _>(&mut request).await };
    let bench = Bench::new().on(post("/strict"), handler).on(post("/any").any_json(), handler);
    let open = bench.open();
    let form = "application/x-www-form-urlencoded";
    let send = |open: &Open, path: &str, content_type: &str| {
        open.client.post(path).header("content-type", content_type).body(r#"{"a":1}"#)
    };
    assert_eq!(send(&open, "/strict", form).await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(send(&open, "/any", form).await.unwrap().json::<Value>().unwrap(), json!({"a": 1}));
    assert_eq!(open.client.post("/any").body(r#"{"a":1}"#).await.unwrap().status(), StatusCode::OK);
    let listed = Bench::new().set(|settings| settings.json_content_types = vec![form.into()]).on(post("/"), handler);
    let listed = listed.open();
    assert_eq!(send(&listed, "/", &format!("{form}; charset=utf-8")).await.unwrap().status(), StatusCode::OK);
    assert_eq!(send(&listed, "/", "text/plain").await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_client_that_waits_for_permission_gets_it_or_the_refusal() {
    let open = echo().open();
    let head = |length: u32| {
        format!(
            "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    let mut stream = open.raw(&head(2)).await;
    let mut permission = [0; 25];
    stream.read_exact(&mut permission).await.unwrap();
    assert_eq!(&permission, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"ok").await.unwrap();
    assert!(rest(stream).await.ends_with("ok"));
    assert!(rest(open.raw(&head(5000)).await).await.starts_with("HTTP/1.1 413"));
}
