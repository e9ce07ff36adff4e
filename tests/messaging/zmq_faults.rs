//! ZeroMQ with peers that are none, that go, that do not listen, and that say what cannot be.

use std::{sync::Arc, time::Duration};

use chassis::{
    Running,
    codec::{Codec as _, MessagePack},
    messaging::{Failure, Zmq},
    prelude::*,
};
use chassis_tests::{Proxy, free_port};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout},
};

/// Takes by every kind of socket.
#[microservice(name = "taker")]
struct Taker {
    #[resource]
    zmq: Zmq,
    seen: std::sync::Mutex<Vec<u64>>,
    /// How long a job takes.
    pace: Duration,
}

#[microservice]
impl Taker {
    #[reply(zmq, "double", concurrency = 4, quiet)]
    async fn double(&self, number: u64) -> Result<u64> {
        Ok(number * 2)
    }

    #[pull(zmq, "jobs", quiet)]
    async fn job(&self, number: u64) {
        if !self.pace.is_zero() {
            sleep(self.pace).await;
        }
        self.seen.lock().unwrap().push(number);
    }

    #[subscribe(zmq, "news", quiet)]
    async fn news(&self, number: u64) {
        self.seen.lock().unwrap().push(number);
    }
}

/// Takes by several workers that share the keys.
#[microservice(name = "sharer")]
struct Sharer {
    #[resource]
    zmq: Zmq,
    seen: std::sync::Mutex<Vec<u64>>,
}

#[microservice]
impl Sharer {
    #[pull(zmq, "jobs", concurrency = 4, by_key, quiet)]
    async fn job(&self, number: u64) {
        sleep(Duration::from_millis(5)).await;
        self.seen.lock().unwrap().push(number);
    }
}

/// Only sends.
#[microservice(name = "sender")]
struct Sender {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Sender {}

#[derive(Clone, Copy)]
struct Ports {
    double: u16,
    jobs: u16,
    news: u16,
}

impl Ports {
    fn new() -> Self {
        Self { double: free_port(), jobs: free_port(), news: free_port() }
    }

    /// The taker binds everything, so that anybody can come.
    fn settings(self, side: &str, [reply, pull, subscribe]: [&str; 3], more: Value) -> chassis::settings::Dict {
        let at = |socket: &str, port: u16| json!({ socket: format!("127.0.0.1:{port}") });
        let sockets =
            json!({ "double": at(reply, self.double), "jobs": at(pull, self.jobs), "news": at(subscribe, self.news) });
        let mut zmq = json!({
            "addresses": { side: sockets },
            "connections": { "news": { "is_binder": true } },
            "wait_after_creation": "2s",
            "max_reconnect_interval": "100ms",
        });
        if let (Value::Object(zmq), Value::Object(more)) = (&mut zmq, more) {
            zmq.extend(more);
        }
        json!({ "resources": { "zmq": zmq } }).into()
    }

    async fn taker(self, more: Value) -> Running<Taker> {
        let settings = self.settings("in", ["replyer", "puller", "subscriber"], more);
        Taker::builder().settings(settings).start().await.unwrap()
    }

