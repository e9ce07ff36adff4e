//! Push and pull: one of the workers gets each message, at least once, until it is done or given up.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use chassis::{
    codec::{self, Format},
    messaging::{Failure, known},
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    place::Place,
    scene::{Scene, dead_letter},
    services::{Deed, Job},
    sights::{Sight, Sights},
};

pub(crate) async fn what_is_pushed_is_handled<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::new(7)).await.unwrap();
    let seen = sights.calls(1).await;
    assert_eq!((seen[0].id, seen[0].attempt), (7, 1));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert_eq!(sights.all().len(), 1);
}

pub(crate) async fn many_messages_are_handled_once_each<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    for id in 0..300 {
        sender.service().broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    sights.messages(300).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert!(sights.counts().values().all(|count| *count == 1), "{:?}", sights.counts());
}

pub(crate) async fn workers_share_the_messages<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let sights = [Sights::default(), Sights::default()];
    let workers = [scene.worker(&sights[0]).await, scene.worker(&sights[1]).await];
    let seen = || sights.each_ref().map(|sights| sights.all().len());
    timeout(Duration::from_secs(60), async {
        // One that has just come may get none of what was there before.
        for round in 0.. {
            for id in 0..60 {
                sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Sleep(5)])).await.unwrap();
            }
            while seen().iter().sum::<usize>() < 60 * (round + 1) {
                sleep(Duration::from_millis(5)).await;
            }
            if seen().iter().all(|count| *count > 0) {
                break;
            }
        }
    })
    .await
    .unwrap_or_else(|_| panic!("one of them gets none: {:?}", seen()));
    for worker in workers {
        worker.stop().await.unwrap();
    }
    sender.stop().await.unwrap();
}

pub(crate) async fn messages_wait_for_a_worker<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let first = scene.worker(&sights).await;
    first.stop().await.unwrap();
    for id in 0..20 {
        sender.service().broker.push("jobs", &Job::new(id)).await.unwrap();
    }
    let second = scene.worker(&sights).await;
    sights.messages(20).await;
    second.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn as_many_are_handled_at_once_as_the_handler_says<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    for id in 0..16 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Wait])).await.unwrap();
    }
    sights.calls(4).await;
    sights.release();
    sights.messages(16).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert_eq!(sights.most_at_work(), 4);
}

pub(crate) async fn messages_of_a_key_stay_in_their_order<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    for id in 0..60_u64 {
        let deeds: &[Deed] = if id % 10 == 0 { &[Deed::Fail, Deed::Succeed] } else { &[] };
        let key = format!("key {}", id % 5);
        sender.service().broker.push("ordered", &Job::doing(id, deeds)).key(key).await.unwrap();
    }
    sights.messages(60).await;
    let mut of_key: BTreeMap<Option<Vec<u8>>, Vec<u64>> = BTreeMap::new();
    for sight in sights.all() {
        let ids = of_key.entry(sight.key).or_default();
        // A second attempt follows its first one.
        if ids.last() != Some(&sight.id) {
            ids.push(sight.id);
        }
    }
    assert_eq!(of_key.len(), 5);
    assert!(of_key.values().all(|ids| ids.is_sorted()), "{of_key:?}");
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_key_that_waits_holds_up_nothing_but_its_share<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let broker = &sender.service().broker;
    let failing = Job::doing(0, &[Deed::Fail, Deed::Fail, Deed::Wait]);
    broker.push("ordered", &failing).key("held up").await.unwrap();
    for id in 1..9 {
        broker.push("ordered", &Job::new(id)).key("held up").await.unwrap();
    }
    for id in 100..116 {
        broker.push("ordered", &Job::new(id)).key(format!("key {id}")).await.unwrap();
    }
    // About a quarter of the other keys is in the same share.
    let others = |seen: &[Sight]| seen.iter().filter(|sight| sight.id >= 100).count();
    sights.until("those of other keys", |seen| others(seen) >= 8 && seen.iter().any(|sight| sight.attempt == 3)).await;
    let of_key = || -> Vec<_> {
        let seen = sights.all();
        seen.iter().filter(|sight| sight.id < 100).map(|sight| (sight.id, sight.attempt)).collect()
    };
    assert_eq!(of_key(), [(0, 1), (0, 2), (0, 3)]);
    sights.release();
    sights.messages(25).await;
    let in_order: Vec<_> = (1..=3).map(|attempt| (0, attempt)).chain((1..9).map(|id| (id, 1))).collect();
    assert_eq!(of_key(), in_order);
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert_eq!(others(&sights.all()), 16);
}

