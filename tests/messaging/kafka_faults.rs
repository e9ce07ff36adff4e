//! Kafka clusters that go and come back and answer with errors, and messages that nobody would send.
//!
//! `CHASSIS_SOAK_ROUNDS=100` looks further than the normal run. What the cluster of these tests cannot show: SASL, TLS,
//! transactions; and messages that survive the end of a cluster, which `kafka_server` does.

use std::{process::Command, sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::{
    Error, Running,
    codec::Raw,
    messaging::{kafka::KafkaEngine, known},
};
use chassis_tests::{KafkaCluster, Proxy, tool};
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Answer};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    load::{Load, lines, rounds},
    place::Place,
    scene::Scene,
    services::{Job, Puller, Sender},
    sights::Sights,
};

/// A cluster that can be reached there.
pub(crate) struct At {
    servers: String,
    /// How long it holds up who joins a group, and says nothing else to that member meanwhile.
    hold: Duration,
}

impl At {
    pub(crate) fn new(servers: String) -> Self {
        Self { servers, hold: Duration::ZERO }
    }

    #[cfg(feature = "kafka-server")]
    pub(crate) fn holding_up(self, hold: Duration) -> Self {
        Self { hold, ..self }
    }
}

impl Place for At {
    type Engine = KafkaEngine;

    fn settings(&self, space: &str) -> Value {
        let two_seconds = Duration::from_secs(2);
        json!({
            "bootstrap_servers": self.servers,
            "topics_prefix": space,
            "group": space,
            "partitions": 4,
            // Who joins may have to do so again, because others have joined meanwhile.
            "session_timeout": format!("{}ms", (two_seconds + 2 * self.hold).as_millis()),
            // A service that the cluster leaves without partitions begins anew after both together.
            "max_poll_interval": "8s",
            "release_timeout": "4s",
            "client": {
                "heartbeat_interval_ms": "100",
                "socket_timeout_ms": (two_seconds + self.hold).as_millis().to_string(),
            },
        })
    }
}

