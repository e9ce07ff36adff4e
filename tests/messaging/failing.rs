//! What becomes of messages whose handling fails: they rest, are tried again, and are dead letters in the end.

use std::time::Duration;

use bytes::Bytes;
use chassis::{codec, messaging::known};
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::{
    place::Place,
    scene::{Scene, dead_letter},
    services::{Deed, Job},
    sights::Sights,
};

pub(crate) async fn a_failed_message_is_tried_again_after_a_rest<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(1, &[Deed::Fail, Deed::Fail, Deed::Succeed])).await.unwrap();
    let seen = sights.calls(3).await;
    let attempts: Vec<_> = seen.iter().map(|sight| sight.attempt).collect();
    assert_eq!(attempts, [1, 2, 3]);
    let rested = seen[2].at - seen[0].at;
    assert!(rested < Duration::from_secs(10), "{rested:?} is more than two rests of 100 ms at most");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert_eq!(sights.all().len(), 3);
}

pub(crate) async fn messages_that_fail_do_not_come_again_at_once<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let rest = json!({ "handlers": { "job": { "min_delay": "500ms", "max_delay": "500ms", "concurrency": 10 } } });
    let worker = scene.worker_with(&sights, rest).await;
    for id in 0..10 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Fail, Deed::Succeed])).await.unwrap();
    }
    let seen = sights.calls(20).await;
    let rest = |id| {
        let of_one: Vec<_> = seen.iter().filter(|sight| sight.id == id).map(|sight| sight.at).collect();
        of_one[1] - of_one[0]
    };
    // Each rests for a random part of the time: that all ten are below a tenth of it happens once in 10^10.
    let longest = (0..10).map(rest).max().unwrap();
    assert!(longest > Duration::from_millis(50), "{longest:?} is the longest rest");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn others_go_on_while_a_message_rests<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let rest = json!({ "handlers": { "job": { "min_delay": "30s", "max_delay": "30s", "concurrency": 1 } } });
    let worker = scene.worker_with(&sights, rest).await;
    for id in 0..5 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Fail])).await.unwrap();
    }
    for id in 5..25 {
        sender.service().broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    sights.messages(25).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_message_that_fails_too_often_is_a_dead_letter<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let job = Job::doing(3, &[Deed::Fail]);
    sender.service().broker.push("jobs", &job).key("k").header("colour", "red").await.unwrap();
    let letter = dead_letter::<P>(&sender, "jobs").await;
    assert_eq!(serde_json::from_value::<Job>(letter.body.clone()).unwrap(), job);
    let header = |name| letter.headers().get(name).unwrap_or_default().to_owned();
    assert_eq!(header(known::DEAD_REASON), "exhausted");
    assert_eq!(header(known::DEAD_ERROR), "as told: the cause");
    assert_eq!(header(known::DEAD_ATTEMPTS), "3");
    assert_eq!(header(known::DEAD_SERVICE), "worker");
    assert_eq!(header(known::DEAD_SOURCE), "push_pull jobs");
    assert!(header(known::DEAD_TIME).ends_with('Z'), "{}", header(known::DEAD_TIME));
    assert_eq!(header("colour"), "red");
    assert_eq!(sights.all().len(), 3);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn what_another_attempt_cannot_help_is_a_dead_letter_at_once<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(3, &[Deed::Reject])).await.unwrap();
    let letter = dead_letter::<P>(&sender, "jobs").await;
    assert_eq!(letter.headers().get(known::DEAD_REASON), Some("rejected"));
    assert_eq!(letter.headers().get(known::DEAD_ATTEMPTS), Some("1"));
    assert_eq!(sights.all().len(), 1);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn wrong_settings_are_no_reason_to_give_a_message_up<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(3, &[Deed::Misconfigured, Deed::Succeed])).await.unwrap();
    sights.calls(2).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_body_that_cannot_be_read_is_a_dead_letter<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let poison: [&[u8]; 4] = [b"", b"{", b"\xff\xfe", b"{\"id\": \"seven\"}"];
    for body in poison {
        let body = Bytes::from_static(body);
        sender.service().broker.push("jobs", &body).codec(AsJson).await.unwrap();
    }
    sender.service().broker.push("jobs", &Job::new(9)).await.unwrap();
    let mut letters = sender.service().broker.pull::<Bytes>("jobs.dead").codec(codec::Raw).await.unwrap();
    let mut bodies = Vec::new();
    for _ in poison {
        let letter = timeout(Duration::from_secs(30), letters.next()).await.unwrap().unwrap().unwrap();
        assert_eq!(letter.headers().get(known::DEAD_REASON), Some("undecodable"));
        assert_eq!(letter.headers().get(known::DEAD_ATTEMPTS), Some("1"));
        bodies.push(letter.body.to_vec());
        letter.ack().await.unwrap();
    }
    bodies.sort();
    let mut expected = poison.map(<[u8]>::to_vec);
    expected.sort();
    assert_eq!(bodies, expected);
    let seen = sights.calls(1).await;
    assert_eq!(seen.iter().map(|sight| sight.id).collect::<Vec<_>>(), [9]);
    drop(letters);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// Bytes that are said to be JSON.