pub(crate) async fn what_is_at_work_ends_at_a_stop_and_the_rest_waits<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    // Four at a time: more than a busy machine needs to send them.
    for id in 0..24 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Sleep(2_000)])).await.unwrap();
    }
    sights.calls(1).await;
    let report = worker.stop().await.unwrap();
    assert_eq!(report.code, 0, "{report:?}");
    let at_stop = sights.counts().len();
    assert!(at_stop < 24, "nothing was left to wait");
    let next = scene.worker_with(&sights, json!({ "handlers": { "job": { "concurrency": 24 } } })).await;
    sights.messages(24).await;
    next.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert!(sights.counts().values().all(|count| *count == 1), "{:?}", sights.counts());
}

pub(crate) async fn what_is_behind_its_key_at_a_stop_waits<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    for id in 0..12 {
        let time = Deed::Sleep(if id == 0 { 2_000 } else { 500 });
        sender.service().broker.push("ordered", &Job::doing(id, &[time])).key("one").await.unwrap();
    }
    sights.calls(1).await;
    let report = worker.stop().await.unwrap();
    assert_eq!(report.code, 0, "{report:?}");
    assert!(sights.counts().len() < 12, "nothing was left to wait");
    let next = scene.worker(&sights).await;
    sights.messages(12).await;
    next.stop().await.unwrap();
    sender.stop().await.unwrap();
    let ids: Vec<_> = sights.all().iter().map(|sight| sight.id).collect();
    assert_eq!(ids, (0..12).collect::<Vec<_>>());
}

pub(crate) async fn hundreds_at_work_end_at_a_stop<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let many = || json!({ "handlers": { "job": { "concurrency": 500 } } });
    let worker = scene.worker_with(&sights, many()).await;
    for id in 0..520 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Sleep(2_000)])).await.unwrap();
    }
    sights.messages(500).await;
    let report = worker.stop().await.unwrap();
    assert_eq!(report.code, 0, "{report:?}");
    assert!(report.took < Duration::from_secs(20), "{report:?}");
    let worker = scene.worker_with(&sights, many()).await;
    sights.messages(520).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    assert!(sights.counts().values().all(|count| *count == 1), "{:?}", sights.counts());
}

