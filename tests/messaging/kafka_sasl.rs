//! Kafka by SASL: a broker that lets in only those it knows.

use std::sync::Arc;

use chassis::{Cause, messaging::kafka::KafkaEngine};
use chassis_tests::KafkaServer;
use serde_json::{Value, json};

use super::{
    place::Place,
    scene::Scene,
    services::{Job, Sender},
    sights::Sights,
};

struct BySasl(Value);

impl Place for BySasl {
    type Engine = KafkaEngine;

    fn settings(&self, space: &str) -> Value {
        let mut settings = self.0.clone();
        settings["topics_prefix"] = space.into();
        settings["group"] = space.into();
        settings
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_lets_in_who_it_knows_and_the_others_are_told_at_once() {
    let users = [("ann", "of-256", "scram256"), ("bob", "of-512", "scram512")];
    let Some(server) = KafkaServer::with_users(&users) else { return };
    let broker = |mechanism: &str, user: &str, password: &str| {
        let sasl = json!({ "mechanism": mechanism, "user": user, "password": password });
        json!({ "bootstrap_servers": server.servers(), "sasl": sasl, "lifecycle": { "start_timeout": "20s" } })
    };
    for (mechanism, user, password) in [("SCRAM-SHA-256", "ann", "of-256"), ("SCRAM-SHA-512", "bob", "of-512")] {
        let (scene, sights) = (Scene::new(&Arc::new(BySasl(broker(mechanism, user, password)))), Sights::default());
        let (sender, worker) = (scene.sender().await, scene.puller(&sights).await);
        sender.service().broker.push("jobs", &Job::new(1)).await.unwrap();
        sights.messages(1).await;
        worker.stop().await.unwrap();
        sender.stop().await.unwrap();
    }
    for (mechanism, user, password) in [("SCRAM-SHA-256", "ann", "of-512"), ("SCRAM-SHA-512", "nobody", "of-512")] {
        let settings = json!({ "resources": { "broker": broker(mechanism, user, password) } });
        let error = Sender::<KafkaEngine>::builder().settings(settings).start().await.err().unwrap();
        let told = format!("{error:#}");
        assert_eq!(error.cause(), Cause::Misconfigured, "{told}");
        assert!(told.contains("SASL SCRAM authentication failed") && !told.contains(password), "{told}");
    }
}