/// A sender, and one who pulls as the only member of a group. Where there are others, it pulls on while one of them is
/// thrown out and all join anew, and its work does not tell when a broker can be broken again.
pub(crate) async fn services(
    place: At,
    sights: &Sights,
) -> (Running<Sender<KafkaEngine>>, Running<Puller<KafkaEngine>>) {
    let scene = Scene::new(&Arc::new(place));
    (scene.sender().await, scene.puller(sights).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_goes_and_comes_back_loses_nothing() {
    let (cluster, sights) = (KafkaCluster::start(1), Sights::default());
    let (sender, worker) = services(At::new(cluster.servers()), &sights).await;
    let load = Load::begin(&sender, 16);
    let (rounds, mut recoveries) = (rounds(5), Vec::new());
    for _ in 0..rounds {
        load.goes_on().await;
        sleep(Duration::from_millis(300)).await;
        cluster.mock().broker_down(1).unwrap();
        sleep(Duration::from_millis(1500)).await;
        let before = sights.all().len();
        cluster.mock().broker_up(1).unwrap();
        recoveries.push(load.goes_on().await);
        sights.calls(before + 1).await;
    }
    load.end_after(rounds, recoveries, &sights, (sender, worker)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_end_or_say_nothing_lose_nothing() {
    let (cluster, sights) = (KafkaCluster::start(1), Sights::default());
    let servers = cluster.servers();
    let port = servers.rsplit_once(':').unwrap().1.parse().unwrap();
    // Only the first connection leads through it: the cluster tells its clients where its brokers are themselves.
    let proxy = Proxy::to(port);
    let (sender, worker) = services(At::new(format!("127.0.0.1:{}", proxy.port())), &sights).await;
    let load = Load::begin(&sender, 16);
    for round in 0..rounds(4) {
        load.goes_on().await;
        cluster
            .mock()
            .broker_round_trip_time(1, Duration::from_millis(if round % 2 == 0 { 3000 } else { 200 }))
            .unwrap();
        proxy.cut();
        sleep(Duration::from_secs(3)).await;
        cluster.mock().broker_round_trip_time(1, Duration::ZERO).unwrap();
        proxy.heal();
        load.goes_on().await;
    }
    load.end(&sights).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_errors_lose_nothing() {
    let (cluster, sights) = (KafkaCluster::start(1), Sights::default());
    let (sender, worker) = services(At::new(cluster.servers()), &sights).await;
    let load = Load::begin(&sender, 8);
    let faults: &[(Api, &[Answer])] = &[
        (
            Api::Produce,
            &[
                Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                Answer::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
                Answer::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                Answer::RD_KAFKA_RESP_ERR__TRANSPORT,
            ],
        ),
        (
            Api::Fetch,
            &[
                Answer::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                Answer::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                Answer::RD_KAFKA_RESP_ERR__TRANSPORT,
            ],
        ),
        (
            Api::OffsetCommit,
            &[
                Answer::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS,
                Answer::RD_KAFKA_RESP_ERR_NOT_COORDINATOR,
                Answer::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS,
            ],
        ),
        // It is thrown out of its group, and joins it anew.
        (Api::Heartbeat, &[Answer::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]),
        (Api::FindCoordinator, &[Answer::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE]),
    ];
    for _ in 0..rounds(2) {
        for (api, errors) in faults {
            load.goes_on().await;
            // This cluster breaks where somebody joins its group again who is still waiting to join it.
            let before = sights.all().len();
            sights.calls(before + 20).await;
            cluster.mock().request_errors(*api, errors);
            sleep(Duration::from_millis(600)).await;
        }
    }
    load.goes_on().await;
    load.end(&sights).await;
    assert!(lines(worker.logs().captured()).len() < 40, "{:#?}", lines(worker.logs().captured()));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_no_service_of_ours_sends_are_read_or_told() {
    let Some(kcat) = tool("kcat") else { return };
    let (cluster, sights) = (KafkaCluster::start(1), Sights::default());
    let scene = Scene::new(&Arc::new(At::new(cluster.servers())));
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    let topic = format!("{}.jobs", scene.space());
    let send = |arguments: &[&[u8]], body: &str| {
        use std::{io::Write as _, os::unix::ffi::OsStrExt as _};
        let arguments = arguments.iter().map(|argument| std::ffi::OsStr::from_bytes(argument));
        let mut kcat = Command::new(&kcat)
            .args(["-P", "-b", &cluster.servers(), "-t", &topic])
            .args(arguments)
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        kcat.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        assert!(kcat.wait().unwrap().success());
    };
    // Headers whose names and values are no UTF-8, and a key.
    send(&[b"-k", b"order 7", b"-H", b"colo\xffur=r\xfed", b"-H", b"plain=yes"], r#"{"id": 1}"#);
    let seen = sights.calls(1).await;
    assert_eq!(seen[0].key.as_deref(), Some(&b"order 7"[..]));
    assert_eq!(seen[0].headers.bytes("colo\u{fffd}ur").map(|value| &value[..]), Some(&b"r\xfed"[..]));
    assert_eq!(seen[0].headers.get("plain"), Some("yes"));
    // Neither a key nor a value.
    send(&[b"-Z", b"-K", b":"], ":\n");
    let mut letters = sender.service().broker.pull::<Bytes>("jobs.dead").codec(Raw).await.unwrap();
    let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(letter.headers().get(known::DEAD_REASON), Some("undecodable"));
    assert_eq!((letter.body.len(), letter.key()), (0, None));
    letter.ack().await.unwrap();
    send(&[], r#"{"id": 2}"#);
    sights.until("the one behind it", |seen| seen.iter().any(|sight| sight.id == 2)).await;
    // And another client reads what we send.
    sender.service().broker.push("other", &Job::new(3)).key("k").header("colour", "grün").await.unwrap();
    let read = Command::new(&kcat)
        .args(["-C", "-e", "-q", "-b", &cluster.servers(), "-t", &format!("{}.other", scene.space())])
        .args(["-f", "%k %s %h\n"])
        .output()
        .unwrap();
    let read = String::from_utf8(read.stdout).unwrap();
    assert!(read.starts_with(r#"k {"id":3,"deeds":[]} content-type=application/json,"#), "{read}");
    assert!(read.contains("colour=grün"), "{read}");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_has_no_room_for_all_its_reasons_is_kept_with_few() {
    let cluster = KafkaCluster::start(1);
    let sender = Scene::new(&Arc::new(At::new(cluster.servers()))).sender().await;
    let broker = &sender.service().broker;
    let body = Bytes::from(vec![b'x'; 998_000]);
    broker.push("large", &body).codec(Raw).header("colour", "red").await.unwrap();
    let mut larges = broker.pull::<Bytes>("large").codec(Raw).await.unwrap();
    let large = timeout(Duration::from_secs(30), larges.next()).await.unwrap().unwrap().unwrap();
    large.reject(Error::msg("no good ".repeat(500))).await.unwrap();
    let mut letters = broker.pull::<Bytes>("large.dead").codec(Raw).await.unwrap();
    let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((letter.body.len(), letter.headers().get(known::DEAD_REASON)), (body.len(), Some("rejected")));
    assert!(letter.headers().get(known::DEAD_ERROR).unwrap().starts_with("no good no good"));
    letter.ack().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_have_ended_are_forgotten() {
    let cluster = KafkaCluster::start(1);
    let sender = Scene::new(&Arc::new(At::new(cluster.servers()))).sender().await;
    let broker = &sender.service().broker;
    let reading = || chassis::Resource::info(broker)["reading"].as_array().map_or(0, Vec::len);
    for _ in 0..20 {
        drop(broker.subscribe::<Job>("news").await.unwrap());
        sleep(Duration::from_millis(100)).await;
    }
    assert!(reading() < 15, "{} are known", reading());
    sender.stop().await.unwrap();
}
