//! What ZeroMQ costs beside the crate `zeromq`, and beside services of the PyPI package `service-framework`: one socket
//! that connects and one that binds, over the loopback network, with as many at work on both sides.
//!
//! `cargo bench -p chassis-tests --features zeromq --bench zmq`; needs Python for the package, which it installs.
//! Sender and receiver are in this process, so the CPU time is that of both; of the Python package it is that of who asks.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use chassis::{Running, messaging::Zmq, prelude::*};
use chassis_tests::{Course, Lap, Pace, ServiceFramework, compare, free_port};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeromq::{PullSocket, PushSocket, RepSocket, ReqSocket, Socket as _, SocketRecv as _, SocketSend as _};

const ROUNDS: usize = 9;
const MESSAGES: u64 = 100_000;
const REQUESTS: u64 = 20_000;
const PYTHON_ROUNDS: usize = 3;
const PYTHON_REQUESTS: u64 = 3_000;
const LENGTH: usize = 256;

#[derive(Serialize, Deserialize)]
struct Item {
    text: String,
}

impl Item {
    fn new() -> Self {
        Self { text: "x".repeat(LENGTH) }
    }
}

/// Takes, and answers.
#[microservice]
struct Taker {
    #[resource]
    zmq: Zmq,
    course: Course,
}

#[microservice]
impl Taker {
    #[pull(zmq, "items")]
    async fn item(&self, item: Item) {
        assert_eq!(item.text.len(), LENGTH);
        self.course.one(MESSAGES);
    }

    #[reply(zmq, "echo")]
    async fn echo(&self, item: Item) -> Result<Item> {
        Ok(item)
    }
}

/// Only sends.
#[microservice]
struct Sender {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Sender {}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // On the workers, where services do their work as well.
    runtime.block_on(async { tokio::spawn(measure()).await.unwrap() });
}

async fn measure() {
    let (mut pushed, mut raw_pushed, mut asked, mut raw_asked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        raw_pushed.push(push_by_hand().await);
        pushed.push(push().await);
        raw_asked.push(ask_by_hand().await);
        asked.push(ask(REQUESTS).await);
    }
    println!("messages of {LENGTH} B: messages/s, and microseconds of CPU for each");
    compare("push and pull", ("zeromq", &raw_pushed), &pushed, 0.93);
    compare("request and response, one at a time", ("zeromq", &raw_asked), &asked, 0.93);
    let Some(python) = ServiceFramework::new() else { return };
    let (mut asked, mut asked_by_python) = (Vec::new(), Vec::new());
    for _ in 0..PYTHON_ROUNDS {
        let python = python.clone();
        asked_by_python.push(tokio::task::spawn_blocking(move || ask_by_python(&python)).await.unwrap());
        asked.push(ask(PYTHON_REQUESTS).await);
    }
    compare("request and response, one at a time", ("service-framework", &asked_by_python), &asked, 10.0);
}

/// Two services that know each other.
async fn pair() -> (Running<Taker>, Running<Sender>) {
    let addresses = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
    let settings = |addresses: Value| {
        json!({
            "logging": { "levels": { "chassis::message": "warn" } },
            "resources": { "zmq": { "addresses": addresses } },
        })
    };
    let inward = json!({ "in": { "items": { "puller": addresses[0] }, "echo": { "replyer": addresses[1] } } });
    let outward = json!({ "out": { "items": { "pusher": addresses[0] }, "echo": { "requester": addresses[1] } } });
    let taker = Taker::builder().settings(settings(inward)).start().await.unwrap();
    let sender = Sender::builder().settings(settings(outward)).start().await.unwrap();
    (taker, sender)
}

async fn push() -> Pace {
    let (taker, sender) = pair().await;
    let item = Item::new();
    for _ in 0..MESSAGES {
        sender.service().zmq.push("items", &item).await.unwrap();
    }
    let pace = taker.service().course.end().await;
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
    pace
}

async fn ask(requests: u64) -> Pace {
    let (taker, sender) = pair().await;
    let (item, zmq) = (Item::new(), &sender.service().zmq);
    let ask = async || {
        let answer: Item = zmq.request("echo", &item).await.unwrap();
        assert_eq!(answer.text.len(), LENGTH);
    };
    ask().await;
    let lap = Lap::begin();
    for _ in 0..requests {
        ask().await;
    }
    let pace = lap.end(requests);
    sender.stop().await.unwrap();
    taker.stop().await.unwrap();
    pace
}

async fn push_by_hand() -> Pace {
    let (mut puller, mut pusher) = (PullSocket::new(), PushSocket::new());
    let address = puller.bind("tcp://127.0.0.1:0").await.unwrap();
    pusher.connect(&address.to_string()).await.unwrap();
    let pulling = tokio::spawn(async move {
        let course = Course::default();
        for _ in 0..MESSAGES {
            let message = puller.recv().await.unwrap();
            assert_eq!(message.get(0).map(|part| part.len()), Some(LENGTH));
            course.one(MESSAGES);
        }
        course.end().await
    });
    let text = "x".repeat(LENGTH);
    for _ in 0..MESSAGES {
        pusher.send(text.clone().into()).await.unwrap();
    }
    pulling.await.unwrap()
}

async fn ask_by_hand() -> Pace {
    let (mut replyer, mut requester) = (RepSocket::new(), ReqSocket::new());
    let address = replyer.bind("tcp://127.0.0.1:0").await.unwrap();
    requester.connect(&address.to_string()).await.unwrap();
    let replying = tokio::spawn(async move {
        for _ in 0..=REQUESTS {
            let message = replyer.recv().await.unwrap();
            replyer.send(message).await.unwrap();
        }
        replyer
    });
    let text = "x".repeat(LENGTH);
    let mut ask = async || {
        requester.send(text.clone().into()).await.unwrap();
        let answer = requester.recv().await.unwrap();
        assert_eq!(answer.get(0).map(|part| part.len()), Some(LENGTH));
    };
    ask().await;
    let lap = Lap::begin();
    for _ in 0..REQUESTS {
        ask().await;
    }
    let pace = lap.end(REQUESTS);
    replying.await.unwrap();
    pace
}

/// A service that asks and one that answers, a process each; who asks measures itself in the same way.
fn ask_by_python(python: &ServiceFramework) -> Pace {
    let port = free_port();
    let address = |socket: &str| json!({ "echo": { socket: format!("127.0.0.1:{port}") } });
    let mut replyer = python.service("echo", &json!({ "in": address("replyer") })).start();
    replyer.port(port);
    let asker = python.main("asker", &json!({ "out": address("requester") }));
    let asker = asker.env("COUNT", PYTHON_REQUESTS.to_string()).env("LENGTH", LENGTH.to_string()).start();
    let said = asker.line("PEER pace");
    let mut figures = said.split(' ').skip(2).map(|figure| figure.parse().unwrap());
    Pace { rate: figures.next().unwrap(), cpu: figures.next().unwrap() }
}
