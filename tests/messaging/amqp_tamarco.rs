//! A service written in Python with Tamarco, as it comes from PyPI, at the same RabbitMQ: all patterns, both ways.
//!
//! It needs an old Python; `cargo xtask setup` makes an environment for it where there is one.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use chassis::messaging::amqp::AmqpEngine;
use chassis_tests::{Program, RabbitServer, free_port};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::{place::Place, scene::Scene, services::Job, sights::Sights};

/// A broker, with Tamarco's settings of it.
struct Shared(Value);

impl Place for Shared {
    type Engine = AmqpEngine;

    fn settings(&self, _: &str) -> Value {
        self.0.clone()
    }
}

/// The Python service.
struct Peer {
    _process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn python() -> Option<PathBuf> {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.join("target");
        let python = target.join("tamarco/bin/python");
        let found = python.is_file().then_some(python);
        if found.is_none() {
            eprintln!("left out: there is no Python 3.7 with Tamarco; `cargo xtask setup` makes one where it can");
        }
        found
    }

    async fn start(python: &Path, amqp: &Value, folder: &Path) -> Self {
        let settings = Self::settings(amqp);
        let file = folder.join("settings.yml");
        std::fs::write(&file, settings.to_string()).unwrap();
        let mut peer = Self::run(python, "peer", &file);
        peer.says("ready").await;
        peer
    }

    fn settings(amqp: &Value) -> Value {
        let quiet = json!({ "profile": "PRODUCTION", "file": false, "stdout": true });
        json!({ "system": {
            "deploy_name": "test",
            "logging": quiet,
            "microservices": { "peer": { "logging": quiet } },
            "resources": { "amqp": amqp },
        } })
    }

    /// A service of `tests/peers/tamarco`, with that file of settings.
    fn run(python: &Path, name: &str, settings: &Path) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("peers/tamarco/{name}.py"));
        let mut command = Command::new(python);
        command.arg(script).env("TAMARCO_YML_FILE", settings).kill_on_drop(true);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (to, from) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        Self { _process: process, to, from: BufReader::new(from).lines() }
    }

    /// Waits until it says that.
    async fn says(&mut self, expected: &str) {
        let says = async {
            while let Some(line) = self.from.next_line().await.unwrap() {
                if line.trim() == expected {
                    return;
                }
            }
            panic!("it has ended");
        };
        timeout(Duration::from_secs(30), says).await.unwrap_or_else(|_| panic!("it does not say `{expected}`"));
    }

    async fn does(&mut self, what: &str) {
        self.to.write_all(format!("{what}\n").as_bytes()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tamarco_service_and_ours_understand_each_other() {
    let Some(python) = Peer::python() else { return };
    let Some(server) = RabbitServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    // One section of settings for both.
    let amqp = json!({
        "host": "127.0.0.1", "port": server.port(), "vhost": "/", "user": "guest", "password": "guest",
        "connection_timeout": 5, "queues_prefix": "shop",
    });
    let mut peer = Peer::start(&python, &amqp, folder.path()).await;
    let (scene, sights) = (Scene::new(&Arc::new(Shared(amqp))), Sights::default());
    let (worker, subscriber) = (scene.worker(&sights).await, scene.subscriber(&sights).await);
    let (replyer, sender) = (scene.replyer(&sights).await, scene.sender().await);
    let broker = &sender.service().broker;

    broker.push("theirs", &Job::new(1)).await.unwrap();
    peer.says("pulled 1").await;
    broker.publish("news", &Job::new(2)).await.unwrap();
    peer.says("read 2").await;
    let answer: u64 = broker.request("theirs_double", &Job::new(21)).await.unwrap();
    assert_eq!(answer, 42);

    peer.does("push 3").await;
    peer.does("publish 4").await;
    sights.until("what it sent", |seen| [3, 4].iter().all(|id| seen.iter().any(|sight| sight.id == *id))).await;
    peer.does("ask 5").await;
    peer.says("answered 10").await;
    for stopped in [worker.stop().await, subscriber.stop().await, replyer.stop().await, sender.stop().await] {
        stopped.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_stands_among_tamarco_services_with_their_file_of_settings() {
    let Some(python) = Peer::python() else { return };
    let Some(server) = RabbitServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let settings = include_str!("../../examples/tamarco_peer/settings.yml");
    let file = folder.path().join("settings.yml");
    std::fs::write(&file, settings.replace("5672", &server.port().to_string())).unwrap();
    let example = Program::example("tamarco_peer").arg("--settings").arg(&file);
    let example = example.set("resources.status.port", free_port()).start();
    example.line("running, started in");
    let mut shop = Peer::run(&python, "shop", &file);
    shop.says("price apple 450").await;
    shop.says("billed 7").await;
    example.line("order 7 is billed");
    example.terminate();
    let exit = example.wait();
    assert_eq!(exit.code, Some(0), "{}", exit.stdout);
}
