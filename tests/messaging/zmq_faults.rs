//! ZeroMQ with peers that are none, that go, that do not listen, and that say what cannot be.

use std::time::Duration;

use chassis::{
    Running,
    codec::{Codec as _, MessagePack},
    messaging::Failure,
};
use chassis_tests::{Proxy, free_port};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

use super::zmq_scene::{
    Ports, Sender, Taker, all_is_well, frame, greeted, greeting, ping, push, shake_hands, until, warnings,
};

fn random(length: usize) -> Vec<u8> {
    use std::hash::{BuildHasher, RandomState};
    (0..length).map(|at| RandomState::new().hash_one(at) as u8).collect()
}

fn malformed<S: chassis::Microservice>(running: &Running<S>, connection: &str) -> f64 {
    let labels = [("broker", "zmq"), ("connection", connection)];
    running.metrics().get("messaging_malformed_total", &labels).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_counted_and_told_once_and_ends_nobody() {
    let ports = Ports::new();
    let taker = ports.taker(json!({})).await;
    let sender = ports.sender(json!({})).await;
    for (name, port, kind) in
        [("double", ports.double, "REQ"), ("jobs", ports.jobs, "PUSH"), ("news", ports.news, "PUB")]
    {
        let mut open = Vec::new();
        for round in 0..10 {
            // No ZMTP at all.
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(&random(300)).await.unwrap();
            open.push(stream);
            // No frames behind the handshake.
            let mut stream = greeted(port, kind).await;
            let _ = stream.write_all(&random(300)).await;
            open.push(stream);
            // Frames without sense.
            let mut stream = greeted(port, kind).await;
            let body = random(20 + round);
            if kind == "REQ" {
                stream.write_all(&[1, 0]).await.unwrap();
            }
            stream.write_all(&[0, body.len() as u8]).await.unwrap();
            stream.write_all(&body).await.unwrap();
            open.push(stream);
            // More than there is memory.
            let mut stream = greeted(port, kind).await;
            stream.write_all(&[2, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).await.unwrap();
            stream.write_all(&random(1000)).await.unwrap();
            open.push(stream);
            // A stranger, and one that wants to be encrypted.
            let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            stream.write_all(&greeting("CURVE")).await.unwrap();
            open.push(stream);
            open.push(greeted(port, "PAIR").await);
        }
        until("the count", || malformed(&taker, name) >= 30.0).await;
        let told = warnings(&taker, &format!("of `{name}`: "));
        assert!((1..=3).contains(&told), "{told} lines about `{name}`");
        all_is_well(&taker, &sender).await;
    }
    sender.stop().await.unwrap();
    let report = taker.stop().await.unwrap();
    assert_eq!(report.code, 0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_too_long_is_answered_so_and_the_connection_lives() {
    let ports = Ports::new();
    let taker = ports.taker(json!({ "max_frame_size": "64KiB" })).await;
    let sender = ports.sender(json!({})).await;
    let long = "x".repeat(3_000_000);
    let error = sender.service().zmq.request::<_, u64>("double", &long).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Answered(_))), "{error:#}");
    assert!(format!("{error:#}").contains("longer than `max_frame_size`"), "{error:#}");
    all_is_well(&taker, &sender).await;
    assert_eq!(warnings(&sender, "is lost"), 0);
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_garbage_is_unknown_and_the_next_request_is_answered() {
    let ports = Ports::new();
    let liar = TcpListener::bind(("127.0.0.1", ports.double)).await.unwrap();
    let lying = tokio::spawn(async move {
        let (mut stream, _) = liar.accept().await.unwrap();
        shake_hands(&mut stream, "REP").await;
        let mut request = vec![0; 10 + 2];
        stream.read_exact(&mut request).await.unwrap();
        // The envelope as it came, and no body.
        stream.write_all(&request).await.unwrap();
        stream.write_all(b"\0\x04lies").await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(Duration::from_millis(300), stream.read_to_end(&mut rest)).await;
    });
    let sender = ports.sender(json!({ "wait_after_creation": "0ms" })).await;
    let error = sender.service().zmq.request::<_, u64>("double", &1_u64).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    lying.await.unwrap();
    let taker = ports.taker(json!({})).await;
    let answer: u64 = sender.service().zmq.request("double", &2_u64).await.unwrap();
    assert_eq!(answer, 4);
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_wait_for_who_pulls_up_to_the_mark_and_then_all_arrive() {
    let ports = Ports::new();
    let sender = ports.sender(json!({ "high_water_mark": 100, "wait_after_creation": "0ms" })).await;
    for number in 0..100_u64 {
        sender.service().zmq.push("jobs", &number).await.unwrap();
    }
    let began = Instant::now();
    let error = sender.service().zmq.push("jobs", &100_u64).timeout(Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::NotSent(_))), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let taker = ports.taker(json!({})).await;
    until("all pushes", || taker.service().seen.lock().unwrap().len() == 100).await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_keep_the_order_of_requests_for_peers_that_tell_them_by_it() {
    const ALL: u64 = 300;
    let ports = Ports::new();
    // One at a time: then the order of the handler is that of the requests.
    let one = json!({ "handlers": { "double": { "concurrency": 1 } } });
    let (taker, sender) = (ports.taker(one).await, ports.sender(json!({})).await);
    let mut peer = greeted(ports.double, "DEALER").await;
    let mut requests = Vec::new();
    for number in 0..ALL {
        let body = MessagePack.encode(&json!({ "args": number, "workflow_id": null })).unwrap();
        requests.extend([1, 0, 0, body.len() as u8]);
        requests.extend(body);
    }
    // In pieces, so that some come alone and some together.
    let (mut reading, mut writing) = peer.split();
    let write = async {
        for piece in requests.chunks(97) {
            writing.write_all(piece).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let read = async {
        for number in 0..ALL {
            assert!(frame(&mut reading).await.is_empty());
            let answer: Value = MessagePack.decode(&frame(&mut reading).await, None).unwrap();
            assert_eq!(answer["return_args"], json!(number * 2));
        }
    };
    tokio::join!(write, read);
    all_is_well(&taker, &sender).await;
    taker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_does_not_listen_holds_nobody_up() {
    let port = free_port();
    let zmq = json!({
        "addresses": { "in": { "news": { "subscriber": format!("127.0.0.1:{port}") } }, "out": { "news": { "publisher": format!("127.0.0.1:{port}") } } },
        "wait_after_creation": "0ms",
        "high_water_mark": 100,
    });
    let settings: chassis::settings::Dict = json!({ "resources": { "zmq": zmq } }).into();
    let sender = Sender::builder().settings(settings).start().await.unwrap();
    let mut deaf = greeted(port, "SUB").await;
    deaf.write_all(&[0, 1, 1]).await.unwrap();
    let zmq = &sender.service().zmq;
    let mut news = zmq.subscribe::<String>("news").await.unwrap();
    let began = Instant::now();
    let text = "x".repeat(20_000);
    for _ in 0..1000 {
        zmq.publish("news", &text).await.unwrap();
        let message = timeout(Duration::from_secs(10), news.next()).await.unwrap().unwrap().unwrap();
        message.ack().await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!((1..=3).contains(&warnings(&sender, "a subscriber is too slow")));
    drop((news, deaf));
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_too_long_is_not_kept_and_told_once() {
    const LONGEST: usize = 1024;
    let port = free_port();
    let zmq = json!({
        "addresses": { "out": { "news": { "publisher": format!("127.0.0.1:{port}") } } },
        "wait_after_creation": "0ms",
    });
    let settings: chassis::settings::Dict = json!({ "resources": { "zmq": zmq } }).into();
    let sender = Sender::builder().settings(settings).start().await.unwrap();
    let text = "x".repeat(2000);
    let publish = async || sender.service().zmq.publish("news", &text).await.unwrap();
    // Subscribes by a message, as it was done before ZMTP 3.1, or by a command.
    let subscribe = async |stream: &mut TcpStream, is_command: bool, prefix: &[u8]| {
        let (flags, name) = if is_command { (6, &b"\x09SUBSCRIBE"[..]) } else { (2, &b"\x01"[..]) };
        let length = (name.len() + prefix.len()) as u64;
        stream.write_all(&[&[flags], &length.to_be_bytes()[..], name, prefix].concat()).await.unwrap();
    };
    let hears = async |stream: &mut TcpStream| {
        let ping = b"\x04\x07\x04PING\0\0";
        stream.write_all(ping).await.unwrap();
        assert_eq!(frame(stream).await, b"\x04PONG", "what was sent before is read");
    };
    let mut all = greeted(port, "SUB").await;
    subscribe(&mut all, false, b"").await;
    hears(&mut all).await;
    publish().await;
    let published = frame(&mut all).await;
    assert!(published.len() > text.len());
    let (mut greedy, mut modest) = (greeted(port, "SUB").await, greeted(port, "SUB").await);
    for is_command in [false, true] {
        for _ in 0..5 {
            subscribe(&mut greedy, is_command, &published[..=LONGEST]).await;
        }
    }
    subscribe(&mut modest, true, &published[..LONGEST]).await;
    hears(&mut greedy).await;
    hears(&mut modest).await;
    publish().await;
    for stream in [&mut all, &mut modest] {
        assert_eq!(frame(stream).await[..LONGEST], published[..LONGEST]);
    }
    let more = timeout(Duration::from_millis(200), greedy.read_u8()).await;
    assert!(more.is_err(), "it gets what it may not subscribe to, or is let go: {more:?}");
    assert_eq!(malformed(&sender, "news"), 10.0);
    // It may still have what is short enough.
    subscribe(&mut greedy, true, b"").await;
    hears(&mut greedy).await;
    publish().await;
    assert_eq!(frame(&mut greedy).await[..LONGEST], published[..LONGEST]);
    let told = || warnings(&sender, "a subscription of 1025 bytes is more than 1024, and not kept");
    until("the warning", || told() > 0).await;
    assert_eq!(told(), 1);
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_asks_many_times_at_once_is_answered_each_time_and_its_pushes_arrive() {
    const QUESTIONS: u8 = 200;
    let ports = Ports::new();
    let (taker, sender) = (ports.taker(json!({})).await, ports.sender(json!({})).await);
    // Who has the next turn is a matter of chance, so there is more than one of them.
    for number in 0..8_u64 {
        let mut peer = greeted(ports.jobs, "PUSH").await;
        let mut all = Vec::new();
        (0..QUESTIONS).for_each(|context| all.extend(ping(&[context])));
        all.extend(push(number));
        peer.write_all(&all).await.unwrap();
        let mut contexts: Vec<u8> = Vec::new();
        while contexts.len() < QUESTIONS.into() {
            let frame = frame(&mut peer).await;
            match frame.strip_prefix(b"\x04PONG") {
                Some(context) => contexts.extend(context),
                None => assert!(frame.starts_with(b"\x04PING"), "it asks as well, once: {frame:?}"),
            }
        }
        assert_eq!(contexts, (0..QUESTIONS).collect::<Vec<_>>());
        until("the push", || taker.service().seen.lock().unwrap().contains(&number)).await;
        peer.write_all(&ping(b"lives")).await.unwrap();
        assert_eq!(frame(&mut peer).await, b"\x04PONGlives");
    }
    all_is_well(&taker, &sender).await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_through_a_connection_that_is_cut_end_at_once_and_go_on_after_it() {
    let ports = Ports::new();
    let taker = ports.taker(json!({})).await;
    let proxy = Proxy::to(ports.double);
    let through = Ports { double: proxy.port(), ..ports };
    let sender = through.sender(json!({})).await;
    let zmq = &sender.service().zmq;
    for round in 0..10_u64 {
        let answer: u64 = zmq.request("double", &round).await.unwrap();
        assert_eq!(answer, 2 * round);
        proxy.cut();
        sleep(Duration::from_millis(20)).await;
        let began = Instant::now();
        let error = zmq.request::<_, u64>("double", &round).timeout(Duration::from_millis(100)).await.unwrap_err();
        assert!(error.find::<Failure>().is_some(), "{error:#}");
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        proxy.heal();
    }
    let recovered = Instant::now();
    let _: u64 = zmq.request("double", &1_u64).await.unwrap();
    assert!(recovered.elapsed() < Duration::from_secs(10), "{:?}", recovered.elapsed());
    let (lost, back) = (warnings(&sender, "is lost, and tried again"), warnings(&sender, "is reached again"));
    assert!(lost <= 20 && back <= 20 && lost >= 9, "{lost} and {back} lines");
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_end_the_start_with_each_fault() {
    let start = |zmq: Value| async move {
        let settings: chassis::settings::Dict = json!({ "resources": { "zmq": zmq } }).into();
        format!("{:#}", Taker::builder().settings(settings).start().await.unwrap_err())
    };
    let error = start(json!({ "addresses": { "in": { "duble": { "replyer": "127.0.0.1:5001" } } } })).await;
    assert!(error.contains("`double` needs the address `addresses.in.double.replyer`"), "{error}");
    assert!(error.contains("`jobs` needs the address `addresses.in.jobs.puller`"), "{error}");
    let error = start(json!({ "addresses": { "in": { "double": { "replier": "127.0.0.1:5001" } } } })).await;
    assert!(error.contains("replier") && error.contains("replyer"), "{error}");
    let ports = Ports::new();
    let settings = ports.settings("in", ["replyer", "puller", "subscriber"], json!({ "codec": "cbor" }));
    let error = format!("{:#}", Taker::builder().settings(settings).start().await.unwrap_err());
    assert!(error.contains("this wire carries message_pack only"), "{error}");
    let _taken = TcpListener::bind(("127.0.0.1", ports.double)).await.unwrap();
    let settings = ports.settings("in", ["replyer", "puller", "subscriber"], json!({}));
    let error = format!("{:#}", Taker::builder().settings(settings).start().await.unwrap_err());
    assert!(error.contains("cannot listen at") && error.contains("ss -ltnp"), "{error}");
}
