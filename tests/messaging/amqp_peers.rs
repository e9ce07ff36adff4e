//! Others at the same RabbitMQ, and what they do: their names and properties, their queues, what they send that is bad;
//! and settings that lead nowhere.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use chassis::{
    Cause, Running,
    codec::{Cbor, Raw, Text},
    messaging::{Amqp, Failure, Message, amqp::AmqpEngine, known},
    prelude::*,
};
use chassis_tests::RabbitServer;
use lapin::{
    BasicProperties, ExchangeKind,
    options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::{
    amqp_client::{next, peer, publish},
    place::Place,
    scene::Scene,
    services::{Deed, Job, Sender},
    sights::Sights,
};

/// A broker with these settings, and nothing before the names of its queues.
struct With(Value);

impl Place for With {
    type Engine = AmqpEngine;

    fn settings(&self, _: &str) -> Value {
        self.0.clone()
    }
}

fn scene(server: &RabbitServer) -> Scene<With> {
    Scene::new(&Arc::new(With(json!({ "port": server.port() }))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_properties_are_those_that_others_use() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let (none, consuming) = (FieldTable::default, BasicConsumeOptions { no_ack: true, ..Default::default() });

    // Exactly what others declare, so that the broker takes both.
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("push_pull.jobs".into(), durable, none()).await.unwrap();
    broker.push("jobs", &Job::new(1)).await.unwrap();
    let mut pulled = channel.basic_consume("push_pull.jobs".into(), "p".into(), consuming, none()).await.unwrap();
    let came = next(&mut pulled).await;
    assert_eq!(*came.properties.delivery_mode(), Some(2));
    assert_eq!(came.properties.content_type().as_ref().unwrap().as_str(), "application/json");
    assert_eq!(serde_json::from_slice::<Job>(&came.data).unwrap(), Job::new(1));
    channel.basic_cancel("p".into(), Default::default()).await.unwrap();

    let exchange = "publish_subscribe.news";
    let declaring = ExchangeDeclareOptions::default();
    channel.exchange_declare(exchange.into(), ExchangeKind::Fanout, declaring, none()).await.unwrap();
    let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
    let own = channel.queue_declare("".into(), exclusive, none()).await.unwrap();
    channel
        .queue_bind(own.name().clone(), exchange.into(), "".into(), QueueBindOptions::default(), none())
        .await
        .unwrap();
    let mut news = channel.basic_consume(own.name().clone(), "".into(), consuming, none()).await.unwrap();
    broker.publish("news", &Job::new(2)).await.unwrap();
    let came = next(&mut news).await;
    assert_eq!((*came.properties.delivery_mode(), came.routing_key.as_str()), (Some(1), ""));

    let asked = "request_response.double";
    channel.queue_declare(asked.into(), QueueDeclareOptions::default(), none()).await.unwrap();
    let mut requests = channel.basic_consume(asked.into(), "r".into(), consuming, none()).await.unwrap();
    let answering = channel.clone();
    let replyer = tokio::spawn(async move {
        let came = next(&mut requests).await;
        let (id, to) = (came.properties.correlation_id().clone().unwrap(), came.properties.reply_to().clone().unwrap());
        assert_eq!(id.as_str().len(), 36, "{id}");
        let properties = BasicProperties::default().with_content_type("text/plain".into()).with_correlation_id(id);
        publish(&answering, "", to.as_str(), b"84", properties).await;
    });
    let answer: u64 = broker.request("double", &Job::new(42)).await.unwrap();
    assert_eq!(answer, 84);
    replyer.await.unwrap();
    channel.basic_cancel("r".into(), Default::default()).await.unwrap();

    // And the other way round.
    let plain = || BasicProperties::default().with_content_type("text/plain".into());
    let (worker, subscriber) = (scene.worker(&sights).await, scene.subscriber(&sights).await);
    publish(&channel, "", "push_pull.jobs", br#"{"id": 3}"#, plain()).await;
    publish(&channel, exchange, "", br#"{"id": 4}"#, plain()).await;
    sights.messages(2).await;
    let replyer = scene.replyer(&sights).await;
    let answers = channel.queue_declare("".into(), exclusive, none()).await.unwrap();
    let mut answered = channel.basic_consume(answers.name().clone(), "".into(), consuming, none()).await.unwrap();
    let question = plain().with_reply_to(answers.name().clone()).with_correlation_id("id 1".into());
    publish(&channel, "", asked, br#"{"id": 5}"#, question).await;
    let came = next(&mut answered).await;
    assert_eq!((&*came.data, came.properties.correlation_id().as_ref().unwrap().as_str()), (&b"10"[..], "id 1"));
    for stopped in [worker.stop().await, subscriber.stop().await, replyer.stop().await, sender.stop().await] {
        stopped.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_others_declared_with_other_arguments_is_used_as_it_is() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(1000));
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("push_pull.jobs".into(), durable, arguments).await.unwrap();
    let (scene, sights) = (scene(&server), Sights::default());
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    for id in 0..20 {
        sender.service().broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    sights.messages(20).await;
    for logs in [sender.logs(), worker.logs()] {
        let told = logs.captured().into_iter().filter(|line| line["message"].to_string().contains("used as it is"));
        assert_eq!(told.count(), 1);
    }
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_send_that_is_bad_is_a_dead_letter_or_nobodys() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let (worker, replyer) = (scene.worker(&sights).await, scene.replyer(&sights).await);
    let sender = scene.sender().await;
    // Headers that are no text, and types that only AMQP has.
    let mut table = FieldTable::default();
    table.insert("raw".into(), AMQPValue::LongString(b"\xff\xfe".to_vec().into()));
    table.insert("number".into(), AMQPValue::LongLongInt(-5));
    table.insert("table".into(), AMQPValue::FieldTable(FieldTable::default()));
    table.insert("x-attempt".into(), AMQPValue::LongString("many".into()));
    table.insert("x-deadline".into(), AMQPValue::LongString("never".into()));
    publish(&channel, "", "push_pull.jobs", br#"{"id": 1}"#, BasicProperties::default().with_headers(table)).await;
    let seen = sights.calls(1).await;
    assert_eq!((seen[0].headers.get("raw"), seen[0].headers.get("number"), seen[0].attempt), (None, Some("-5"), 1));
    // Nothing at all, and a content type that nobody has.
    let strange = BasicProperties::default().with_content_type("application/x-nobody".into());
    publish(&channel, "", "push_pull.jobs", b"\xff\x00", strange).await;
    let letter = dead_letter_as_it_is(&sender).await;
    assert!(letter.headers().get("x-dead-reason").is_some(), "{:?}", letter.headers());
    // Requests that say not where the answer goes, or to where nobody is.
    publish(&channel, "", "request_response.double", br#"{"id": 2}"#, BasicProperties::default()).await;
    let gone = BasicProperties::default().with_reply_to("nobody".into());
    publish(&channel, "", "request_response.double", br#"{"id": 3}"#, gone).await;
    sights.messages(3).await;
    let answer: u64 = sender.service().broker.request("double", &Job::new(4)).await.unwrap();
    assert_eq!(answer, 8, "who replies lives on");
    worker.stop().await.unwrap();
    replyer.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// The next dead letter of `jobs`, whatever it says.
async fn dead_letter_as_it_is(sender: &Running<Sender<AmqpEngine>>) -> Message<Bytes> {
    let mut letters = sender.service().broker.pull::<Bytes>("jobs.dead").codec(Raw).await.unwrap();
    let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
    let message = letter.message().clone();
    letter.ack().await.unwrap();
    message
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_broker_does_not_take_is_refused_and_others_go_on() {
    let Some(server) = RabbitServer::with("max_message_size = 1000000") else { return };
    let scene = Scene::new(&Arc::new(With(json!({ "port": server.port(), "max_message_size": "200MiB" }))));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let error = broker.push("large", &"x".repeat(100 << 20)).timeout(Duration::from_secs(60)).await.unwrap_err();
    assert!(
        matches!(error.find::<Failure>(), Some(Failure::Refused(why)) if why.contains("message size")),
        "{error:#}"
    );
    broker.push("large", &"x").await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_arrive_where_all_allow_them() {
    let Some(server) = RabbitServer::start() else { return };
    let scene = Scene::new(&Arc::new(With(json!({ "port": server.port(), "max_message_size": "200MiB" }))));
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let mut stream = broker.pull::<String>("large").codec(Text).await.unwrap();
    let text = "x".repeat(100 << 20);
    broker.push("large", &text).codec(Text).timeout(Duration::from_secs(60)).await.unwrap();
    let came = timeout(Duration::from_secs(60), stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(came.body.len(), text.len());
    came.ack().await.unwrap();
    drop(stream);
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_lead_nowhere_are_one_error_that_says_so() {
    let Some(server) = RabbitServer::start() else { return };
    let port = server.port();
    for (settings, cause, told) in [
        (json!({ "port": port, "vhost": "elsewhere" }), Cause::Misconfigured, "vhost elsewhere not found"),
        (json!({ "port": port, "password": "wrong" }), Cause::Misconfigured, "ACCESS_REFUSED"),
        (json!({ "urls": ["nonsense"] }), Cause::Misconfigured, "`urls`: number 1 is no URL of a broker"),
        (json!({ "port": 1, "lifecycle": { "start_timeout": "300ms" } }), Cause::Unavailable, "refused"),
    ] {
        let broker = settings.clone();
        let service = json!({ "resources": { "broker": broker } });
        let started = Sender::<AmqpEngine>::builder().settings(service).start().await;
        let error = started.err().unwrap_or_else(|| panic!("{settings} is good"));
        assert_eq!(error.cause(), cause, "{settings}: {error:#}");
        assert!(format!("{error:#}").contains(told), "{settings}: {error:#}");
        assert!(!format!("{error:#}").contains("wrong"), "a password is told: {error:#}");
    }
    // The second of several is tried when the first one is not there.
    let urls = json!(["amqp://guest:guest@127.0.0.1:1/", format!("amqp://guest:guest@127.0.0.1:{port}/%2f")]);
    let sender = Scene::new(&Arc::new(With(json!({ "urls": urls })))).sender().await;
    sender.service().broker.push("jobs", &Job::new(1)).await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_is_at_the_broker_and_survives_its_worker() {
    let Some(server) = RabbitServer::start() else { return };
    let (scene, sights) = (scene(&server), Sights::default());
    let rest = json!({ "handlers": { "job": { "min_delay": "8s", "max_delay": "8s", "retries": 3 } } });
    let (sender, worker) = (scene.sender().await, scene.worker_with(&sights, rest).await);
    let deeds = [Deed::Fail, Deed::Succeed];
    for id in 0..10 {
        sender.service().broker.push("jobs", &Job::doing(id, &deeds)).await.unwrap();
    }
    sights.messages(10).await;
    worker.stop().await.unwrap();
    let queues = tokio::task::block_in_place(|| server.ctl(&["list_queues", "name", "messages"]));
    let resting = queues.lines().filter(|line| line.starts_with("push_pull.jobs.retry."));
    assert!(resting.count() > 0, "{queues}");
    let next = scene.worker(&sights).await;
    let second =
        sights.until("the second attempts", |seen| seen.iter().filter(|sight| sight.attempt == 2).count() >= 10);
    second.await;
    next.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// Hears texts.
#[microservice(name = "listener")]
struct Listener {
    #[resource]
    broker: Amqp,
    heard: Option<mpsc::UnboundedSender<String>>,
}

impl Listener {
    fn hear(&self, who: &str, text: &str) {
        let _ = self.heard.as_ref().unwrap().send(format!("{who}: {text}"));
    }
}

#[microservice]
impl Listener {
    #[pull(broker, "greetings")]
    async fn body(&self, text: String) {
        self.hear("body", &text);
    }

    #[pull(broker, "messages")]
    async fn whole(&self, text: Message<String>) {
        self.hear("whole", &text);
    }

    #[pull(broker, "numbers")]
    async fn number(&self, number: u64) {
        self.hear("number", &number.to_string());
    }

    #[pull(broker, "jobs")]
    async fn job(&self, job: Job) {
        self.hear("job", &job.id.to_string());
    }

    #[pull(broker, "chosen", codec = Cbor)]
    async fn chosen(&self, text: String) {
        self.hear("chosen", &text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_of_others_is_read_whatever_format_is_usual() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let plain = || BasicProperties::default().with_content_type("text/plain".into());
    for format in ["json", "message_pack", "cbor", "yaml", "text", "raw"] {
        let (heard, mut hears) = mpsc::unbounded_channel();
        let broker = json!({ "port": server.port(), "codec": format });
        let settings: chassis::settings::Dict = json!({ "resources": { "broker": broker } }).into();
        let builder = Listener::builder().settings(settings).with(|listener| listener.heard = Some(heard));
        let listener = builder.start().await.unwrap();
        for (queue, body, expected) in [
            ("greetings", "Hello!", "body: Hello!"),
            ("messages", "grün, und zwar sehr", "whole: grün, und zwar sehr"),
            ("numbers", "7", "number: 7"),
        ] {
            // Bytes are no numbers, and one byte of MessagePack or CBOR is another one.
            if queue == "numbers" && !["json", "yaml", "text"].contains(&format) {
                continue;
            }
            publish(&channel, "", &format!("push_pull.{queue}"), body.as_bytes(), plain()).await;
            let came = timeout(Duration::from_secs(30), hears.recv()).await;
            assert_eq!(
                came.unwrap_or_else(|_| panic!("{format}: {body:?} did not come")).unwrap(),
                expected,
                "{format}"
            );
        }
        let mut texts = listener.service().broker.pull::<String>("stream").await.unwrap();
        publish(&channel, "", "push_pull.stream", b"Hello!", plain()).await;
        let text = timeout(Duration::from_secs(30), texts.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(text.body, "Hello!", "{format}");
        text.ack().await.unwrap();
        drop(texts);
        listener.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_that_is_not_what_a_handler_takes_is_a_dead_letter_that_says_so() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (heard, mut hears) = mpsc::unbounded_channel();
    let settings: chassis::settings::Dict = json!({ "resources": { "broker": { "port": server.port() } } }).into();
    let builder = Listener::builder().settings(settings).with(|listener| listener.heard = Some(heard));
    let listener = builder.start().await.unwrap();
    let plain = || BasicProperties::default().with_content_type("text/plain".into());
    for (queue, content_type, told) in [
        // What is usual here is not what it is; that it is no text of that kind either says nobody anything.
        ("jobs", Some("text/plain"), "expected value at line 1 column 1"),
        // Only what is said to be text is text.
        ("greetings", Some("application/json"), "expected value at line 1 column 1"),
        ("greetings", None, "expected value at line 1 column 1"),
        // A format that was chosen is the only one.
        ("chosen", Some("text/plain"), ""),
    ] {
        let properties =
            content_type.map_or_else(BasicProperties::default, |name| plain().with_content_type(name.into()));
        publish(&channel, "", &format!("push_pull.{queue}"), b"Hello!", properties).await;
        let mut letters = listener.service().broker.pull::<Bytes>(&format!("{queue}.dead")).codec(Raw).await.unwrap();
        let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
        assert_eq!((&*letter.body, letter.headers().get(known::DEAD_REASON)), (&b"Hello!"[..], Some("undecodable")));
        let error = letter.headers().get(known::DEAD_ERROR).unwrap_or_default();
        assert!(error.starts_with("the body cannot be read: ") && error.contains(told), "{queue}: {error}");
        letter.ack().await.unwrap();
    }
    publish(&channel, "", "push_pull.jobs", br#"{"id": 3}"#, plain()).await;
    let came = timeout(Duration::from_secs(30), hears.recv()).await.unwrap();
    assert_eq!(came.as_deref(), Some("job: 3"), "and nothing before it");
    listener.stop().await.unwrap();
}
