//! The registry and discovery by etcds of every kind: with TLS, with users, three of them; and with people who delete keys.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use chassis::{
    discovery::{Discovery, Instances},
    prelude::*,
    settings::{Dict, Etcd},
};
use chassis_tests::{Certificates, EtcdServer, no_leaks};

/// Registers itself, and looks for itself.
#[microservice(name = "prices")]
struct Prices {
    #[resource]
    discovery: Discovery,
}

#[microservice]
impl Prices {}

async fn prices(etcd: Etcd, ttl: &str) -> chassis::Running<Prices> {
    let settings = Dict::new().set("resources.registry.enabled", true).set("resources.registry.ttl", ttl);
    let settings = settings.set("lifecycle.health_interval", "50ms");
    Prices::builder().settings(settings).source(etcd).start().await.unwrap()
}

fn instances(running: &chassis::Running<Prices>) -> Instances {
    running.service().discovery.service("prices")
}

/// Waits until it is true, for at most 30 s.
async fn until(what: &str, mut is_true: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_true() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

fn keys(server: &EtcdServer, identity: &[&str]) -> Vec<String> {
    let asked = [identity, &["get", "--prefix", "/system/discovery/", "--keys-only"]].concat();
    server.ctl(&asked).split_whitespace().map(str::to_owned).collect()
}

fn lines(running: &chassis::Running<Prices>, text: &str) -> usize {
    running.logs().captured().iter().filter(|line| line["message"].to_string().contains(text)).count()
}

#[test]
fn a_key_that_somebody_deletes_is_written_again_while_the_lease_lives() {
    let Some(mut server) = EtcdServer::start() else { return };
    no_leaks(async move {
        // So long that it is not the end of the lease that brings it back.
        let running = prices(Etcd::new([server.url()]), "60s").await;
        let found = instances(&running);
        until("registered", || found.instances().len() == 1).await;
        let before = keys(&server, &[]);
        for round in 1..=3 {
            server.delete(&before[0]);
            let took = until("registered again", || keys(&server, &[]) == before).await;
            assert!(took < Duration::from_secs(2), "{took:?}");
            until("told", || lines(&running, "was deleted in etcd, and is written again") == round).await;
        }
        until("found", || found.instances().len() == 1).await;
        // Also by another connection.
        server.kill();
        server.restart();
        server.delete(&before[0]);
        until("registered again", || keys(&server, &[]) == before).await;
        assert_eq!(lines(&running, "not registered in etcd"), 0);
        running.stop().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(keys(&server, &[]), [""; 0]);
    });
}

#[test]
fn instances_register_and_are_found_by_tls() {
    let certificates = Certificates::make();
    let file = |name: &str| certificates.path(name);
    let server = EtcdServer::with_tls(&file("ca.pem"), &file("server.pem"), &file("server.key"), true);
    let Some(server) = server else { return };
    server.wait();
    let certificates = (file("ca.pem"), file("client.pem"), file("client.key"));
    no_leaks(async move {
        let (authority, certificate, key) = &certificates;
        let etcd = || Etcd::new([server.url()]).ca_file(authority).client_certificate(certificate, key);
        let (one, other) = (prices(etcd(), "2s").await, prices(etcd(), "2s").await);
        let found = instances(&one);
        until("both", || found.instances().len() == 2).await;
        server.delete(&keys(&server, &[])[0]);
        until("both again", || keys(&server, &[]).len() == 2).await;
        other.stop().await.unwrap();
        until("one", || found.instances().len() == 1).await;
        one.stop().await.unwrap();
        assert_eq!(keys(&server, &[]), [""; 0]);
    });
}

#[test]
fn instances_register_and_are_found_by_users_with_that_right_alone() {
    let Some(server) = EtcdServer::start() else { return };
    for command in [
        "user add root:hunter3",
        "user add prices:hunter2",
        "user add reader:hunter2",
        "role add reads",
        "role grant-permission reads --prefix=true read /system/",
        "role add registers",
        "role grant-permission registers --prefix=true readwrite /system/discovery/prices/",
        "user grant-role prices reads",
        "user grant-role prices registers",
        "user grant-role reader reads",
        "auth enable",
    ] {
        server.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    no_leaks(async move {
        let etcd = |user: &str| Etcd::new([server.url()]).user(user, "hunter2");
        let root: &[&str] = &["--user=root:hunter3"];
        let running = prices(etcd("prices"), "2s").await;
        let found = instances(&running);
        until("registered", || found.instances().len() == 1).await;
        server.ctl(&[root, &["del", &keys(&server, root)[0]]].concat());
        until("registered again", || keys(&server, root).len() == 1).await;
        // One that may only read says so, and does its work.
        let reader = prices(etcd("reader"), "2s").await;
        let warned = || reader.view().readiness().output().is_some_and(|why| why.contains("does not let this user"));
        until("told", warned).await;
        let found = instances(&reader);
        until("found", || found.instances().len() == 1).await;
        assert_eq!(reader.view().readiness().status().to_string(), "warn");
        reader.stop().await.unwrap();
        running.stop().await.unwrap();
        assert_eq!(keys(&server, root), [""; 0]);
    });
}

#[test]
fn nobody_is_missed_when_the_leader_of_three_dies() {
    let Some(mut servers) = EtcdServer::cluster() else { return };
    no_leaks(async move {
        let urls: Vec<String> = servers.iter().map(EtcdServer::url).collect();
        let etcd = || Etcd::new(urls.clone());
        let (one, other) = (prices(etcd(), "5s").await, prices(etcd(), "5s").await);
        let found = instances(&one);
        until("both", || found.instances().len() == 2).await;
        let before = keys(&servers[0], &[]);
        for _ in 0..2 {
            let leader = servers.iter().position(EtcdServer::leads).unwrap();
            servers[leader].kill();
            let alive = &servers[(leader + 1) % 3];
            // For longer than the lease lives without being renewed.
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_secs(7) {
                assert_eq!(found.instances().len(), 2);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            alive.wait();
            assert_eq!(keys(alive, &[]), before);
            // Whoever comes and goes meanwhile is seen, and so is what is deleted.
            let third = prices(etcd(), "5s").await;
            until("all three", || found.instances().len() == 3).await;
            third.stop().await.unwrap();
            until("two", || found.instances().len() == 2).await;
            alive.delete(&before[0]);
            until("written again", || keys(alive, &[]) == before).await;
            servers[leader].restart();
        }
        other.stop().await.unwrap();
        until("one", || found.instances().len() == 1).await;
        one.stop().await.unwrap();
    });
}

#[test]
fn a_program_is_seen_by_etcdctl_for_as_long_as_it_runs() {
    let Some(server) = EtcdServer::start() else { return };
    let lab = chassis_tests::Program::at(Path::new(env!("CARGO_BIN_EXE_lab")));
    let lab = lab.env("CHASSIS_ETCD_ENDPOINTS", server.url()).set("resources.status.port", 0);
    let lab = lab.set("resources.registry.enabled", true).start();
    let begun = Instant::now();
    while keys(&server, &[]).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not registered");
        std::thread::sleep(Duration::from_millis(10));
    }
    let shown = server.ctl(&["get", "--prefix", "/system/discovery/lab/"]);
    assert!(shown.contains("\"address\":") && shown.contains("\"port\":"), "{shown}");
    lab.terminate();
    assert_eq!(lab.wait().code, Some(0));
    assert_eq!(keys(&server, &[]), [""; 0]);
}
