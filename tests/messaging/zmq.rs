//! ZeroMQ: the checks that this wire can hold, why others cannot, and what is promised in their place.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use chassis::messaging::{Failure, Offers, RequestResponse, zmq::ZmqEngine};
use serde_json::{Map, Value, json};
use tokio::time::{sleep, timeout};

use super::{
    place::Place,
    scene::Scene,
    services::{Deed, Job},
    sights::Sights,
};

/// Checks that cannot hold here, and why.
const CANNOT: &[(&str, &[&str])] = &[
    (
        "nobody keeps what is given up: there is no broker; it is told in the log and counted",
        &[
            "a_message_that_fails_too_often_is_a_dead_letter",
            "what_another_attempt_cannot_help_is_a_dead_letter_at_once",
            "a_body_that_cannot_be_read_is_a_dead_letter",
            "a_handler_that_takes_too_long_has_failed",
            "what_comes_and_is_too_large_is_a_dead_letter",
            "a_stream_gives_what_its_caller_does_not_settle_back",
            "dead_letters_that_are_pushed_again_begin_anew",
            "each_message_has_one_line_and_its_figures",
        ],
    ),
    (
        "no header but the workflow id is on the wire",
        &[
            "headers_key_and_content_type_arrive",
            "what_nobody_wants_any_more_is_not_begun",
            "the_trace_of_the_sender_goes_on",
            "a_stream_of_what_is_published",
            "who_replies_knows_how_long_it_is_wanted",
        ],
    ),
    (
        "the wire is MessagePack, whatever a handler or a sender would like",
        &[
            "a_handler_reads_what_the_sender_writes",
            "text_and_bytes_arrive_as_they_are",
            "a_megabyte_arrives",
            "what_is_too_large_is_not_sent",
            "an_answer_is_written_as_its_request",
        ],
    ),
    (
        "every subscriber gets each message: there is nobody who could share them among a group",
        &[
            "one_of_a_group_gets_each_message",
            "a_group_keeps_what_is_published_while_none_of_it_runs",
            "a_message_a_group_gives_up_is_a_dead_letter",
        ],
    ),
    (
        "what has left the sender cannot be given back: at a stop it is worked off as far as it has arrived",
        &["what_is_at_work_ends_at_a_stop_and_the_rest_waits", "what_is_behind_its_key_at_a_stop_waits"],
    ),
];

/// Every scene has an address of its own on the loopback network, and every name a port there.
#[derive(Default)]
struct OnPorts {
    /// How long publishers wait for their subscribers.
    wait: Duration,
    spaces: Mutex<HashMap<String, usize>>,
}

const NAMES: [&str; 7] = ["jobs", "ordered", "hurried", "stream", "news", "double", "nobody"];

impl OnPorts {
    /// One address for each of the names.
    fn connections(&self, space: &str, socket: &str, names: &[&str]) -> Map<String, Value> {
        let mut spaces = self.spaces.lock().unwrap();
        let next = spaces.len();
        let number = *spaces.entry(space.to_owned()).or_insert(next);
        let host = format!("127.{}.{}.{}", 1 + std::process::id() % 250, number / 250, 1 + number % 250);
        let connection = |name: &&str| {
            let port = 20_000 + NAMES.iter().position(|known| known == name).unwrap();
            ((*name).to_owned(), json!({ socket: format!("{host}:{port}") }))
        };
        names.iter().map(connection).collect()
    }
}

const WORK: [&str; 3] = ["jobs", "ordered", "hurried"];
const STREAMS: [&str; 1] = ["stream"];

impl Place for OnPorts {
    type Engine = ZmqEngine;

    fn settings(&self, _: &str) -> Value {
        json!({})
    }

    fn settings_of(&self, who: &str, space: &str) -> Value {
        let of = |socket: &str, names: &[&str]| self.connections(space, socket, names);
        let all = |maps: Vec<Map<String, Value>>| maps.into_iter().flatten().collect::<Map<_, _>>();
        let (inward, out) = match who {
            "sender" => (
                all(vec![of("puller", &STREAMS)]),
                all(vec![
                    of("pusher", &WORK),
                    of("pusher", &STREAMS),
                    of("publisher", &["news"]),
                    of("requester", &["double", "nobody"]),
                ]),
            ),
            "worker" => (of("puller", &WORK), Map::new()),
            "subscriber" => (of("subscriber", &["news"]), Map::new()),
            _ => (of("replyer", &["double"]), Map::new()),
        };
        // Several workers pull from one sender, so the sender is the one that listens.
        let known = |name: &&str| inward.contains_key(*name) || out.contains_key(*name);
        let connections =
            WORK.iter().filter(|name| known(name)).map(|name| ((*name).to_owned(), json!({ "is_binder": false })));
        let connections: Map<String, Value> = connections.collect();
        json!({
            "addresses": { "in": inward, "out": out },
            "connections": connections,
            "max_reconnect_interval": "50ms",
            "wait_after_creation": format!("{}ms", self.wait.as_millis()),
        })
    }
}