pub(crate) async fn headers_key_and_content_type_arrive<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let job = Job::new(1);
    let push = sender.service().broker.push("jobs", &job);
    push.key("order 7").header("colour", "grün").header("raw", Bytes::from_static(b"\xff\x00")).await.unwrap();
    let seen = sights.calls(1).await;
    assert_eq!(seen[0].headers.get("colour"), Some("grün"));
    assert_eq!(seen[0].headers.get("Colour"), Some("grün"), "names are found whatever their case");
    assert_eq!(seen[0].headers.bytes("raw"), Some(&Bytes::from_static(b"\xff\x00")));
    assert_eq!(seen[0].headers.get("raw"), None, "what is no text is not given as text");
    assert_eq!(seen[0].key.as_deref(), Some(&b"order 7"[..]));
    assert_eq!(seen[0].content_type.as_deref(), Some("application/json"));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_handler_reads_what_the_sender_writes<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let formats = [Format::Json, Format::MessagePack, Format::Cbor, Format::Yaml];
    for (id, format) in (0..).zip(formats) {
        sender.service().broker.push("jobs", &Job::new(id)).codec(format).await.unwrap();
    }
    sights.messages(4).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn text_and_bytes_arrive_as_they_are<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let mut texts = broker.pull::<String>("texts").codec(codec::Text).await.unwrap();
    broker.push("texts", "grün\n").codec(codec::Text).await.unwrap();
    let text = timeout(Duration::from_secs(30), texts.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(text.body, "grün\n");
    assert_eq!(text.content_type(), Some("text/plain; charset=utf-8"));
    text.ack().await.unwrap();
    let mut bytes = broker.pull::<Bytes>("bytes").codec(codec::Raw).await.unwrap();
    let every = Bytes::from_iter(0..=255_u8);
    broker.push("bytes", &every).codec(codec::Raw).await.unwrap();
    let came = timeout(Duration::from_secs(30), bytes.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(came.body, every);
    came.ack().await.unwrap();
    drop((texts, bytes));
    sender.stop().await.unwrap();
}

pub(crate) async fn a_megabyte_arrives<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let mut stream = broker.pull::<Bytes>("large").codec(codec::Raw).await.unwrap();
    let body = Bytes::from_iter((0..900_000_u32).map(|at| at as u8));
    broker.push("large", &body).codec(codec::Raw).await.unwrap();
    let came = timeout(Duration::from_secs(30), stream.next()).await.unwrap().unwrap().unwrap();
    assert!(came.body == body, "{} bytes came", came.body.len());
    came.ack().await.unwrap();
    drop(stream);
    sender.stop().await.unwrap();
}

pub(crate) async fn what_is_too_large_is_not_sent<P: Place>(scene: Scene<P>) {
    let sender = scene.sender_with(json!({ "max_message_size": "1KiB" })).await;
    let error = sender.service().broker.push("jobs", &"x".repeat(2000)).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Refused(_))), "{error:#}");
    assert!(format!("{error:#}").contains("2002 bytes are more than `max_message_size`, 1KiB"), "{error:#}");
    sender.stop().await.unwrap();
}

pub(crate) async fn the_trace_of_the_sender_goes_on<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    let ids = std::sync::Arc::new(chassis::unit::Ids::new());
    let trace = format!("{:032x}", ids.trace().trace_id());
    ids.wrap(async { sender.service().broker.push("jobs", &Job::new(1)).await }).await.unwrap();
    let seen = sights.calls(1).await;
    assert_eq!(seen[0].trace.as_deref(), Some(&*trace));
    assert_eq!(seen[0].headers.get(known::REQUEST_ID), Some(ids.request_id().as_str()));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

