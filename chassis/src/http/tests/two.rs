//! HTTP/2, with prior knowledge.

use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;

type Sender = SendRequest<Full<Bytes>>;

/// A client and the end of its connection.
async fn connect(server: &Server) -> (Sender, tokio::task::JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, tokio::spawn(connection))
}

async fn get(sender: &mut Sender, path: &str) -> hyper::Result<String> {
    let request = Request::get(format!("http://x{path}")).body(Full::default()).unwrap();
    let answer = sender.send_request(request).await?;
    let body = answer.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&body).into_owned())
}

#[tokio::test]
async fn requests_share_a_connection() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let (sender, _connection) = connect(&server).await;
    let answers = (0..50).map(|n| {
        let mut sender = sender.clone();
        async move { get(&mut sender, &format!("/{n}")).await.unwrap() }
    });
    for (n, answer) in futures_util::future::join_all(answers).await.into_iter().enumerate() {
        assert_eq!(answer, format!("/{n} 0"));
    }
    assert_eq!(server.statistics().accepted, 1);
}

#[tokio::test]
async fn a_preface_may_come_in_pieces() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.stream.set_nodelay(true).unwrap();
    for piece in [&b"PRI * HT"[..], b"TP/2.0\r\n", b"\r\nSM\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0"] {
        client.send(piece).await;
        sleep(Duration::from_millis(10)).await;
    }
    let mut frame = [0; 9];
    timeout(ENOUGH, client.stream.read_exact(&mut frame)).await.unwrap().unwrap();
    assert_eq!(frame[3], 4, "settings");
}

#[tokio::test]
async fn methods_that_begin_like_the_preface_are_http_1() {
    let (server, _echo) = open(&ConnectionSettings::default());
    for method in ["PUT", "PRINT", "POST", "P", "PRI"] {
        let mut client = Raw::connect(&server).await;
        client.send(format!("{method} /x HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")).await;
        assert!(client.answer().await.ends_with("/x 0"), "{method}");
    }
}

#[tokio::test]
async fn a_close_says_goaway_and_serves_what_is_in_flight() {
    let (server, echo) = open(&ConnectionSettings::default());
    let (mut sender, connection) = connect(&server).await;
    get(&mut sender, "/one").await.unwrap();
    let slow = tokio::spawn(async move { (get(&mut sender, "/slow").await, sender) });
    echo.entered().await;
    server.close().await;
    assert!(timeout(Duration::from_millis(50), server.drain()).await.is_err());
    echo.let_go.add_permits(1);
    let (answer, mut sender) = slow.await.unwrap();
    assert_eq!(answer.unwrap(), "/slow 0");
    timeout(ENOUGH, server.drain()).await.unwrap();
    timeout(ENOUGH, connection).await.unwrap().unwrap().unwrap();
    assert!(get(&mut sender, "/late").await.is_err());
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_stop() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let (mut sender, connection) = connect(&server).await;
    get(&mut sender, "/one").await.unwrap();
    let start = std::time::Instant::now();
    server.close().await;
    server.drain().await;
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    timeout(ENOUGH, connection).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_ignores_goaway_is_cut_off() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await;
    eventually(|| server.statistics().open == 1).await;
    sleep(Duration::from_millis(20)).await;
    server.close().await;
    timeout(Duration::from_secs(5), server.drain()).await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let settings =
        ConnectionSettings { keep_alive_timeout: Duration::from_millis(200), ..ConnectionSettings::default() };
    let (server, _echo) = open(&settings);
    let (mut sender, connection) = connect(&server).await;
    get(&mut sender, "/sleep/500").await.unwrap();
    timeout(ENOUGH, connection).await.unwrap().unwrap().unwrap();
    assert_eq!(server.statistics().idle, 1);
    eventually(|| server.statistics().open == 0).await;
}

#[tokio::test]
async fn a_deadline_wakes_a_stream() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let (mut sender, _connection) = connect(&server).await;
    assert_eq!(get(&mut sender, "/deadline").await.unwrap(), "/deadline 0");
}

#[tokio::test]
async fn a_flood_of_resets_ends_the_connection() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    for stream in (1_u32..4001).step_by(2) {
        // HEADERS of `GET /` over http, and RST_STREAM right behind.
        bytes.extend([0, 0, 3, 1, 5]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend([0x82, 0x84, 0x86]);
        bytes.extend([0, 0, 4, 3, 0]);
        bytes.extend(stream.to_be_bytes());
        bytes.extend(8_u32.to_be_bytes());
    }
    // The server may close before all of it is sent.
    let _ = client.stream.write_all(&bytes).await;
    let mut answer = Vec::new();
    let _ = timeout(ENOUGH, client.stream.read_to_end(&mut answer)).await.unwrap();
    eventually(|| server.statistics().open == 0).await;
}

#[tokio::test]
async fn a_client_that_does_not_take_an_answer_is_cut_off() {
    let settings = ConnectionSettings { write_timeout: Duration::from_millis(200), ..ConnectionSettings::default() };
    let (server, _echo) = open(&settings);
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1000)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://x/stream").body(Full::<Bytes>::default()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    eventually(|| server.statistics().stalled == 1).await;
    assert!(answer.into_body().collect().await.is_err());
    let _ = timeout(ENOUGH, connection).await.unwrap();
    eventually(|| server.statistics().open == 0).await;
}

#[tokio::test]
async fn an_answer_that_is_slow_to_be_made_is_not_cut_off() {
    let settings = ConnectionSettings { write_timeout: Duration::from_millis(100), ..ConnectionSettings::default() };
    let (server, _echo) = open(&settings);
    let (mut sender, _connection) = connect(&server).await;
    assert_eq!(get(&mut sender, "/drip").await.unwrap(), "drop".repeat(5));
    assert_eq!(get(&mut sender, "/sleep/500").await.unwrap(), "/sleep/500 0");
}
