//! Kafka clusters that go and come back and answer with errors, and messages that nobody would send.
//!
//! `CHASSIS_SOAK_ROUNDS=100` looks further than the normal run. What the cluster of these tests cannot show: SASL, TLS,
//! transactions; and messages that survive the end of a cluster, which `kafka_server` does.

use std::{process::Command, sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::{
    Cause, Error, Running,
    codec::Raw,
    messaging::{Failure, kafka::KafkaEngine, known},
};
use chassis_tests::{KafkaCluster, Proxy, tool};
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Answer};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

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
async fn what_cannot_be_sent_says_why() {
    let cluster = KafkaCluster::start(1);
    let scene = Scene::new(&Arc::new(At::new(cluster.servers())));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let error = broker.push("large", &"x".repeat(2 << 20)).await.unwrap_err();
    assert!(
        matches!(error.find::<Failure>(), Some(Failure::Refused(why)) if why.contains("message.max.bytes")),
        "{error:#}"
    );
    let error = broker.push("no topic", &1).await.unwrap_err();
    assert!(
        matches!(error.find::<Failure>(), Some(Failure::Refused(why)) if why.contains("other characters than")),
        "{error:#}"
    );
    broker.push("small", &1).await.unwrap();
    cluster.mock().broker_down(1).unwrap();
    let error = broker.push("small", &1).timeout(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    cluster.mock().broker_up(1).unwrap();
    broker.push("small", &1).await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_says_what_is_wrong() {
    let started = async |broker: Value| {
        let mut broker = broker;
        broker["lifecycle"] = json!({ "start_timeout": "3s" });
        let settings: chassis::settings::Dict = json!({ "resources": { "broker": broker } }).into();
        match Sender::<KafkaEngine>::builder().settings(settings).start().await {
            Ok(_) => panic!("it started"),
            Err(error) => (error.cause(), format!("{error:#}")),
        }
    };
    let wrong = json!({ "bootstrap_servers": "nowhere", "client": { "acks": "1" } });
    let (cause, told) = started(wrong).await;
    assert_eq!(cause, Cause::Misconfigured, "{told}");
    assert!(told.contains("`client.acks` is said by the broker: every message is stored by all replicas"), "{told}");
    let nobody = json!({ "bootstrap_servers": format!("127.0.0.1:{}", chassis_tests::free_port()) });
    let (cause, told) = started(nobody).await;
    assert_eq!(cause, Cause::Unavailable, "{told}");
    assert!(told.contains("Connection refused") || told.contains("BrokerTransportFailure"), "{told}");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn options_that_are_wrong_are_told_and_their_values_are_not() {
    let start = async |option: &str, value: &str| {
        let broker = json!({ "bootstrap_servers": "127.0.0.1:1", "client": { option: value } });
        let settings: chassis::settings::Dict = json!({ "resources": { "broker": broker } }).into();
        let error = Sender::<KafkaEngine>::builder().settings(settings).start().await.unwrap_err();
        assert_eq!(error.cause(), Cause::Misconfigured, "{error:#}");
        (format!("{error:#}"), format!("{error:?}"))
    };
    for (option, value, why) in [
        // One of several words; more of them at once; one that is looked at in another way; a number; and nothing at all.
        ("isolation_level", "hunter2", "Invalid value"),
        ("isolation_level", "  hunter2", "Invalid value"),
        ("debug", "generic, hunter2,all", "Invalid value"),
        ("partitioner", "hunter2", "Invalid value"),
        ("socket_timeout_ms", "hunter2", "Invalid value"),
        ("socket_timeout_ms", "7", "outside allowed range 10..300000"),
        ("security_protocol", "hunter2", "is said by `tls` and `sasl`"),
        ("hunter2", "hunter3", "No such configuration property"),
    ] {
        let (told, debug) = start(option, value).await;
        assert!(told.contains(&format!("`client.{option}`")) && told.contains(why), "{told}");
        let secret = if value == "7" { " 7 " } else { value.trim() };
        let hidden = |text: &str| !text.contains(secret) && (option == "hunter2" || !text.contains("hunter"));
        assert!(hidden(&told) && hidden(&debug), "{option}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_cannot_be_had_at_the_moment_is_no_refusal() {
    let cluster = KafkaCluster::start(1);
    let scene = Scene::new(&Arc::new(At::new(cluster.servers())));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let topic = format!("{}.jobs", scene.space());
    let says = |answer: Answer| cluster.mock().topic_error(&topic, answer).unwrap();
    let push = async |seconds| broker.push("jobs", &Job::new(1)).timeout(Duration::from_secs(seconds)).await;
    let failure = |error: Error| error.find::<Failure>().cloned().unwrap_or_else(|| panic!("{error:#}"));
    // It is to be made, and this cluster does not answer that.
    says(Answer::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    match failure(push(30).await.unwrap_err()) {
        Failure::NotSent(why) => assert!(why.contains(&topic) && why.contains("cannot be made"), "{why}"),
        other => panic!("{other:?}"),
    }
    // It is being made.
    says(Answer::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE);
    match failure(push(1).await.unwrap_err()) {
        Failure::NotSent(why) => assert!(why.contains(&topic) && why.contains("not there yet"), "{why}"),
        other => panic!("{other:?}"),
    }
    // It is not for us.
    says(Answer::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    match failure(push(30).await.unwrap_err()) {
        Failure::Refused(why) => assert!(why.contains(&topic), "{why}"),
        other => panic!("{other:?}"),
    }
    says(Answer::RD_KAFKA_RESP_ERR_NO_ERROR);
    push(30).await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_made_slowly_takes_no_longer_than_a_message_may() {
    let cluster = KafkaCluster::start(1);
    let scene = Scene::new(&Arc::new(At::new(cluster.servers())));
    let sender = scene.sender().await;
    let topic = format!("{}.jobs", scene.space());
    cluster.mock().topic_error(&topic, Answer::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART).unwrap();
    cluster.mock().broker_round_trip_time(1, Duration::from_millis(700)).unwrap();
    let began = Instant::now();
    let job = Job::new(1);
    let push = sender.service().broker.push("jobs", &job).timeout(Duration::from_secs(1));
    let error = push.await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::NotSent(_))), "{error:#}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}: {error:#}", began.elapsed());
    cluster.mock().broker_round_trip_time(1, Duration::ZERO).unwrap();
    sender.stop().await.unwrap();
}

#[cfg(feature = "kafka-server")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_the_asked_node_does_not_make_is_no_refusal() {
    // It is told that it has asked one that does not decide about topics, and then that there is no permission.
    for (code, is_passing) in [(41, true), (29, false)] {
        let answer = [b"away\0", &[code][..], b"\xff\xff"].concat();
        let leading = |port| chassis_tests::Proxy::answering(port, b"away\0\0\xff\xff", &answer);
        let Some((server, _proxy)) = chassis_tests::KafkaServer::behind(leading) else { return };
        let sender = Scene::new(&Arc::new(At::new(server.servers()))).sender().await;
        let push = async || sender.service().broker.push("away", &Job::new(1)).await;
        let error = push().await.unwrap_err();
        match error.find::<Failure>() {
            Some(Failure::NotSent(why)) if is_passing => {
                assert!(why.contains("cannot be made: NotController"), "{why}")
            }
            Some(Failure::Refused(why)) if !is_passing => assert!(why.contains("cannot be made"), "{why}"),
            other => panic!("{code}: {other:?}"),
        }
        // The server has made it all the same.
        push().await.unwrap();
        sender.stop().await.unwrap();
    }
}
