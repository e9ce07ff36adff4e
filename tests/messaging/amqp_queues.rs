//! Queues and exchanges of a RabbitMQ that are gone, away or full, or cannot be declared: the service lives on.

use std::time::Duration;

use chassis::messaging::Failure;
use chassis_tests::RabbitServer;
use lapin::{
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};
use serde_json::Value;
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use super::{
    amqp_client::peer,
    amqp_refusals::{pushed, scene},
    load::{lines, outages},
    services::Job,
    sights::Sights,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_that_is_gone_is_declared_anew() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    broker.publish("news", &Job::new(1)).await.unwrap();
    channel.exchange_delete("publish_subscribe.news".into(), Default::default()).await.unwrap();
    broker.publish("news", &Job::new(2)).await.unwrap();
    // And with many under way, of which some others are not to be lost.
    let worker = scene.worker(&sights).await;
    for round in 0..5 {
        channel.exchange_delete("publish_subscribe.news".into(), Default::default()).await.unwrap();
        let pushes = (0..20).map(|id| async move {
            broker.push("jobs", &Job::new(100 * round + id)).timeout(Duration::from_secs(10)).await
        });
        let news = Job::new(3);
        let (published, pushed) = tokio::join!(broker.publish("news", &news), futures_util::future::join_all(pushes));
        // All that are under way when the channel is closed because of one of them.
        for sent in pushed.into_iter().chain([published]) {
            if let Err(error) = sent {
                assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
            }
        }
    }
    broker.push("jobs", &Job::new(1000)).await.unwrap();
    sights.until("the last one", |seen| seen.iter().any(|sight| sight.id == 1000)).await;
    // Whoever subscribes now gets what is published.
    let subscriber = scene.subscriber(&sights).await;
    broker.publish("news", &Job::new(1001)).await.unwrap();
    sights.until("the news", |seen| seen.iter().any(|sight| sight.id == 1001)).await;
    assert_eq!(outages(sender.logs().captured()), (0, 0), "{:#?}", lines(sender.logs().captured()));
    subscriber.stop().await.unwrap();
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_gone_with_its_exchange_is_declared_anew() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let (scene, sights) = (scene(&server), Sights::default());
    let (member, sender) = (scene.member(&sights).await, scene.sender().await);
    let broker = &sender.service().broker;
    for round in 0..3 {
        channel.queue_delete("publish_subscribe.tasks.desk".into(), Default::default()).await.unwrap();
        channel.exchange_delete("publish_subscribe.tasks".into(), Default::default()).await.unwrap();
        // Whoever publishes before the queue is there again declares the exchange, too.
        let began = Instant::now();
        while block_in_place(|| server.waiting("/", "publish_subscribe.tasks.desk")).is_none() {
            assert!(began.elapsed() < Duration::from_secs(20), "round {round}: {:#?}", lines(member.logs().captured()));
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_millis(500)).await;
        broker.publish("tasks", &Job::new(round)).await.unwrap();
        sights.until("the task", |seen| seen.iter().any(|sight| sight.id == round)).await;
    }
    member.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_full_queue_does_not_take_is_unknown_and_others_go_on() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(1));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("push_pull.full".into(), durable, arguments).await.unwrap();
    let sender = scene(&server).sender().await;
    let broker = &sender.service().broker;
    assert_eq!(pushed(&sender, "full").await, Ok(()));
    // One that is not taken says nothing about those beside it, before and behind.
    let pushes = (0..30).map(|number| pushed(&sender, if number % 3 == 0 { "full" } else { "free" }));
    for (number, fate) in futures_util::future::join_all(pushes).await.into_iter().enumerate() {
        match fate {
            Err(Failure::Unknown(why)) if number % 3 == 0 => assert!(why.contains("did not take it"), "{why}"),
            fate => assert_eq!((number % 3 == 0, fate), (false, Ok(())), "{number}"),
        }
    }
    let waiting = |queue: &str| block_in_place(|| server.waiting("/", queue));
    assert_eq!((waiting("push_pull.full"), waiting("push_pull.free")), (Some(1), Some(20)));
    let mut stream = broker.pull::<Job>("full").await.unwrap();
    let first = timeout(Duration::from_secs(30), stream.next()).await.unwrap().unwrap().unwrap();
    first.ack().await.unwrap();
    drop(stream);
    // Where there is room again, it is taken.
    let began = Instant::now();
    while pushed(&sender, "full").await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(20), "there is room, and nothing is taken");
        sleep(Duration::from_millis(20)).await;
    }
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_is_away_for_a_while_is_waited_for() {
    let Some(server) = RabbitServer::start() else { return };
    let (_connection, channel) = peer(server.port()).await;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("push_pull.jobs".into(), durable, FieldTable::default()).await.unwrap();
    // As the broker notes it of one that does not run: on a node that is away, or after a crash.
    let note = |state: &str| {
        let name = r#"rabbit_misc:r(<<"/">>, queue, <<"push_pull.jobs">>)"#;
        let update = format!("rabbit_amqqueue:update({name}, fun(Q) -> amqqueue:set_state(Q, {state}) end)");
        block_in_place(|| {
            server.ctl(&["eval", &format!("rabbit_misc:execute_mnesia_transaction(fun() -> {update} end).")])
        });
    };
    let (scene, sights) = (scene(&server), Sights::default());
    let sender = scene.sender().await;
    note("crashed");
    match pushed(&sender, "jobs").await {
        Err(Failure::NotSent(why)) => assert!(why.contains("NOT_FOUND") && why.contains("push_pull.jobs"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(pushed(&sender, "others").await, Ok(()));
    // A service that takes from it starts all the same, and says what it waits for.
    let worker = scene.worker(&sights).await;
    let told = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains("cannot be taken from"));
    timeout(Duration::from_secs(20), worker.logs().wait_for(told)).await.unwrap();
    note("live");
    assert_eq!(pushed(&sender, "jobs").await, Ok(()));
    sights.messages(1).await;
    assert_eq!(worker.logs().captured().iter().filter(|line| told(line)).count(), 1);
    for logs in [sender.logs(), worker.logs()] {
        assert_eq!(outages(logs.captured()), (0, 0), "{:#?}", lines(logs.captured()));
    }
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

#[test]
fn who_cannot_declare_a_queue_rests_before_the_next_attempt() {
    // One to send by, and none to declare by.
    let Some(server) = RabbitServer::with("channel_max = 1") else { return };
    let scene = scene(&server);
    let push = async move {
        let sender = scene.sender().await;
        let pushed = sender.service().broker.push("jobs", &1).timeout(Duration::from_secs(1)).await;
        sender.stop().await.unwrap();
        pushed
    };
    // On one thread, where nothing else happens while somebody does not wait.
    let (done, pushed) = std::sync::mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    std::thread::spawn(move || done.send(runtime.block_on(push)));
    let error = pushed.recv_timeout(Duration::from_secs(30)).expect("it does not rest").unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::NotSent(_))), "{error:#}");
}