mod push_pull {
    crate::conformance! { async { super::OnPorts::default() }, push_pull:
        what_is_pushed_is_handled
        many_messages_are_handled_once_each
        workers_share_the_messages
        messages_wait_for_a_worker
        as_many_are_handled_at_once_as_the_handler_says
        messages_of_a_key_stay_in_their_order
        a_key_that_waits_holds_up_nothing_but_its_share
        hundreds_at_work_end_at_a_stop
        a_stream_ends_with_its_service
    }
}

mod failing {
    crate::conformance! { async { super::OnPorts::default() }, failing:
        a_failed_message_is_tried_again_after_a_rest
        messages_that_fail_do_not_come_again_at_once
        others_go_on_while_a_message_rests
        wrong_settings_are_no_reason_to_give_a_message_up
        a_panic_is_a_failure_like_others
    }
}

mod publish_subscribe {
    crate::conformance! { async { super::OnPorts { wait: std::time::Duration::from_millis(1500), ..Default::default() } }, publish_subscribe:
        every_subscriber_gets_each_message
        nobody_subscribed_is_no_error
        what_was_published_before_is_nobodys
        a_subscriber_that_fails_tries_again_alone
    }
}

mod request_response {
    crate::conformance! { async { super::OnPorts::default() }, request_response:
        a_request_is_answered
        requests_at_the_same_time_have_their_own_answers
        a_failure_is_answered
        a_request_that_cannot_be_read_is_answered_so
        an_answer_that_cannot_be_read_says_so
        no_answer_in_time_is_unknown_and_the_next_request_is_answered
        a_request_that_nobody_answers_fails_in_time
        requests_at_work_are_answered_at_a_stop
    }
}

#[test]
fn every_check_holds_or_it_is_said_why_not() {
    let suites = [
        include_str!("push_pull.rs"),
        include_str!("failing.rs"),
        include_str!("publish_subscribe.rs"),
        include_str!("request_response.rs"),
    ];
    let checks = suites.iter().flat_map(|suite| suite.lines()).filter_map(|line| {
        let name = line.strip_prefix("pub(crate) async fn ")?;
        name.split_once('<').map(|(name, _)| name)
    });
    let held: Vec<_> = include_str!("zmq.rs").lines().map(str::trim).collect();
    let mut count = 0;
    for check in checks {
        count += 1;
        let is_held = held.contains(&check);
        let cannot = CANNOT.iter().filter(|(_, checks)| checks.contains(&check)).count();
        assert_eq!(usize::from(is_held) + cannot, 1, "{check}");
    }
    assert!(count >= 45, "only {count} checks were found");
}

/// What is given up is told once, and counted; nobody keeps it, and the messages behind it go on.
async fn what_is_given_up_is_told_and_not_kept<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    sender.service().broker.push("jobs", &Job::doing(1, &[Deed::Reject])).await.unwrap();
    sender.service().broker.push("jobs", &"no job").await.unwrap();
    sender.service().broker.push("jobs", &Job::new(2)).await.unwrap();
    sights.messages(2).await;
    let given_up = || {
        let lines = worker.logs().captured();
        lines.iter().filter(|line| line["error"].as_str().unwrap_or_default().contains("given up")).count()
    };
    timeout(Duration::from_secs(10), async {
        while given_up() < 2 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .unwrap();
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
}

/// What has arrived when a service stops is handled before it ends.
async fn what_has_arrived_is_handled_at_a_stop<P: Place>(scene: Scene<P>) {
    let (sights, sender) = (Sights::default(), scene.sender().await);
    let worker = scene.worker(&sights).await;
    for id in 0..12 {
        sender.service().broker.push("jobs", &Job::doing(id, &[Deed::Sleep(50)])).await.unwrap();
    }
    sights.calls(1).await;
    sleep(Duration::from_millis(100)).await;
    let report = worker.stop().await.unwrap();
    assert_eq!(report.code, 0, "{report:?}");
    assert_eq!(sights.counts().len(), 12);
    sender.stop().await.unwrap();
}

/// A codec that is none of this wire is refused by name.
async fn other_codecs_are_refused<P: Place>(scene: Scene<P>)
where
    P::Engine: Offers<RequestResponse>,
{
    let sender = scene.sender().await;
    let error = sender.service().broker.push("jobs", &Job::new(1)).codec(chassis::codec::Json).await.unwrap_err();
    assert!(matches!(error.find::<Failure>(), Some(Failure::Refused(_))), "{error:#}");
    assert!(format!("{error:#}").contains("written in `application/json`, and this wire is MessagePack"), "{error:#}");
    let error = sender.service().broker.push("jbos", &Job::new(1)).await.unwrap_err();
    assert!(format!("{error:#}").contains("there is no address `addresses.out.jbos.pusher`"), "{error:#}");
    sender.stop().await.unwrap();
}

macro_rules! here {
    ($($check:ident)*) => {
        mod of_its_own {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $check() {
                    let place = std::sync::Arc::new(super::OnPorts::default());
                    super::$check(crate::messaging::scene::Scene::new(&place)).await;
                }
            )*
        }
    };
}

here! {
    what_is_given_up_is_told_and_not_kept
    what_has_arrived_is_handled_at_a_stop
    other_codecs_are_refused
}
