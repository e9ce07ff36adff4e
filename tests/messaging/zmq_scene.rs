//! Services at the sockets of ZeroMQ, and peers that speak to them byte by byte.

use std::{sync::Mutex, time::Duration};

use chassis::{
    Running,
    codec::{Codec as _, MessagePack},
    messaging::Zmq,
    prelude::*,
};
use chassis_tests::free_port;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// Takes by every kind of socket.
#[microservice(name = "taker")]
pub(crate) struct Taker {
    #[resource]
    pub(crate) zmq: Zmq,
    pub(crate) seen: Mutex<Vec<u64>>,
    /// How long a job takes.
    pub(crate) pace: Duration,
}

#[microservice]
impl Taker {
    #[reply(zmq, "double", concurrency = 4, quiet)]
    async fn double(&self, number: u64) -> Result<u64> {
        Ok(number * 2)
    }

    #[pull(zmq, "jobs", quiet)]
    async fn job(&self, number: u64) {
        if !self.pace.is_zero() {
            sleep(self.pace).await;
        }
        self.seen.lock().unwrap().push(number);
    }

    #[subscribe(zmq, "news", quiet)]
    async fn news(&self, number: u64) {
        self.seen.lock().unwrap().push(number);
    }
}

/// Only sends.
#[microservice(name = "sender")]
pub(crate) struct Sender {
    #[resource]
    pub(crate) zmq: Zmq,
}

#[microservice]
impl Sender {}

#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) double: u16,
    pub(crate) jobs: u16,
    pub(crate) news: u16,
}

impl Ports {
    pub(crate) fn new() -> Self {
        Self { double: free_port(), jobs: free_port(), news: free_port() }
    }

    /// The taker binds everything, so that anybody can come.
    pub(crate) fn settings(
        self,
        side: &str,
        [reply, pull, subscribe]: [&str; 3],
        more: Value,
    ) -> chassis::settings::Dict {
        let at = |socket: &str, port: u16| json!({ socket: format!("127.0.0.1:{port}") });
        let sockets =
            json!({ "double": at(reply, self.double), "jobs": at(pull, self.jobs), "news": at(subscribe, self.news) });
        let mut zmq = json!({
            "addresses": { side: sockets },
            "connections": { "news": { "is_binder": true } },
            "wait_after_creation": "2s",
            "max_reconnect_interval": "100ms",
        });
        if let (Value::Object(zmq), Value::Object(more)) = (&mut zmq, more) {
            zmq.extend(more);
        }
        json!({ "resources": { "zmq": zmq } }).into()
    }

    pub(crate) async fn taker(self, more: Value) -> Running<Taker> {
        let settings = self.settings("in", ["replyer", "puller", "subscriber"], more);
        Taker::builder().settings(settings).start().await.unwrap()
    }

    pub(crate) async fn sender(self, more: Value) -> Running<Sender> {
        let settings = self.settings("out", ["requester", "pusher", "publisher"], more);
        Sender::builder().settings(settings).start().await.unwrap()
    }
}

/// A connection that has begun well, as a socket of that kind.
pub(crate) async fn greeted(port: u16, kind: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    shake_hands(&mut stream, kind).await;
    stream
}

pub(crate) async fn shake_hands(stream: &mut TcpStream, kind: &str) {
    stream.write_all(&greeting("NULL")).await.unwrap();
    let mut ready = b"\x05READY\x0bSocket-Type\0\0\0".to_vec();
    ready.push(kind.len() as u8);
    ready.extend(kind.as_bytes());
    stream.write_all(&[4, ready.len() as u8]).await.unwrap();
    stream.write_all(&ready).await.unwrap();
    let mut theirs = [0; 66];
    stream.read_exact(&mut theirs).await.unwrap();
    let mut rest = vec![0; usize::from(theirs[65])];
    stream.read_exact(&mut rest).await.unwrap();
}

pub(crate) fn greeting(mechanism: &str) -> [u8; 64] {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
    greeting
}

/// The question whether anybody is there, as a frame.
pub(crate) fn ping(context: &[u8]) -> Vec<u8> {
    [&[4, 7 + context.len() as u8], &b"\x04PING\0\0"[..], context].concat()
}

/// A push, as a frame.
pub(crate) fn push(number: u64) -> Vec<u8> {
    let body = MessagePack.encode(&json!({ "args": number, "workflow_id": null })).unwrap();
    [&[0, body.len() as u8], &body[..]].concat()
}

/// Everything still works.
pub(crate) async fn all_is_well(taker: &Running<Taker>, sender: &Running<Sender>) {
    let zmq = &sender.service().zmq;
    let answer: u64 = zmq.request("double", &21_u64).await.unwrap();
    assert_eq!(answer, 42);
    taker.service().seen.lock().unwrap().clear();
    zmq.push("jobs", &7_u64).await.unwrap();
    zmq.publish("news", &8_u64).await.unwrap();
    until("a push and a publication", || taker.service().seen.lock().unwrap().len() == 2).await;
}

pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

pub(crate) fn warnings<S: chassis::Microservice>(running: &Running<S>, text: &str) -> usize {
    let lines = running.logs().captured();
    lines.iter().filter(|line| line["message"].as_str().unwrap_or_default().contains(text)).count()
}

/// The next frame, however long.
pub(crate) async fn frame(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let reading = async {
        let length = match stream.read_u8().await.unwrap() & 2 {
            0 => u64::from(stream.read_u8().await.unwrap()),
            _ => stream.read_u64().await.unwrap(),
        };
        let mut body = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        body
    };
    timeout(Duration::from_secs(20), reading).await.unwrap()
}
