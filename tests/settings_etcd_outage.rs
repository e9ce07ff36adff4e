//! Settings in etcd while etcd is killed, cut off, compacted, put back, and led by another: the last values stay, and
//! what is there afterwards is seen.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    thread,
    time::{Duration, Instant},
};

use chassis::{prelude::*, settings::Etcd};
use chassis_tests::{EtcdServer, Followed, Proxy};

#[test]
fn a_crash_is_survived_and_what_was_deleted_meanwhile_is_gone() {
    let Some(mut server) = EtcdServer::start() else { return };
    let proxy = Proxy::to(server.port());
    server.put("/system/a/kept", "1");
    server.put("/system/a/deleted", "1");
    server.put("/system/a/changed", "1");
    let followed = Followed::begin(Etcd::new([proxy.url()]));
    assert_eq!(followed.value("a", "kept"), Some(1));

    server.kill();
    followed.is_well(false);
    assert_eq!((followed.value("a", "kept"), followed.value("a", "deleted")), (Some(1), Some(1)));
    assert!(followed.complaint().is_some_and(|why| why.contains(&proxy.url())), "{:?}", followed.complaint());

    // The source is still cut off while somebody writes.
    proxy.cut();
    server.restart();
    server.delete("/system/a/deleted");
    server.put("/system/a/changed", "2");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(followed.value("a", "changed"), Some(1));
    proxy.heal();
    followed.becomes("a", "changed", Some(2));
    assert_eq!((followed.value("a", "kept"), followed.value("a", "deleted")), (Some(1), None));
    followed.is_well(true);
    server.put("/system/a/kept", "2");
    followed.becomes("a", "kept", Some(2));
}

#[test]
fn what_was_compacted_while_it_was_cut_off_is_read_anew() {
    let Some(server) = EtcdServer::start() else { return };
    let proxy = Proxy::to(server.port());
    server.put("/system/a/b", "0");
    let followed = Followed::begin(Etcd::new([proxy.url()]));
    assert_eq!(followed.value("a", "b"), Some(0));
    for round in 1..=3 {
        proxy.cut();
        for value in 0..10 {
            server.put("/system/a/b", &(round * 100 + value).to_string());
        }
        server.ctl(&["compact", &server.revision().to_string()]);
        proxy.heal();
        followed.becomes("a", "b", Some(round * 100 + 9));
    }
}

#[test]
fn a_connection_that_says_nothing_any_more_is_noticed() {
    let Some(server) = EtcdServer::start() else { return };
    let proxy = Proxy::to(server.port());
    server.put("/system/a/b", "1");
    let followed = Followed::begin(Etcd::new([proxy.url()]));
    assert_eq!(followed.value("a", "b"), Some(1));
    proxy.swallow();
    let began = Instant::now();
    followed.is_well(false);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    server.put("/system/a/b", "2");
    proxy.heal();
    followed.becomes("a", "b", Some(2));
    followed.is_well(true);
}

#[test]
fn another_endpoint_takes_over() {
    let Some(server) = EtcdServer::start() else { return };
    let (one, other) = (Proxy::to(server.port()), Proxy::to(server.port()));
    server.put("/system/a/b", "1");
    one.swallow();
    let followed = Followed::begin(Etcd::new([one.url(), other.url()]));
    assert_eq!(followed.value("a", "b"), Some(1));
    one.heal();
    for value in 2..6 {
        let (gone, there) = if value % 2 == 0 { (&other, &one) } else { (&one, &other) };
        there.heal();
        gone.cut();
        server.put("/system/a/b", &value.to_string());
        followed.becomes("a", "b", Some(value));
    }
    assert_eq!(followed.complaint(), None);
}

