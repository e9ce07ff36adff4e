//! What a RabbitMQ refuses, what comes too late, and what is no text: one named error each, and the service lives on.

use std::sync::Arc;

use chassis::{
    Running,
    messaging::{Amqp, Failure, amqp::AmqpEngine},
    prelude::*,
};
use chassis_tests::{Proxy, RabbitServer};
use lapin::{
    BasicProperties, ExchangeKind,
    options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value, json};
use tokio::{task::block_in_place, time::timeout};

use super::{
    amqp_client::{next, peer, publish},
    load::{lines, outages},
    place::Place,
    scene::Scene,
    services::{Deed, Job, Sender},
    sights::{Sight, Sights},
};

/// A broker with these settings, and nothing before the names of its queues.
pub(crate) struct With(Value);

impl Place for With {
    type Engine = AmqpEngine;

    fn settings(&self, _: &str) -> Value {
        self.0.clone()
    }
}

/// A scene without a space: others know the names of its queues.
pub(crate) fn scene(server: &RabbitServer) -> Scene<With> {
    Scene::new(&Arc::new(With(json!({ "port": server.port() }))))
}

/// What the failure says.
pub(crate) async fn pushed(sender: &Running<Sender<AmqpEngine>>, name: &str) -> std::result::Result<(), Failure> {
    let pushed = sender.service().broker.push(name, &Job::new(1)).await;
    pushed.map_err(|error| error.find::<Failure>().cloned().unwrap_or_else(|| panic!("{error:#}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_somebody_elses_or_forbidden_is_refused_and_others_go_on() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    // Only for the connection that has declared it.
    let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
    channel.queue_declare("push_pull.locked".into(), exclusive, FieldTable::default()).await.unwrap();
    // Of another kind than ours.
    let (other, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
    channel.exchange_declare("publish_subscribe.news".into(), other, options, FieldTable::default()).await.unwrap();
    block_in_place(|| {
        server.ctl(&["add_user", "narrow", "narrow"]);
        let allowed = r"^(push_pull|publish_subscribe)\.(jobs|hurried|ordered|news|locked)$|amq\.gen.*";
        server.ctl(&["set_permissions", "-p", "/", "narrow", allowed, ".*", ".*"]);
    });
    let narrow = json!({ "port": server.port(), "user": "narrow", "password": "narrow" });
    let (scene, sights) = (Scene::new(&Arc::new(With(narrow))), Sights::default());
    let sender = scene.sender().await;
    for (name, told) in [("locked", "RESOURCE_LOCKED"), ("secret", "ACCESS_REFUSED")] {
        match pushed(&sender, name).await {
            Err(Failure::Refused(why)) => assert!(why.contains(told) && why.contains(name), "{why}"),
            other => panic!("{name}: {other:?}"),
        }
        // It is the same error every time, and not a lost connection.
        assert!(matches!(pushed(&sender, name).await, Err(Failure::Refused(_))));
    }
    pushed(&sender, "jobs").await.unwrap();
    // A message whose queue to rest in, or that of its dead letters, is forbidden is not lost for it: it comes back until
    // it may go there.
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(9, &[Deed::Fail, Deed::Succeed])).await.unwrap();
    sender.service().broker.push("jobs", &Job::doing(10, &[Deed::Reject])).await.unwrap();
    let is_dead_twice = |seen: &[Sight]| seen.iter().filter(|sight| sight.id == 10).count() >= 2;
    sights.until("the one that cannot be buried, again", is_dead_twice).await;
    let firsts = |seen: &[Sight]| seen.iter().filter(|sight| (sight.id, sight.attempt) == (9, 1)).count();
    sights.until("the first attempt, again", |seen| firsts(seen) >= 3).await;
    block_in_place(|| server.ctl(&["set_permissions", "-p", "/", "narrow", ".*", ".*", ".*"]));
    sights.until("the second one", |seen| seen.iter().any(|sight| (sight.id, sight.attempt) == (9, 2))).await;
    let mut letters = sender.service().broker.pull::<Job>("jobs.dead").await.unwrap();
    let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(letter.message().id, 10);
    letter.ack().await.unwrap();
    drop(letters);
    let told = lines(worker.logs().captured());
    for once in ["dead letters of `job` cannot be kept", "`push_pull.jobs` cannot rest at the broker"] {
        assert_eq!(told.iter().filter(|line| line.contains(once)).count(), 1, "{told:#?}");
    }
    let metrics = worker.metrics();
    worker.stop().await.unwrap();
    // It could not be kept at first, and is one letter all the same.
    let rejected = [("broker", "broker"), ("handler", "job"), ("reason", "rejected")];
    assert_eq!(metrics.get("messaging_dead_letters_total", &rejected), Some(1.0));
    let subscriber = scene.subscriber(&sights).await;
    sender.service().broker.publish("news", &Job::new(7)).await.unwrap();
    sights.until("the news", |seen| seen.iter().any(|sight| sight.id == 7)).await;
    assert_eq!(outages(sender.logs().captured()), (0, 0));
    subscriber.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_late_or_anybodys_are_nobodys() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let (replyer, sender) = (scene.replyer(&sights).await, scene.sender().await);
    let broker = &sender.service().broker;
    // The first one also prepares where answers come, and takes as long as that takes.
    let doubled: u64 = broker.request("double", &Job::new(2)).await.unwrap();
    assert_eq!(doubled, 4);
    let slow = Job::doing(1, &[Deed::Sleep(600)]);
    let asked = broker.request::<_, u64>("double", &slow).timeout(Duration::from_millis(200)).await;
    let error = asked.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    // The late answer comes while the next one is waited for, and is not taken for it.
    let doubled: u64 = broker.request("double", &Job::doing(21, &[Deed::Sleep(900)])).await.unwrap();
    assert_eq!(doubled, 42);
    replyer.stop().await.unwrap();

    // One who answers without the correlation id, then with another one, and at last with the right one.
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    channel.queue_declare("request_response.double".into(), Default::default(), FieldTable::default()).await.unwrap();
    let mut requests = channel
        .basic_consume("request_response.double".into(), "".into(), options, FieldTable::default())
        .await
        .unwrap();
    let answering = channel.clone();
    let careless = tokio::spawn(async move {
        let came = next(&mut requests).await;
        let (id, to) = (came.properties.correlation_id().clone().unwrap(), came.properties.reply_to().clone().unwrap());
        let plain = || BasicProperties::default().with_content_type("application/json".into());
        publish(&answering, "", to.as_str(), b"1", plain()).await;
        publish(&answering, "", to.as_str(), b"2", plain().with_correlation_id("somebody else's".into())).await;
        publish(&answering, "", to.as_str(), b"3", plain().with_correlation_id(id)).await;
    });
    let answer: u64 = broker.request("double", &Job::new(4)).await.unwrap();
    assert_eq!(answer, 3);
    careless.await.unwrap();

    // And a request without one is answered without one.
    drop(channel.close(200, "".into()).await);
    let (_connection, channel) = peer(server.port()).await;
    let replyer = scene.replyer(&sights).await;
    let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let own = channel.queue_declare("".into(), exclusive, FieldTable::default()).await.unwrap();
    let mut answers =
        channel.basic_consume(own.name().clone(), "".into(), options, FieldTable::default()).await.unwrap();
    let question = BasicProperties::default().with_reply_to(own.name().clone());
    publish(&channel, "", "request_response.double", br#"{"id": 5}"#, question).await;
    let came = next(&mut answers).await;
    assert_eq!((&*came.data, came.properties.correlation_id()), (&b"10"[..], &None));
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_no_text_end_no_connection() {
    let Some(server) = RabbitServer::start() else { return };
    // No client of Rust sends such names, so that they are made on the way.
    let proxy = Proxy::replacing(server.port(), b"<<no text>>", b"\xff\xfeno text\xc3\x28");
    let (_connection, channel) = peer(proxy.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    let mut table = FieldTable::default();
    table.insert("<<no text>>".into(), AMQPValue::LongString("value".into()));
    table.insert("plain".into(), AMQPValue::LongString("<<no text>>".into()));
    let mut inner = FieldTable::default();
    inner.insert("<<no text>>".into(), AMQPValue::LongInt(3));
    table.insert("table".into(), AMQPValue::FieldTable(inner));
    let properties = [
        BasicProperties::default().with_headers(table),
        BasicProperties::default().with_content_type("<<no text>>".into()),
        BasicProperties::default().with_correlation_id("<<no text>>".into()).with_timestamp(1_700_000_000),
        BasicProperties::default().with_reply_to("<<no text>>".into()).with_type("<<no text>>".into()),
        BasicProperties::default().with_message_id("<<no text>>".into()).with_app_id("<<no text>>".into()),
    ];
    for (id, properties) in properties.into_iter().enumerate() {
        publish(&channel, "", "push_pull.jobs", format!(r#"{{"id": {id}}}"#).as_bytes(), properties).await;
    }
    // So is a routing key, of which an exchange of another kind makes nothing.
    let (options, none) = (ExchangeDeclareOptions::default(), FieldTable::default);
    channel.exchange_declare("strange".into(), ExchangeKind::Fanout, options, none()).await.unwrap();
    let bind = channel.queue_bind("push_pull.jobs".into(), "strange".into(), "".into(), Default::default(), none());
    bind.await.unwrap();
    publish(&channel, "strange", "<<no text>>", br#"{"id": 5}"#, BasicProperties::default()).await;
    sender.service().broker.push("jobs", &Job::new(100)).await.unwrap();
    let seen = sights.messages(7).await;
    let first = seen.iter().find(|sight| sight.id == 0).unwrap();
    // Each byte of the name that belongs to no character is told so; the value is as it came.
    assert_eq!(first.headers.get("??no text?("), Some("value"), "{:?}", first.headers);
    assert_eq!(first.headers.bytes("plain").map(|value| &value[..]), Some(&b"\xff\xfeno text\xc3\x28"[..]));
    assert_eq!(sights.counts().values().copied().collect::<Vec<_>>(), [1; 7], "each of them came once");
    let deeds = [Deed::Fail, Deed::Succeed];
    // What rests or is given up keeps its other headers.
    let again = serde_json::to_vec(&Job::doing(7, &deeds)).unwrap();
    let mut table = FieldTable::default();
    table.insert("<<no text>>".into(), AMQPValue::LongString("value".into()));
    publish(&channel, "", "push_pull.jobs", &again, BasicProperties::default().with_headers(table)).await;
    let second = |seen: &[Sight]| seen.iter().any(|sight| (sight.id, sight.attempt) == (7, 2));
    sights.until("the second attempt", second).await;
    assert_eq!(outages(worker.logs().captured()), (0, 0), "{:#?}", lines(worker.logs().captured()));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// Answers with as much as it is asked for.
#[microservice(name = "teller")]
struct Teller {
    #[resource]
    broker: Amqp,
}

#[microservice]
impl Teller {
    #[reply(broker, "much")]
    async fn much(&self, length: usize) -> Result<String> {
        Ok("x".repeat(length))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_the_broker_refuses_is_an_error_of_the_request() {
    let Some(server) = RabbitServer::start() else { return };
    let small = "application:set_env(rabbit, max_message_size, 500).";
    block_in_place(|| server.ctl(&["eval", small]));
    let teller = async |user: &str| {
        let broker = json!({ "port": server.port(), "user": user, "password": user });
        let settings: chassis::settings::Dict = json!({ "resources": { "broker": broker } }).into();
        Teller::builder().settings(settings).start().await.unwrap()
    };
    let unsent = |teller: &Running<Teller>| {
        let told = lines(teller.logs().captured());
        told.iter().filter(|line| line.contains("an answer cannot be sent")).count()
    };
    let able = teller("guest").await;
    let sender = scene(&server).sender().await;
    let broker = &sender.service().broker;
    let ask = async |length: usize| broker.request::<_, String>("much", &length).await;
    assert_eq!(ask(100).await.unwrap().len(), 100);
    for _ in 0..3 {
        let error = ask(1000).await.unwrap_err();
        assert!(
            matches!(error.find(), Some(Failure::Answered(why)) if why.contains("the answer cannot be sent")),
            "{error:#}"
        );
    }
    assert_eq!(ask(200).await.unwrap().len(), 200);
    assert_eq!(unsent(&able), 3);
    able.stop().await.unwrap();
    // One that may not answer at all does not get the request again and again.
    block_in_place(|| {
        server.ctl(&["add_user", "mute", "mute"]);
        server.ctl(&["set_permissions", "-p", "/", "mute", ".*", "^request_response", ".*"]);
    });
    let mute = teller("mute").await;
    let unanswered = broker.request::<_, String>("much", &1).timeout(Duration::from_secs(2)).await.unwrap_err();
    assert!(matches!(unanswered.find(), Some(Failure::Unknown(_))), "{unanswered:#}");
    assert_eq!(unsent(&mute), 2, "neither the answer nor that there is none");
    mute.stop().await.unwrap();
    sender.stop().await.unwrap();
}
