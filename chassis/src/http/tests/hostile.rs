use super::*;

fn short() -> ConnectionSettings {
    ConnectionSettings {
        header_read_timeout: Duration::from_millis(200),
        keep_alive_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        ..ConnectionSettings::default()
    }
}

#[tokio::test]
async fn what_is_no_http_gets_a_bare_400() {
    let (server, _echo) = open(&ConnectionSettings::default());
    for garbage in
        [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"[..], b"GET\r\n\r\n", b"\0\0\0\0\r\n"]
    {
        let mut client = Raw::connect(&server).await;
        client.send(garbage).await;
        client.stream.shutdown().await.unwrap();
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
    }
    assert_eq!(server.statistics().refused_heads, 3);
    let mut client = Raw::connect(&server).await;
    client.get("/still").await;
    assert!(client.answer().await.ends_with("/still 0"));
}

#[tokio::test]
async fn heads_that_are_too_large_get_a_bare_431() {
    let settings =
        ConnectionSettings { max_header_size: crate::settings::ByteSize::kib(8), ..ConnectionSettings::default() };
    let (server, _echo) = open(&settings);
    let many = "a: b\r\n".repeat(101);
    let large = format!("a: {}\r\n", "b".repeat(9000));
    for headers in [many, large] {
        let mut client = Raw::connect(&server).await;
        client.send(format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n")).await;
        let answer = client.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer:?}");
    }
    assert_eq!(server.statistics().refused_heads, 2);
}

#[tokio::test]
async fn a_client_that_sends_its_head_byte_by_byte_is_cut_off() {
    let (server, _echo) = open(&short());
    let mut client = Raw::connect(&server).await;
    let start = std::time::Instant::now();
    for byte in b"GET / HTTP/1.1\r\nhost: a-name-that-takes-a-while\r\n\r\n" {
        if client.stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(5));
    let mut answer = Vec::new();
    // The answer may be lost to a reset, for the client went on sending.
    let _ = client.stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 408 "));
    assert_eq!(server.statistics().timed_out_heads, 1);
    assert_eq!(server.statistics().open, 0);
}

#[tokio::test]
async fn a_second_head_that_does_not_end_is_cut_off_too() {
    let (server, _echo) = open(&short());
    let mut client = Raw::connect(&server).await;
    client.get("/one").await;
    client.answer().await;
    client.send("GET /two HTT").await;
    assert!(client.rest().await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn a_client_that_says_nothing_is_cut_off() {
    let (server, _echo) = open(&short());
    let mut client = Raw::connect(&server).await;
    assert_eq!(client.rest().await, "");
    assert_eq!(server.statistics().timed_out_heads, 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let (server, _echo) = open(&short());
    let mut idle = Raw::connect(&server).await;
    idle.get("/one").await;
    idle.answer().await;
    let mut busy = Raw::connect(&server).await;
    busy.get("/sleep/1000").await;
    assert_eq!(idle.rest().await, "");
    assert_eq!(server.statistics().idle, 1);
    assert!(busy.answer().await.ends_with("/sleep/1000 0"));
    assert_eq!(busy.rest().await, "");
}

#[tokio::test]
async fn a_refused_upload_still_sees_its_answer() {
    let (server, _echo) = open(&ConnectionSettings::default());
    let mut client = Raw::connect(&server).await;
    client.send("POST /unread HTTP/1.1\r\nhost: x\r\ncontent-length: 10000000\r\n\r\n").await;
    for _ in 0..50 {
        if client.stream.write_all(&[0; 10_000]).await.is_err() {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    client.stream.shutdown().await.unwrap();
    assert!(client.rest().await.ends_with("refused"));
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_room() {
    let settings = ConnectionSettings { max_connections: 2, ..ConnectionSettings::default() };
    let (server, echo) = open(&settings);
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Raw::connect(&server).await;
        client.get("/slow").await;
        clients.push(client);
    }
    echo.entered().await;
    echo.entered().await;
    assert_eq!((server.statistics().accepted, server.statistics().open), (2, 2));
    echo.let_go.add_permits(4);
    for client in &mut clients {
        client.answer().await;
    }
    assert_eq!(server.statistics().accepted, 4);
}

#[tokio::test]
async fn a_client_that_does_not_take_its_answer_is_cut_off() {
    let (server, _echo) = open(&short());
    let mut client = Raw::connect(&server).await;
    client.get("/large").await;
    eventually(|| server.statistics().stalled == 1).await;
    eventually(|| server.statistics().open == 0).await;
}

#[tokio::test]
async fn a_slow_reader_is_served_as_long_as_it_reads() {
    let (server, _echo) = open(&short());
    let mut client = Raw::connect(&server).await;
    client.get("/large").await;
    let mut bytes = 0;
    let mut buffer = vec![0; 1024 * 1024];
    while bytes < 16 * 1024 * 1024 {
        sleep(Duration::from_millis(2)).await;
        bytes += timeout(ENOUGH, client.stream.read(&mut buffer)).await.unwrap().unwrap();
    }
    assert_eq!(server.statistics().stalled, 0);
}

#[tokio::test]
async fn an_answer_that_is_slow_to_be_made_is_not_cut_off() {
    let (server, _echo) = open(&short());
    let answer = server.client().get("/drip").await.unwrap();
    assert_eq!(answer.text(), "drop".repeat(5));
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let settings = ConnectionSettings { max_connections: 3, ..ConnectionSettings::default() };
    let (server, echo) = open(&settings);
    let mut idle = Raw::connect(&server).await;
    idle.get("/one").await;
    idle.answer().await;
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut client = Raw::connect(&server).await;
        client.get("/slow").await;
        echo.entered().await;
        busy.push(client);
    }
    let mut next = Raw::connect(&server).await;
    next.get("/two").await;
    assert_eq!(idle.rest().await, "");
    assert!(next.answer().await.ends_with("/two 0"));
    // Somebody else waits, so that who is served now does not stay.
    next.get("/slow").await;
    echo.entered().await;
    let mut last = Raw::connect(&server).await;
    last.get("/three").await;
    eventually(|| server.is_crowded_for_test()).await;
    echo.let_go.add_permits(3);
    assert!(next.answer().await.contains("connection: close"));
    assert!(last.answer().await.ends_with("/three 0"));
}