pub(crate) async fn a_stream_gives_what_its_caller_does_not_settle_back<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let broker = &sender.service().broker;
    let mut stream = broker.pull::<Job>("stream").prefetch(1).await.unwrap();
    broker.push("stream", &Job::new(1)).await.unwrap();
    let first = timeout(Duration::from_secs(30), stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(first.id, 1);
    drop(first);
    let again = timeout(Duration::from_secs(30), stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((again.id, again.is_redelivered()), (1, true));
    again.retry(Duration::from_millis(10)).await.unwrap();
    let third = timeout(Duration::from_secs(30), stream.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((third.id, third.attempt()), (1, 2));
    third.reject(chassis::Error::msg("by hand")).await.unwrap();
    let letter = dead_letter::<P>(&sender, "stream").await;
    assert_eq!(letter.headers().get(known::DEAD_ERROR), Some("by hand"));
    drop(stream);
    sender.stop().await.unwrap();
}

pub(crate) async fn a_stream_ends_with_its_service<P: Place>(scene: Scene<P>) {
    let sender = scene.sender().await;
    let mut stream = sender.service().broker.pull::<Job>("stream").await.unwrap();
    let waiting = tokio::spawn(async move { stream.next().await.is_none() });
    sender.stop().await.unwrap();
    assert!(timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap());
}

pub(crate) async fn each_message_has_one_line_and_its_figures<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(1, &[Deed::Fail, Deed::Succeed])).await.unwrap();
    sights.calls(2).await;
    sender.service().broker.push("jobs", &Job::doing(2, &[Deed::Reject])).await.unwrap();
    dead_letter::<P>(&sender, "jobs").await;
    let lines: Vec<Value> = timeout(Duration::from_secs(10), async {
        loop {
            let lines: Vec<Value> =
                worker.logs().captured().into_iter().filter(|line| line["message"] == "MESSAGE").collect();
            if lines.len() >= 3 {
                return lines;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    let short: Vec<_> =
        lines.iter().map(|line| (&line["name"], &line["source"], &line["attempt"], &line["outcome"])).collect();
    let (job, jobs, one, two) = (json!("job"), json!("jobs"), json!(1), json!(2));
    let (ok, error) = (json!("ok"), json!("error"));
    assert_eq!(short, [(&job, &jobs, &one, &error), (&job, &jobs, &two, &ok), (&job, &jobs, &one, &error)]);
    assert!(
        lines[0]["error"].as_str().unwrap_or_default().starts_with("as told: the cause; attempt 1 of 3, again in ")
    );
    let rejected = lines[2]["error"].as_str().unwrap_or_default();
    let fate = ["no use; given up: rejected, kept in `jobs.dead`", "no use; given up: rejected, kept nowhere"];
    assert!(fate.contains(&rejected), "{rejected}");
    let metrics = worker.metrics();
    let handler = [("broker", "broker"), ("handler", "job")];
    let handled = [&handler[..], &[("pattern", "push_pull"), ("name", "jobs"), ("outcome", "error")]].concat();
    assert_eq!(metrics.get("messaging_process_duration_seconds_count", &handled), Some(2.0));
    assert_eq!(metrics.get("messaging_retries_total", &handler), Some(1.0));
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    // Counted once it is kept, which its reader may see earlier.
    let dead = [&handler[..], &[("reason", "rejected")]].concat();
    assert_eq!(metrics.get("messaging_dead_letters_total", &dead), Some(1.0));
    assert_eq!(metrics.get("messaging_in_flight", &handler), Some(0.0));
}

/// Tests of all of them over a broker: `each`, and twenty times at once; all `in_one`; or all of them twenty times at once `on_one_server`.
macro_rules! checks {
    (each, $place:expr) => {
        $crate::messaging::push_pull::checks! { $place, conformance }
    };
    (in_one, $place:expr) => {
        $crate::messaging::push_pull::checks! { $place, conformance_in_one }
    };
    (on_one_server, $place:expr) => {
        $crate::messaging::push_pull::checks! { $place, conformance_on_one_server }
    };
    ($place:expr, $conformance:ident) => {
        $crate::$conformance! { $place, push_pull:
            what_is_pushed_is_handled
            many_messages_are_handled_once_each
            workers_share_the_messages
            messages_wait_for_a_worker
            as_many_are_handled_at_once_as_the_handler_says
            messages_of_a_key_stay_in_their_order
            a_key_that_waits_holds_up_nothing_but_its_share
            what_is_at_work_ends_at_a_stop_and_the_rest_waits
            what_is_behind_its_key_at_a_stop_waits
            hundreds_at_work_end_at_a_stop
            headers_key_and_content_type_arrive
            a_handler_reads_what_the_sender_writes
            text_and_bytes_arrive_as_they_are
            a_megabyte_arrives
            what_is_too_large_is_not_sent
            the_trace_of_the_sender_goes_on
            a_stream_gives_what_its_caller_does_not_settle_back
            a_stream_ends_with_its_service
            each_message_has_one_line_and_its_figures
        }
    };
}
pub(crate) use checks;
