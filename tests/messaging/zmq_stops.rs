//! ZeroMQ when a service stops: what waits is sent, what has come is handled, and what is lost is told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::{messaging::Zmq, prelude::*};
use chassis_tests::free_port;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{sleep, timeout},
};

use super::zmq_scene::{Ports, Sender, Taker, frame, greeted, ping, push, until};

/// Takes by several workers that share the keys.
#[microservice(name = "sharer")]
struct Sharer {
    #[resource]
    zmq: Zmq,
    seen: Mutex<Vec<u64>>,
}

#[microservice]
impl Sharer {
    #[pull(zmq, "jobs", concurrency = 4, by_key, quiet)]
    async fn job(&self, number: u64) {
        sleep(Duration::from_millis(5)).await;
        self.seen.lock().unwrap().push(number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_sends_what_waits() {
    let ports = Ports::new();
    let taker = ports.taker(json!({})).await;
    let sender = ports.sender(json!({})).await;
    for number in 0..500_u64 {
        sender.service().zmq.push("jobs", &number).await.unwrap();
    }
    sender.stop().await.unwrap();
    until("all pushes", || taker.service().seen.lock().unwrap().len() == 500).await;
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stops_in_order_loses_nothing_of_a_stream_of_pushes() {
    const ALL: u64 = 600;
    let ports = Ports::new();
    let sender = ports.sender(json!({ "wait_after_creation": "0ms" })).await;
    let service = Arc::clone(sender.service());
    let pushing = tokio::spawn(async move {
        for number in 0..ALL {
            service.zmq.push("jobs", &number).timeout(Duration::from_secs(30)).await.unwrap();
        }
    });
    let mut seen = Vec::new();
    for _ in 0..3 {
        // What was sent takes far longer to handle than silence is waited for.
        let settings = ports.settings("in", ["replyer", "puller", "subscriber"], json!({ "linger": "100ms" }));
        let taker = Taker::builder().settings(settings).with(|taker| taker.pace = Duration::from_millis(5));
        let taker = taker.start().await.unwrap();
        let service = Arc::clone(taker.service());
        until("a first message", || !service.seen.lock().unwrap().is_empty() || seen.len() as u64 == ALL).await;
        assert_eq!(taker.stop().await.unwrap().code, 0);
        seen.append(&mut service.seen.lock().unwrap());
    }
    pushing.await.unwrap();
    let taker = ports.taker(json!({})).await;
    let missing =
        |seen: &[u64], more: &[u64]| (0..ALL).filter(|number| !seen.contains(number) && !more.contains(number)).count();
    until("all pushes", || missing(&seen, &taker.service().seen.lock().unwrap()) == 0).await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_share_keys_and_stop_in_order_lose_nothing() {
    const ALL: u64 = 200;
    let ports = Ports::new();
    let sender = ports.sender(json!({ "wait_after_creation": "0ms" })).await;
    for number in 0..ALL {
        sender.service().zmq.push("jobs", &number).await.unwrap();
    }
    let addresses = json!({ "in": { "jobs": { "puller": format!("127.0.0.1:{}", ports.jobs) } } });
    let settings: chassis::settings::Dict = json!({ "resources": { "zmq": { "addresses": addresses } } }).into();
    let sharer = Sharer::builder().settings(settings).start().await.unwrap();
    let service = Arc::clone(sharer.service());
    until("a first message", || !service.seen.lock().unwrap().is_empty()).await;
    assert_eq!(sharer.stop().await.unwrap().code, 0);
    // What has come is handled, and nobody else has the rest.
    let mut seen = service.seen.lock().unwrap().clone();
    seen.sort_unstable();
    assert!(seen.len() > 4 && seen == (0..seen.len() as u64).collect::<Vec<_>>(), "{seen:?}");
    let taker = ports.taker(json!({})).await;
    until("the rest", || taker.service().seen.lock().unwrap().len() + seen.len() == ALL as usize).await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pushes_behind_many_questions_arrive_although_nothing_is_answered_any_more() {
    let ports = Ports::new();
    let taker = ports.taker(json!({ "linger": "1s" })).await;
    let mut peer = greeted(ports.jobs, "PUSH").await;
    assert!(frame(&mut peer).await.starts_with(b"\x04PING"));
    let service = Arc::clone(taker.service());
    let stopping = tokio::spawn(taker.stop());
    let end = timeout(Duration::from_secs(20), peer.read_u8()).await.unwrap();
    assert!(end.is_err(), "nothing more is written");
    let all = [ping(b"").repeat(200), push(7)].concat();
    peer.write_all(&all).await.unwrap();
    assert_eq!(stopping.await.unwrap().unwrap().code, 0);
    assert_eq!(*service.seen.lock().unwrap(), [7]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_back_and_nobody_takes_any_more_is_told_as_lost() {
    let port = free_port();
    let jobs = |socket: &str| json!({ "jobs": { socket: format!("127.0.0.1:{port}") } });
    let addresses = json!({ "in": jobs("puller"), "out": jobs("pusher") });
    let settings: chassis::settings::Dict = json!({ "resources": { "zmq": { "addresses": addresses } } }).into();
    let sender = Sender::builder().settings(settings).start().await.unwrap();
    let zmq = &sender.service().zmq;
    let mut jobs = zmq.pull::<u64>("jobs").await.unwrap();
    let mut taken = Vec::new();
    for number in 0..5_u64 {
        zmq.push("jobs", &number).await.unwrap();
        taken.push(timeout(Duration::from_secs(20), jobs.next()).await.unwrap().unwrap().unwrap());
    }
    taken.pop().unwrap().ack().await.unwrap();
    // They come back, and once nobody takes them there is nowhere to go back to.
    drop(taken);
    drop(jobs);
    let logs = sender.logs();
    sender.stop().await.unwrap();
    let told = "0 messages that nobody pulled, and 4 that were to be tried again, are lost";
    assert!(logs.captured().iter().any(|line| line["message"] == told), "{:#?}", logs.captured());
}
