//! Publish and subscribe: every subscriber gets each message, and one of each group.

use std::time::Duration;

use chassis::messaging::known;
use tokio::time::{sleep, timeout};

use super::{
    place::Place,
    scene::{Scene, dead_letter},
    services::{Deed, Job},
    sights::Sights,
};

pub(crate) async fn every_subscriber_gets_each_message<P: Place>(scene: Scene<P>) {
    let sights = [Sights::default(), Sights::default(), Sights::default()];
    let mut subscribers = Vec::new();
    for sights in &sights {
        subscribers.push(scene.subscriber(sights).await);
    }
    let sender = scene.sender().await;
    for id in 0..50 {
        sender.service().broker.publish("news", &Job::new(id)).await.unwrap();
    }
    for sights in &sights {
        sights.messages(50).await;
    }
    for subscriber in subscribers {
        subscriber.stop().await.unwrap();
    }
    sender.stop().await.unwrap();
    for sights in &sights {
        assert!(sights.counts().values().all(|count| *count == 1), "{:?}", sights.counts());
    }
}

pub(crate) async fn one_of_a_group_gets_each_message<P: Place>(scene: Scene<P>) {
    let sights = [Sights::default(), Sights::default()];
    let subscribers = [scene.member(&sights[0]).await, scene.member(&sights[1]).await];
    let sender = scene.sender().await;
    let publish = async |ids: std::ops::Range<u64>| {
        for id in ids.clone() {
            // So long that the one which is quicker does not take all of them.
            sender.service().broker.publish("tasks", &Job::doing(id, &[Deed::Sleep(5)])).await.unwrap();
        }
        let of = |sights: &Sights| sights.all().into_iter().filter(|sight| ids.contains(&sight.id)).count();
        timeout(Duration::from_secs(30), async {
            while sights.iter().map(of).sum::<usize>() < ids.clone().count() {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        sights.each_ref().map(of)
    };
    // While members come, a message that is at work may go to another one.
    let mut round = 1000;
    while publish(round..round + 50).await.contains(&0) {
        round += 50;
        assert!(round < 4000, "one of them gets none");
    }
    assert_eq!(publish(0..50).await.iter().sum::<usize>(), 50);
    let all: Vec<_> = sights.iter().flat_map(Sights::all).filter(|sight| sight.id < 50).collect();
    assert!(all.iter().all(|sight| sight.who == "shared"));
    let ids: std::collections::BTreeSet<_> = all.iter().map(|sight| sight.id).collect();
    assert_eq!((ids.len(), all.len()), (50, 50));
    for subscriber in subscribers {
        subscriber.stop().await.unwrap();
    }
    sender.stop().await.unwrap();
}

pub(crate) async fn nobody_subscribed_is_no_error<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    sender.service().broker.publish("news", &Job::new(1)).await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn what_was_published_before_is_nobodys<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    sender.service().broker.publish("news", &Job::new(1)).await.unwrap();
    let subscriber = scene.subscriber(&sights).await;
    sender.service().broker.publish("news", &Job::new(2)).await.unwrap();
    let seen = sights.calls(1).await;
    assert_eq!(seen[0].id, 2);
    subscriber.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_group_keeps_what_is_published_while_none_of_it_runs<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let first = scene.member(&sights).await;
    first.stop().await.unwrap();
    for id in 0..10 {
        sender.service().broker.publish("tasks", &Job::new(id)).await.unwrap();
    }
    let second = scene.member(&sights).await;
    sights.messages(10).await;
    second.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_subscriber_that_fails_tries_again_alone<P: Place>(scene: Scene<P>) {
    let sights = [Sights::default(), Sights::default()];
    let subscribers = [scene.subscriber(&sights[0]).await, scene.subscriber(&sights[1]).await];
    let sender = scene.sender().await;
    sender.service().broker.publish("news", &Job::doing(1, &[Deed::Fail, Deed::Succeed])).await.unwrap();
    for sights in &sights {
        let seen = sights.calls(2).await;
        assert_eq!(seen.iter().map(|sight| sight.attempt).collect::<Vec<_>>(), [1, 2]);
    }
    sleep(Duration::from_millis(50)).await;
    for subscriber in subscribers {
        subscriber.stop().await.unwrap();
    }
    sender.stop().await.unwrap();
    for sights in &sights {
        assert_eq!(sights.all().len(), 2);
    }
}

pub(crate) async fn a_message_a_group_gives_up_is_a_dead_letter<P: Place>(scene: Scene<P>) {
    let sights = Sights::default();
    let subscriber = scene.member(&sights).await;
    let sender = scene.sender().await;
    sender.service().broker.publish("tasks", &Job::doing(1, &[Deed::Fail])).await.unwrap();
    let letter = dead_letter::<P>(&sender, "tasks").await;
    assert_eq!(letter.headers().get(known::DEAD_SOURCE), Some("publish_subscribe tasks"));
    assert_eq!(letter.headers().get(known::DEAD_REASON), Some("exhausted"));
    assert_eq!(sights.all().len(), 3);
    subscriber.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_stream_of_what_is_published<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let mut news = broker.subscribe::<Job>("news").await.unwrap();
    broker.publish("news", &Job::new(5)).key("a").header("colour", "red").await.unwrap();
    let message = timeout(Duration::from_secs(30), news.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(message.id, 5);
    assert_eq!(message.headers().get("colour"), Some("red"));
    message.ack().await.unwrap();
    drop(news);
    sender.stop().await.unwrap();
}

/// Tests of all of them over a broker: `each`, and twenty times at once; all `in_one`; or all of them twenty times at once `on_one_server`.
macro_rules! checks {
    (each, $place:expr) => {
        $crate::messaging::publish_subscribe::checks! { $place, conformance }
    };
    (in_one, $place:expr) => {
        $crate::messaging::publish_subscribe::checks! { $place, conformance_in_one }
    };
    (on_one_server, $place:expr) => {
        $crate::messaging::publish_subscribe::checks! { $place, conformance_on_one_server }
    };
    ($place:expr, $conformance:ident) => {
        $crate::$conformance! { $place, publish_subscribe:
            every_subscriber_gets_each_message
            one_of_a_group_gets_each_message
            nobody_subscribed_is_no_error
            what_was_published_before_is_nobodys
            a_group_keeps_what_is_published_while_none_of_it_runs
            a_subscriber_that_fails_tries_again_alone
            a_message_a_group_gives_up_is_a_dead_letter
            a_stream_of_what_is_published
        }
    };
}
pub(crate) use checks;
