//! A bounded fuzz of everything a client can send: no input may bring down the server, or get an error without a
//! problem document once its head was read.
//!
//! `CHASSIS_FUZZ_ROUNDS=100000` looks further than the normal run.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{net::SocketAddr, time::Duration};

use chassis::{prelude::*, settings::Dict};
use chassis_tests::no_leaks;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A service with every kind of argument.
#[microservice(name = "surface")]
struct Surface {
    #[resource]
    http: HttpServer,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shape {
    name: String,
    #[serde(default)]
    sizes: Vec<u8>,
    inner: Option<Box<Shape>>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Page {
    from: Option<u32>,
    word: Option<String>,
}

#[microservice]
impl Surface {
    #[get("/items/{id}", cache = "1s")]
    async fn item(&self, Path(id): Path<u32>, Query(page): Query<Page>) -> Json<(u32, Page)> {
        Json((id, page))
    }

    #[post("/valid")]
    async fn valid(&self, Valid(shape): Valid<Shape>) -> Json<Shape> {
        Json(shape)
    }

    #[put("/json", any_json)]
    async fn json(&self, Json(shape): Json<Shape>) -> Json<Shape> {
        Json(shape)
    }

    #[any("/text/{*rest}")]
    async fn text(&self, Path(rest): Path<String>, body: String) -> String {
        rest + &body
    }
}

const HEADS: [&str; 12] = [
    "host: x",
    "content-type: application/json",
    "content-type: application/x-www-form-urlencoded",
    "content-encoding: gzip",
    "content-encoding: br, gzip",
    "transfer-encoding: chunked",
    "accept-encoding: gzip;q=0.5, *",
    "if-none-match: *, W/\"x\"",
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "x-request-id: \u{e4}\u{1}",
    "expect: 100-continue",
    "content-length: 5",
];
const BODIES: [&str; 7] = [
    "",
    r#"{"name":"a","sizes":[1,2]}"#,
    r#"{"name":1,"x":{"y":[[[[]]]]}}"#,
    "[[[[[[[[",
    "5\r\nhello\r\n0\r\n\r\n",
    "\u{1f}\u{8b}\u{8}\u{0}",
    "name=a&from=1",
];
const TARGETS: [&str; 9] =
    ["/items/7", "/items/x?from=-1", "/items/%ff", "/valid", "/valid/", "/json", "/text/a/b%00", "/openapi.json", "*"];

/// A request put together of likely pieces, with a few bytes of it changed.
fn requests() -> impl Strategy<Value = Vec<u8>> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "BREW", "get"]);
    let target = prop::sample::select(TARGETS.to_vec());
    let heads = prop::collection::vec(prop::sample::select(HEADS.to_vec()), 0..5);
    let body = prop::sample::select(BODIES.to_vec());
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (method, target, heads, body, any::<bool>(), changes).prop_map(|(method, target, heads, body, counted, changes)| {
        let length = if counted { format!("content-length: {}\r\n", body.len()) } else { String::new() };
        let heads: String = heads.iter().map(|head| format!("{head}\r\n")).collect();
        let mut request =
            format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n{length}{heads}\r\n{body}").into_bytes();
        for (at, byte) in changes {
            let at = at.index(request.len());
            request[at] = byte;
        }
        request
    })
}

/// Sends it, ends the sending, and reads whatever comes.
async fn send(address: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have closed before it has seen all.
    let _ = stream.write_all(request).await;
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "no end of the answer to {:?}", String::from_utf8_lossy(request));
    answer
}

/// An answer to a head that was read is complete; if it is an error, it is a problem document.
fn check(request: &[u8], answer: &[u8]) {
    let shown = || format!("{:?} -> {:?}", String::from_utf8_lossy(request), String::from_utf8_lossy(answer));
    let answer = answer.strip_prefix(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap_or(answer);
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        assert!(answer.is_empty(), "half an answer: {}", shown());
        return;
    };
    let head = std::str::from_utf8(&answer[..end]).unwrap().to_ascii_lowercase();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    // What hyper refuses itself has no id: its head was never read.
    let was_read = head.contains("x-request-id: ");
    let is_head = request.starts_with(b"HEAD");
    if was_read && status >= 400 && !is_head {
        assert!(head.contains("content-type: application/problem+json"), "{}", shown());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        // What comes behind answers what the server took for another request.
        let body = &answer[end + 4..][..length.parse().unwrap()];
        let document: serde_json::Value = serde_json::from_slice(body).unwrap();
        assert_eq!(document["status"], status, "{}", shown());
    }
    assert!(status < 500, "{}", shown());
}

#[test]
fn nothing_a_client_sends_brings_the_server_down() {
    no_leaks(async {
        let cases = std::env::var("CHASSIS_FUZZ_ROUNDS").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1500);
        let running = Surface::builder().settings(Dict::new().set("resources.http.port", 0)).start().await.unwrap();
        let address = running.service().http.address().unwrap();
        // The same cases in every run.
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let strategy = requests();
        for _ in 0..cases {
            let request = strategy.new_tree(&mut runner).unwrap().current();
            check(&request, &send(address, &request).await);
        }
        let healthy = running.service().http.client().unwrap().get("/items/7").await.unwrap();
        assert_eq!(healthy.status().as_u16(), 200);
        let panics = running.metrics().get("chassis_work_total", &[("kind", "request"), ("outcome", "panic")]);
        assert_eq!(panics.unwrap_or_default(), 0.0);
        running.stop().await.unwrap();
    });
}
