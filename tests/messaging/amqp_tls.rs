//! RabbitMQ by TLS.

use std::sync::Arc;

use chassis::{Cause, messaging::amqp::AmqpEngine};
use chassis_tests::{Certificates, RabbitServer, free_port};
use serde_json::{Value, json};

use super::{
    place::Place,
    scene::Scene,
    services::{Job, Sender},
    sights::Sights,
};

struct ByTls(Value);

impl Place for ByTls {
    type Engine = AmqpEngine;

    fn settings(&self, _: &str) -> Value {
        self.0.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_is_spoken_to_by_tls_and_is_asked_who_it_is() {
    let (certificates, port) = (Certificates::make(), free_port());
    let file = |name: &str| certificates.path(name).display().to_string();
    let lines = [
        format!("listeners.ssl.1 = 127.0.0.1:{port}"),
        format!("ssl_options.cacertfile = {}", file("ca.pem")),
        format!("ssl_options.certfile = {}", file("server.pem")),
        format!("ssl_options.keyfile = {}", file("server.key")),
        "ssl_options.verify = verify_peer".to_owned(),
        "ssl_options.fail_if_no_peer_cert = true".to_owned(),
    ];
    let Some(_server) = RabbitServer::with(&lines.join("\n")) else { return };
    let own = json!({ "ca": file("ca.pem"), "certificate": file("client.pem"), "key": file("client.key") });
    let (scene, sights) = (Scene::new(&Arc::new(ByTls(json!({ "port": port, "tls": own })))), Sights::default());
    let (sender, worker) = (scene.sender().await, scene.worker(&sights).await);
    sender.service().broker.push("jobs", &Job::new(1)).await.unwrap();
    sights.messages(1).await;
    worker.stop().await.unwrap();
    sender.stop().await.unwrap();
    let strangers = json!({ "ca": file("stranger.pem"), "certificate": file("client.pem"), "key": file("client.key") });
    let missing = json!({ "ca": file("nobody.pem") });
    for (tls, told) in [(strangers, "certificate"), (missing, "nobody.pem` cannot be read")] {
        let settings = json!({ "resources": { "broker": { "port": port, "tls": tls } } });
        let error = Sender::<AmqpEngine>::builder().settings(settings).start().await.err().unwrap();
        assert_eq!(error.cause(), Cause::Misconfigured, "{error:#}");
        assert!(format!("{error:#}").contains(told), "{error:#}");
    }
}
