//! Answers on their way out: compression, tags, the cache, `HEAD`.

use std::{
    io::Read,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use axum::body::Body;
use futures_util::stream;
use http::{Method, StatusCode, header};

use super::*;

fn text(length: usize) -> Bench {
    Bench::new().on(get("/"), move |_| async move { "x".repeat(length) })
}

fn unzip(response: &TestResponse) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&response.bytes()[..]).read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn an_answer_is_compressed_for_who_takes_it_when_it_is_long_enough() {
    let open = text(5000).open();
    let response = open.client.get("/").header("accept-encoding", "gzip").await.unwrap();
    assert_eq!((response.header("content-encoding"), response.header("vary")), (Some("gzip"), Some("accept-encoding")));
    assert_eq!(response.header("content-length"), Some(response.bytes().len().to_string().as_str()));
    assert_eq!(unzip(&response), "x".repeat(5000));
    assert_eq!(open.lines()[0]["bytes_out"], response.bytes().len());
    let plain = open.get("/").await;
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("accept-encoding")));
    let short = text(1000).open().client.get("/").header("accept-encoding", "gzip").await.unwrap();
    assert_eq!((short.header("content-encoding"), short.header("vary")), (None, None));
    let off = text(5000).set(|settings| settings.compression.enabled = false).open();
    assert_eq!(off.client.get("/").header("accept-encoding", "gzip").await.unwrap().header("content-encoding"), None);
}

#[tokio::test]
async fn a_long_answer_is_compressed_while_it_is_sent() {
    let open = text(1_000_000).open();
    let response = open.client.get("/").header("accept-encoding", "gzip").await.unwrap();
    assert_eq!(response.header("content-length"), None);
    assert_eq!(unzip(&response).len(), 1_000_000);
    let line = open.line(|_| true).await;
    assert_eq!(line["bytes_out"], response.bytes().len());
}

#[tokio::test]
async fn a_client_that_has_the_answer_gets_a_304() {
    let open = text(5000).open();
    for encoding in ["identity", "gzip"] {
        let ask = || open.client.get("/").header("accept-encoding", encoding);
        let first = ask().await.unwrap();
        let tag = first.header("etag").unwrap().to_owned();
        let second = ask().header("if-none-match", &tag).await.unwrap();
        assert_eq!((second.status(), second.header("etag")), (StatusCode::NOT_MODIFIED, first.header("etag")));
        assert!(second.bytes().is_empty());
        assert_eq!((second.header("vary"), second.header("content-encoding")), (Some("accept-encoding"), None));
    }
    let other = open.client.get("/").header("if-none-match", "\"other\"").await.unwrap();
    assert_eq!(other.status(), StatusCode::OK);
    let off = text(10).set(|settings| settings.etag = false).open();
    assert_eq!(off.get("/").await.header("etag"), None);
}

#[tokio::test]
async fn a_tag_of_the_handlers_own_is_never_taken_for_ours() {
    const OWN: &str = "\"0123456789abcdef\"";
    let own = |_| async { ([(header::ETAG, OWN)], "x".repeat(5000)) };
    let open = Bench::new().on(get("/"), own).open();
    assert_eq!(open.get("/").await.header("etag"), Some(OWN));
    let ask = || open.client.get("/").header("accept-encoding", "gzip");
    let first = ask().await.unwrap();
    assert_eq!((first.header("content-encoding"), first.header("etag")), (Some("gzip"), Some(&*format!("W/{OWN}"))));
    let second = ask().header("if-none-match", first.header("etag").unwrap()).await.unwrap();
    assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn head_is_answered_by_get_without_the_body() {
    let open = text(500).open();
    let response = open.client.request(Method::HEAD, "/").await.unwrap();
    assert_eq!((response.status(), response.header("content-length")), (StatusCode::OK, Some("500")));
    assert!(response.bytes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_cached_answer_is_given_again_until_it_is_too_old() {
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    let route = get("/").cache(Duration::from_secs(10)).cache_by(&["accept-language"]);
    let open = Bench::new()
        .on(route, move |_| {
            let call = counted.fetch_add(1, Relaxed);
            async move { call.to_string() }
        })
        .open();
    let ask = |path: &'static str, language: &'static str| open.client.get(path).header("accept-language", language);
    let first = ask("/", "de").await.unwrap();
    assert_eq!((first.text().as_str(), first.header("x-cache"), first.header("age")), ("0", Some("MISS"), None));
    tokio::time::advance(Duration::from_secs(3)).await;
    let second = ask("/", "de").await.unwrap();
    assert_eq!((second.text().as_str(), second.header("x-cache"), second.header("age")), ("0", Some("HIT"), Some("3")));
    assert_ne!(second.header("x-request-id"), first.header("x-request-id"));
    assert_eq!(ask("/", "en").await.unwrap().text(), "1");
    assert_eq!(ask("/?a", "de").await.unwrap().text(), "2");
    assert_eq!(ask("/", "de").header("authorization", "Bearer x").await.unwrap().text(), "3");
    tokio::time::advance(Duration::from_secs(7)).await;
    assert_eq!(ask("/", "de").await.unwrap().text(), "4");
}

#[tokio::test]
async fn a_request_with_a_body_is_never_answered_out_of_the_cache() {
    let route = post("/").cache(Duration::from_secs(10));
    let open = Bench::new().on(route, |mut request| async move { last::<String, _>(&mut request).await }).open();
    for body in ["one", "two"] {
        let response = open.client.post("/").body(body).await.unwrap();
        assert_eq!((response.text().as_str(), response.header("x-cache")), (body, None));
    }
}

#[tokio::test]
async fn a_stream_is_told_of_at_its_end() {
    let open = Bench::new()
        .on(get("/"), |_| async {
            let chunks = (0..3).map(|_| {
                let id = crate::unit::current_request_id().is_some();
                Ok::<_, std::io::Error>(if id { "with " } else { "without " })
            });
            Body::from_stream(stream::iter(chunks.collect::<Vec<_>>()))
        })
        .open();
    let response = open.get("/").await;
    assert_eq!(response.text(), "with with with ");
    let line = open.line(|_| true).await;
    assert_eq!((&line["bytes_out"], &line["outcome"]), (&15.into(), &"ok".into()));
}

#[tokio::test]
async fn a_stream_that_fails_is_told_of_too() {
    let open = Bench::new()
        .on(get("/"), |_| async {
            let chunks = [Ok("half"), Err(std::io::Error::other("the source is gone"))];
            ([(header::CONTENT_TYPE, "image/png")], Body::from_stream(stream::iter(chunks)))
        })
        .open();
    assert!(open.client.get("/").await.is_err());
    let line = open.line(|_| true).await;
    assert_eq!((&line["outcome"], &line["error"]), (&"error".into(), &"the source is gone".into()));
}
