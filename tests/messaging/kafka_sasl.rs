//! Kafka by SASL: a broker that lets in only those it knows.

use std::{sync::Arc, time::Duration};

use chassis::{Cause, messaging::kafka::KafkaEngine};
use chassis_tests::{KafkaServer, free_port};
use serde_json::json;
use tokio::{
    net::TcpListener,
    task::block_in_place,
    time::{sleep, timeout},
};

use super::{
    kafka_tls::LetIn,
    load::{lines, outages},
    scene::Scene,
    services::{Job, Sender},
    sights::Sights,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_lets_in_who_it_knows_and_the_others_are_told_at_once() {
    let users = [("ann", "of-256", "scram256"), ("bob", "of-512", "scram512")];
    let Some(server) = KafkaServer::with_users(&users) else { return };
    let broker = |mechanism: &str, user: &str, password: &str| {
        let sasl = json!({ "mechanism": mechanism, "user": user, "password": password });
        json!({ "bootstrap_servers": server.servers(), "sasl": sasl, "lifecycle": { "start_timeout": "20s" } })
    };
    for (mechanism, user, password) in [("SCRAM-SHA-256", "ann", "of-256"), ("SCRAM-SHA-512", "bob", "of-512")] {
        let (scene, sights) = (Scene::new(&Arc::new(LetIn(broker(mechanism, user, password)))), Sights::default());
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
    // Another one of the cluster, which is away or hangs up, may know the user when it is back.
    let hangs_up = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = hangs_up.local_addr().unwrap().port();
    let hanging_up = tokio::spawn(async move {
        loop {
            drop(hangs_up.accept().await);
        }
    });
    for other in [free_port(), silent] {
        let mut of_two = broker("SCRAM-SHA-256", "nobody", "of-256");
        of_two["bootstrap_servers"] = format!("{},127.0.0.1:{other}", server.servers()).into();
        of_two["lifecycle"]["start_timeout"] = "3s".into();
        let settings = json!({ "resources": { "broker": of_two } });
        let started = Sender::<KafkaEngine>::builder().settings(settings).start().await;
        let error = started.err().unwrap();
        assert_eq!(error.cause(), Cause::Unavailable, "{error:#}");
    }
    hanging_up.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_refused_while_it_runs_says_so_once_and_tries_on() {
    let Some(mut server) = KafkaServer::with_users(&[("ann", "of-256", "scram256")]) else { return };
    let sasl = json!({ "mechanism": "SCRAM-SHA-256", "user": "ann", "password": "of-256" });
    let place = LetIn(json!({ "bootstrap_servers": server.servers(), "sasl": sasl }));
    let scene = Scene::new(&Arc::new(place));
    let sender = scene.sender().await;
    sender.service().broker.push("jobs", &Job::new(1)).await.unwrap();
    let of = |part: &str| lines(sender.logs().captured()).into_iter().filter(|line| line.contains(part)).count();
    let until = async |what: &str, holds: &dyn Fn() -> bool| {
        let held = timeout(Duration::from_secs(60), async {
            while !holds() {
                sleep(Duration::from_millis(20)).await;
            }
        });
        assert!(held.await.is_ok(), "{what}: {:#?}", lines(sender.logs().captured()));
    };
    block_in_place(|| server.rename_users());
    until("a line", &|| of("refuses this service") == 1).await;
    until("why it is not ready", &|| {
        let health = sender.view().readiness();
        health.output().is_some_and(|why| why.contains("resource `broker`: ") && why.contains("unknown-user"))
    })
    .await;
    sleep(Duration::from_secs(3)).await;
    assert_eq!(of("refuses this service"), 1);
    block_in_place(|| server.rename_users());
    sender.service().broker.push("jobs", &Job::new(2)).timeout(Duration::from_secs(60)).await.unwrap();
    until("the end", &|| outages(sender.logs().captured()) == (1, 1)).await;
    sender.stop().await.unwrap();
}
