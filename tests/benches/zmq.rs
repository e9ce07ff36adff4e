//! What ZeroMQ costs beside the crate `zeromq`, and beside services of the PyPI package `service-framework`: one socket
//! that connects and one that binds, over the loopback network, with as many at work on both sides. The crate carries the
//! same bytes, written and read by hand as peers of that package do it; and, for how far the format itself is from nothing,
//! bare text.
//!
//! `cargo bench -p chassis-tests --no-default-features --features zeromq --bench zmq`; needs Python for the package, which
//! it installs. Sender and receiver are in this process, so the CPU time is that of both, from the first push to the last message
//! handled; of the Python package it is that of who asks.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

use std::{borrow::Cow, sync::Arc};

use chassis::{Running, messaging::Zmq, prelude::*};
use chassis_tests::{Course, Lap, Pace, ServiceFramework, compare, free_port};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use zeromq::{PullSocket, PushSocket, RepSocket, ReqSocket, Socket as _, SocketRecv as _, SocketSend as _, ZmqMessage};

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

/// A call and an answer as they are on the wire.
#[derive(Serialize, Deserialize)]
struct Call<'a> {
    args: Item,
    #[serde(borrow)]
    workflow_id: WorkflowId<'a>,
}

#[derive(Serialize, Deserialize)]
struct Answer<'a> {
    return_args: Item,
    #[serde(borrow)]
    workflow_id: WorkflowId<'a>,
}

#[derive(Serialize, Deserialize)]
struct WorkflowId<'a> {
    __uuid__: bool,
    #[serde(borrow)]
    as_str: Cow<'a, str>,
}

impl WorkflowId<'_> {
    fn new(number: u64) -> Self {
        Self { __uuid__: true, as_str: format!("0f8fad5b-d9cb-469f-a165-{number:012x}").into() }
    }
}

/// What the crate is given to carry.
#[derive(Clone, Copy)]
enum Format {
    Bare,
    OfPeers,
}

impl Format {
    fn call(self, number: u64, item: &mut Item) -> ZmqMessage {
        match self {
            Self::Bare => item.text.clone().into(),
            Self::OfPeers => {
                let args = std::mem::replace(item, Item { text: String::new() });
                let call = Call { args, workflow_id: WorkflowId::new(number) };
                let message = rmp_serde::to_vec_named(&call).unwrap();
                *item = call.args;
                message.into()
            }
        }
    }

    /// The answer to a call, which is read for it.
    fn answer(self, call: &ZmqMessage) -> ZmqMessage {
        let frame = call.get(0).unwrap();
        match self {
            Self::Bare => frame.clone().into(),
            Self::OfPeers => {
                let Call { args, workflow_id } = rmp_serde::from_slice(frame).unwrap();
                rmp_serde::to_vec_named(&Answer { return_args: args, workflow_id }).unwrap().into()
            }
        }
    }

    /// Reads what came, as who takes it does.
    fn check<'a, T: Deserialize<'a>>(self, message: &'a ZmqMessage, item: impl FnOnce(T) -> Item) {
        let frame = message.get(0).unwrap();
        let length = match self {
            Self::Bare => frame.len(),
            Self::OfPeers => item(rmp_serde::from_slice(frame).unwrap()).text.len(),
        };
        assert_eq!(length, LENGTH);
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
    #[pull(zmq, "items", prefetch = 200)]
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
    let (mut pushed, mut asked) = (Vec::new(), Vec::new());
    let [mut by_hand, mut bare]: [(Vec<_>, Vec<_>); 2] = Default::default();
    for _ in 0..ROUNDS {
        for (format, (pushed, asked)) in [(Format::OfPeers, &mut by_hand), (Format::Bare, &mut bare)] {
            pushed.push(push_by_hand(format).await);
            asked.push(ask_by_hand(format).await);
        }
        pushed.push(push().await);
        asked.push(ask(REQUESTS).await);
    }
    println!("messages of {LENGTH} B: messages/s, and microseconds of CPU for each");
    for (beside, (raw_pushed, raw_asked)) in [("zeromq, the same bytes", by_hand), ("zeromq, bare text", bare)] {
        compare("push and pull", (beside, &raw_pushed), &pushed, 0.93);
        compare("request and response, one at a time", (beside, &raw_asked), &asked, 0.93);
    }
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
    taker.service().course.begin();
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

async fn push_by_hand(format: Format) -> Pace {
    let (mut puller, mut pusher) = (PullSocket::new(), PushSocket::new());
    let address = puller.bind("tcp://127.0.0.1:0").await.unwrap();
    pusher.connect(&address.to_string()).await.unwrap();
    let course = Arc::new(Course::default());
    let pulled = Arc::clone(&course);
    let pulling = tokio::spawn(async move {
        for _ in 0..MESSAGES {
            format.check(&puller.recv().await.unwrap(), |call: Call<'_>| call.args);
            pulled.one(MESSAGES);
        }
    });
    let mut item = Item::new();
    course.begin();
    for number in 0..MESSAGES {
        pusher.send(format.call(number, &mut item)).await.unwrap();
    }
    pulling.await.unwrap();
    course.end().await
}

async fn ask_by_hand(format: Format) -> Pace {
    let (mut replyer, mut requester) = (RepSocket::new(), ReqSocket::new());
    let address = replyer.bind("tcp://127.0.0.1:0").await.unwrap();
    requester.connect(&address.to_string()).await.unwrap();
    let replying = tokio::spawn(async move {
        for _ in 0..=REQUESTS {
            let call = replyer.recv().await.unwrap();
            replyer.send(format.answer(&call)).await.unwrap();
        }
        replyer
    });
    let mut item = Item::new();
    let mut ask = async |number| {
        requester.send(format.call(number, &mut item)).await.unwrap();
        format.check(&requester.recv().await.unwrap(), |answer: Answer<'_>| answer.return_args);
    };
    ask(0).await;
    let lap = Lap::begin();
    for number in 0..REQUESTS {
        ask(number).await;
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
