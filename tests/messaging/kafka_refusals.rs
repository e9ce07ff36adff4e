//! What cannot be sent to Kafka or is refused by it, settings that are wrong, and topics that are not to be had: each says why.

use std::{sync::Arc, time::Duration};

use chassis::{
    Cause, Error,
    messaging::{Failure, kafka::KafkaEngine},
};
use chassis_tests::KafkaCluster;
use rdkafka::types::RDKafkaRespErr as Answer;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    kafka_faults::At,
    scene::Scene,
    services::{Job, Sender},
};

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