#[test]
fn an_etcd_that_is_put_back_to_an_older_state_is_followed() {
    let Some(mut server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    server.put("/system/a/b", "1");
    server.snapshot(&file);
    server.put("/system/a/b", "2");
    server.put("/system/a/c", "2");
    let followed = Followed::begin(Etcd::new([server.url()]));
    assert_eq!((followed.value("a", "b"), followed.value("a", "c")), (Some(2), Some(2)));
    server.restore(&file);
    followed.becomes("a", "b", Some(1));
    assert_eq!(followed.value("a", "c"), None);
    server.put("/system/a/b", "3");
    followed.becomes("a", "b", Some(3));
}

#[test]
fn the_leader_of_three_may_change() {
    let Some(mut servers) = EtcdServer::cluster() else { return };
    servers[0].put("/system/a/b", "0");
    let followed = Followed::begin(Etcd::new(servers.iter().map(EtcdServer::url)));
    assert_eq!(followed.value("a", "b"), Some(0));
    for value in 1..=3 {
        let leader = servers.iter().position(EtcdServer::leads).unwrap();
        servers[leader].kill();
        let other = &servers[(leader + 1) % 3];
        other.wait();
        other.put("/system/a/b", &value.to_string());
        followed.becomes("a", "b", Some(value));
        servers[leader].restart();
    }
    // Handed over by itself, without anybody dying.
    let leader = servers.iter().position(EtcdServer::leads).unwrap();
    let heir = servers[(leader + 1) % 3].member();
    servers[leader].ctl(&["move-leader", &heir]);
    servers[leader].put("/system/a/b", "4");
    followed.becomes("a", "b", Some(4));
    followed.is_well(true);
}

#[test]
fn a_token_that_expires_is_renewed() {
    let Some(server) = EtcdServer::with(&["--auth-token-ttl=2"]) else { return };
    server.put("/system/a/b", "1");
    for command in ["user add root:x", "auth enable"] {
        server.ctl(&command.split(' ').collect::<Vec<_>>());
    }
    let put = |value: &str| server.ctl(&["--user=root:x", "put", "/system/a/b", value]);
    let proxy = Proxy::to(server.port());
    let followed = Followed::begin(Etcd::new([proxy.url()]).user("root", "x"));
    assert_eq!(followed.value("a", "b"), Some(1));
    thread::sleep(Duration::from_secs(4));
    put("2");
    followed.becomes("a", "b", Some(2));
    proxy.cut();
    put("3");
    proxy.heal();
    followed.becomes("a", "b", Some(3));
}

/// Reads etcd, and is ready.
#[microservice(name = "orders")]
struct Orders {}

#[microservice]
impl Orders {}

#[test]
fn a_service_goes_on_without_etcd_and_says_so_once() {
    let Some(mut server) = EtcdServer::start() else { return };
    server.put("/system/deploy_name", "\"from-etcd\"");
    chassis_tests::no_leaks(async move {
        let running = Orders::builder().source(Etcd::new([server.url()])).start().await.unwrap();
        let status = running.status();
        let ready = || async {
            let answer = status.get("/readyz").await.unwrap();
            let body: serde_json::Value = answer.json().unwrap();
            (answer.status().as_u16(), body)
        };
        let (code, body) = ready().await;
        assert_eq!((code, body["status"].as_str()), (200, Some("pass")));
        let lines = |text: &str| {
            running.logs().captured().iter().filter(|line| line["message"].to_string().contains(text)).count()
        };
        for round in 1..=2 {
            server.kill();
            let (mut code, mut body) = ready().await;
            while body["status"] == "pass" {
                tokio::time::sleep(Duration::from_millis(10)).await;
                (code, body) = ready().await;
            }
            assert_eq!((code, body["status"].as_str()), (200, Some("warn")), "{body}");
            assert!(body["output"].as_str().unwrap().contains("connection refused"), "{body}");
            assert_eq!(body["checks"]["etcd:settings"][0]["status"], "warn");
            let answer = status.get("/status").await.unwrap();
            let body: serde_json::Value = answer.json().unwrap();
            let etcd = &body["etcd:settings"];
            assert_eq!((answer.status().as_u16(), &etcd["status"], &etcd["health"]), (200, &2.into(), &"warn".into()));
            assert!(etcd["output"].as_str().unwrap().contains("connection refused"), "{body}");
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(lines("etcd is lost"), round, "{:?}", running.logs().captured());
            server.restart();
            while ready().await.1["status"] == "warn" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(lines("etcd is there"), round);
            let body: serde_json::Value = status.get("/status").await.unwrap().json().unwrap();
            assert!(body["etcd:settings"].is_null(), "{body}");
        }
        assert!(!running.context().shutdown().is_triggered());
        running.stop().await.unwrap();
    });
}