    async fn sender(self, more: Value) -> Running<Sender> {
        let settings = self.settings("out", ["requester", "pusher", "publisher"], more);
        Sender::builder().settings(settings).start().await.unwrap()
    }
}

/// A connection that has begun well, as a socket of that kind.
async fn greeted(port: u16, kind: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    shake_hands(&mut stream, kind).await;
    stream
}

async fn shake_hands(stream: &mut TcpStream, kind: &str) {
    stream.write_all(&greeting("NULL")).await.unwrap();
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    ready.push(kind.len() as u8);
    ready.extend(kind.as_bytes());
    stream.write_all(&[4, ready.len() as u8]).await.unwrap();
    stream.write_all(&ready).await.unwrap();
    let mut theirs = [0; 66];
    stream.read_exact(&mut theirs).await.unwrap();
    let mut rest = vec![0; usize::from(theirs[65])];
    stream.read_exact(&mut rest).await.unwrap();
}

fn greeting(mechanism: &str) -> [u8; 64] {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    greeting
}

fn random(length: usize) -> Vec<u8> {
    use std::hash::{BuildHasher, RandomState};
    (0..length).map(|at| RandomState::new().hash_one(at) as u8).collect()
}

/// Everything still works.
async fn all_is_well(taker: &Running<Taker>, sender: &Running<Sender>) {
    let zmq = &sender.service().zmq;
    let answer: u64 = zmq.request("double", &21_u64).await.unwrap();
    assert_eq!(answer, 42);
    taker.service().seen.lock().unwrap().clear();
    zmq.push("jobs", &7_u64).await.unwrap();
    zmq.publish("news", &8_u64).await.unwrap();
    until("a push and a publication", || taker.service().seen.lock().unwrap().len() == 2).await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

fn malformed<S: chassis::Microservice>(running: &Running<S>, connection: &str) -> f64 {
    let labels = [("broker", "zmq"), ("connection", connection)];
    running.metrics().get("messaging_malformed_total", &labels).unwrap_or_default()
}

fn warnings<S: chassis::Microservice>(running: &Running<S>, text: &str) -> usize {
    let lines = running.logs().captured();
    lines.iter().filter(|line| line["message"].as_str().unwrap_or_default().contains(text)).count()
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
async fn a_stop_sends_what_waits() {
    let ports = Ports::new();
    let taker = ports.taker(json!({})).await;
    let sender = ports.sender(json!({})).await;
    for number in 0..500_u64 {
        sender.service().zmq.push("jobs", &number).await.unwrap();
    }
    sender.stop().await.unwrap();
    until("all pushes", || taker.service().seen.lock().unwrap().len() == 500).await;
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stops_in_order_loses_nothing_of_a_stream_of_pushes() {
    const ALL: u64 = 600;
    let ports = Ports::new();
    let sender = ports.sender(json!({ "wait_after_creation": "0ms" })).await;
    let service = Arc::clone(sender.service());
    let pushing = tokio::spawn(async move {
        for number in 0..ALL {
            service.zmq.push("jobs", &number).timeout(Duration::from_secs(30)).await.unwrap();
        }
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        // What was sent takes far longer to handle than silence is waited for.
        let settings = ports.settings("in", ["replyer", "puller", "subscriber"], json!({ "linger": "100ms" }));
        let taker = Taker::builder().settings(settings).with(|taker| taker.pace = Duration::from_millis(5));
        let taker = taker.start().await.unwrap();
        let service = Arc::clone(taker.service());
        until("a first message", || !service.seen.lock().unwrap().is_empty() || seen.len() as u64 == ALL).await;
        assert_eq!(taker.stop().await.unwrap().code, 0);
        seen.append(&mut service.seen.lock().unwrap());
    }
    pushing.await.unwrap();
    let taker = ports.taker(json!({})).await;
    let missing =
        |seen: &[u64], more: &[u64]| (0..ALL).filter(|number| !seen.contains(number) && !more.contains(number)).count();
    until("all pushes", || missing(&seen, &taker.service().seen.lock().unwrap()) == 0).await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_share_keys_and_stop_in_order_lose_nothing() {
    const ALL: u64 = 200;
    let ports = Ports::new();
    let sender = ports.sender(json!({ "wait_after_creation": "0ms" })).await;
    for number in 0..ALL {
        sender.service().zmq.push("jobs", &number).await.unwrap();
    }
    let addresses = json!({ "in": { "jobs": { "puller": format!("127.0.0.1:{}", ports.jobs) } } });
    let settings: chassis::settings::Dict = json!({ "resources": { "zmq": { "addresses": addresses } } }).into();
    let sharer = Sharer::builder().settings(settings).start().await.unwrap();
    let service = Arc::clone(sharer.service());
    until("a first message", || !service.seen.lock().unwrap().is_empty()).await;
    assert_eq!(sharer.stop().await.unwrap().code, 0);
    // What has come is handled, and nobody else has the rest.
    let mut seen = service.seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert!(seen.len() > 4 && seen == (0..seen.len() as u64).collect::<Vec<_>>(), "{seen:?}");
    let taker = ports.taker(json!({})).await;
    until("the rest", || taker.service().seen.lock().unwrap().len() + seen.len() == ALL as usize).await;
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

/// The next frame, however long.
async fn frame(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let reading = async {
        let length = match stream.read_u8().await.unwrap() & 2 {
            0 => u64::from(stream.read_u8().await.unwrap()),
            _ => stream.read_u64().await.unwrap(),
        };
        let mut body = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        body
    };
    timeout(Duration::from_secs(20), reading).await.unwrap()
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