#[derive(Clone)]
struct AsJson;

impl codec::Codec for AsJson {
    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn encode<T: serde::Serialize + ?Sized>(&self, value: &T) -> chassis::Result<Vec<u8>> {
        codec::Raw.encode(value)
    }

    fn decode<T: serde::de::DeserializeOwned>(&self, body: &[u8], _: Option<&str>) -> chassis::Result<T> {
        codec::Raw.decode(body, None)
    }
}

pub(crate) async fn a_panic_is_a_failure_like_others<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(1, &[Deed::Panic, Deed::Succeed])).await.unwrap();
    sights.calls(2).await;
    sender.service().broker.push("jobs", &Job::new(2)).await.unwrap();
    sights.messages(2).await;
    let told = worker.logs().captured();
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    let told = told.iter().find(|line| line["outcome"] == "panic").and_then(|line| line["error"].as_str());
    assert!(told.is_some_and(|told| told.contains("; attempt 1 of 3, again in ")), "{told:?}");
}

pub(crate) async fn a_handler_that_takes_too_long_has_failed<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("hurried", &Job::doing(1, &[Deed::Sleep(60_000), Deed::Succeed])).await.unwrap();
    sights.calls(2).await;
    sender.service().broker.push("hurried", &Job::doing(2, &[Deed::Sleep(60_000)])).await.unwrap();
    let letter = dead_letter::<P>(&sender, "hurried").await;
    let error = letter.headers().get(known::DEAD_ERROR).unwrap_or_default();
    assert!(error.contains("took longer than 50ms"), "{error}");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn what_comes_and_is_too_large_is_a_dead_letter<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker_with(&sights, json!({ "max_message_size": "1KiB" })).await;
    let deeds = vec![Deed::Succeed; 200];
    sender.service().broker.push("jobs", &Job { id: 1, deeds }).await.unwrap();
    let letter = dead_letter::<P>(&sender, "jobs").await;
    assert_eq!(letter.headers().get(known::DEAD_REASON), Some("too_large"));
    assert_eq!(sights.all().len(), 0);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn what_nobody_wants_any_more_is_not_begun<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    worker.stop().await.unwrap();
    sender.service().broker.push("jobs", &Job::new(1)).expires_in(Duration::from_millis(20)).await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let worker = scene.worker(&sights).await;
    let letter = dead_letter::<P>(&sender, "jobs").await;
    assert_eq!(letter.headers().get(known::DEAD_REASON), Some("expired"));
    assert_eq!(sights.all().len(), 0);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn dead_letters_that_are_pushed_again_begin_anew<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(1, &[Deed::Fail])).await.unwrap();
    let letter = dead_letter::<P>(&sender, "jobs").await;
    let mut job: Job = serde_json::from_value(letter.body.clone()).unwrap();
    job.deeds.clear();
    let mut again = sender.service().broker.push("jobs", &job);
    for (name, value) in letter.headers().iter() {
        again = again.header(name, value.clone());
    }
    again.await.unwrap();
    let seen = sights.calls(4).await;
    let attempts: Vec<_> = seen.iter().map(|sight| sight.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 1]);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// Tests of all of them over a broker: `each`, and twenty times at once; all `in_one`; or all of them twenty times at once `on_one_server`.
macro_rules! checks {
    (each, $place:expr) => {
        $crate::messaging::failing::checks! { $place, conformance }
    };
    (in_one, $place:expr) => {
        $crate::messaging::failing::checks! { $place, conformance_in_one }
    };
    (on_one_server, $place:expr) => {
        $crate::messaging::failing::checks! { $place, conformance_on_one_server }
    };
    ($place:expr, $conformance:ident) => {
        $crate::$conformance! { $place, failing:
            a_failed_message_is_tried_again_after_a_rest
            messages_that_fail_do_not_come_again_at_once
            others_go_on_while_a_message_rests
            a_message_that_fails_too_often_is_a_dead_letter
            what_another_attempt_cannot_help_is_a_dead_letter_at_once
            wrong_settings_are_no_reason_to_give_a_message_up
            a_body_that_cannot_be_read_is_a_dead_letter
            a_panic_is_a_failure_like_others
            a_handler_that_takes_too_long_has_failed
            what_comes_and_is_too_large_is_a_dead_letter
            what_nobody_wants_any_more_is_not_begun
            dead_letters_that_are_pushed_again_begin_anew
        }
    };
}
pub(crate) use checks;
