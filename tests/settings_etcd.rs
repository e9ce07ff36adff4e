//! Settings in etcd, by real servers: what is read, what is wrong with it, and what changes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    thread,
    time::{Duration, Instant},
};

use chassis::settings::{Etcd, Source};
use chassis_tests::{EtcdServer, Followed, no_leaks};

#[test]
fn the_tree_below_the_prefix_is_read_and_followed() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/resources/http/port", "8080");
    server.put("/systems/resources/http/port", "1");
    let followed = Followed::begin(Etcd::new([server.url()]));
    let origin = format!("etcd /system/resources/http/port rev {}", server.revision() - 1);
    assert_eq!(followed.number("resources.http", "port"), Some((8080, origin)));

    server.put("/system/resources/http/port", "8081");
    followed.becomes("resources.http", "port", Some(8081));
    server.delete("/system/resources/http/port");
    followed.becomes("resources.http", "port", None);
    assert_eq!(followed.complaint(), None);
}

#[test]
fn another_prefix_is_another_tree() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/a/b", "1");
    server.put("/prod/system/a/b", "2");
    let followed = Followed::begin(Etcd::new([server.url()]).prefix("prod/system/"));
    assert_eq!(followed.value("a", "b"), Some(2));
}

#[test]
fn a_source_leaves_nothing_behind() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/a/b", "1");
    no_leaks(async {
        let followed = Followed::begin(Etcd::new([server.url()]));
        assert_eq!(followed.value("a", "b"), Some(1));
        // And one that nobody has looked at.
        drop(Followed::begin(Etcd::new([server.url()])));
        drop(Followed::begin(Etcd::new(["http://127.0.0.1:1"]).start_timeout(Duration::from_millis(100))).tree());
    });
}

#[test]
fn everything_that_is_wrong_is_in_one_report_with_key_and_revision() {
    let Some(server) = EtcdServer::start() else { return };
    let first = server.revision();
    server.put("/system/db/password", "hunter2");
    server.put("/system/a", "1");
    server.put("/system/a/b", "2");
    server.put("/system//c", "3");
    server.put("/system/http/port", "4");
    server.put("/system/http/Port", "5");
    let followed = Followed::begin(Etcd::new([server.url()]));
    let (_, problems) = followed.tree();
    let told: Vec<String> = problems.iter().chain(problems.warnings()).map(ToString::to_string).collect();
    let expected = [
        ("/system/db/password", 1, "no JSON document"),
        ("/system/a/b", 3, "below a key that has a value"),
        ("/system//c", 4, "is missing"),
        ("/system/http/Port", 6, "differs only in case"),
    ];
    for (key, at, what) in expected {
        let place = format!("etcd {key} rev {}", first + at);
        assert!(told.iter().any(|told| told.contains(&place) && told.contains(what)), "{place} {what}: {told:#?}");
    }
    assert_eq!((problems.len(), problems.warnings().count()), (3, 1), "{told:#?}");
    assert!(!told.concat().contains("hunter2"));

    // What is put right is right.
    server.put("/system/db/password", "\"hunter2\"");
    for key in ["/system/a/b", "/system//c", "/system/http/Port"] {
        server.delete(key);
    }
    followed.becomes("a", "b", None);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !followed.tree().1.is_empty() {
        assert!(Instant::now() < deadline, "{}", followed.tree().1);
    }
}

#[test]
fn a_value_of_a_megabyte_is_a_value() {
    let Some(server) = EtcdServer::start() else { return };
    let long = "x".repeat(1_200_000);
    server.put("/system/a/map", &format!("{{\"long\": \"{long}\", \"last\": 7}}"));
    let followed = Followed::begin(Etcd::new([server.url()]));
    assert_eq!(followed.value("a.map", "last"), Some(7));
    for last in [8, 9] {
        server.put("/system/a/map", &format!("{{\"long\": \"{long}\", \"last\": {last}}}"));
        followed.becomes("a.map", "last", Some(last));
    }
    // Together they are more than one answer may hold.
    for at in 0..70 {
        server.put(&format!("/system/b/{at}"), &format!("\"{long}\""));
    }
    let (tree, problems) = Followed::begin(Etcd::new([server.url()])).tree();
    assert!(problems.is_empty(), "{problems}");
    assert_eq!(tree.section("b").keys().count(), 70);
}

#[test]
fn a_hundred_thousand_keys_are_read_at_one_revision() {
    let Some(server) = EtcdServer::start() else { return };
    server.put_all(
        (0..100_000).map(|at| (format!("/system/microservices/s{}/settings/k{at}", at % 500), at.to_string())),
    );
    let began = Instant::now();
    server.ctl(&["get", "--prefix", "/system/"]);
    let raw = began.elapsed();
    let began = Instant::now();
    let followed = Followed::begin(Etcd::new([server.url()]));
    let (tree, problems) = followed.tree();
    eprintln!("100,000 keys in {:?}, by etcdctl in {raw:?}", began.elapsed());
    assert!(problems.is_empty());
    let section = |service: usize| tree.section(&format!("microservices.s{service}.settings")).keys().count();
    assert_eq!((0..500).map(section).sum::<usize>(), 100_000);
    server.put("/system/a/b", "1");
    followed.becomes("a", "b", Some(1));
}

#[test]
fn what_is_written_together_is_seen_together() {
    let Some(server) = EtcdServer::start() else { return };
    let write = |value: usize| {
        let both = format!("\nput /system/a/one {value}\nput /system/a/other {value}\n\n\n");
        server.ctl_with(&["txn"], both.as_bytes());
    };
    write(0);
    let followed = Followed::begin(Etcd::new([server.url()]));
    thread::scope(|scope| {
        let writer = scope.spawn(|| (1..=50).for_each(write));
        let mut looks = 0;
        while !writer.is_finished() {
            let (tree, mut problems) = followed.tree();
            let mut read = |key| tree.section("a").setting::<u64>(key, None, &mut problems);
            assert_eq!(read("one"), read("other"));
            looks += 1;
        }
        assert!(looks > 100, "{looks}");
    });
    followed.becomes("a", "one", Some(50));
}

#[test]
fn a_key_that_is_waited_for_holds_the_start() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/a/b", "1");
    let source = || Etcd::new([server.url()]).check_key("/ready");
    let mut problems = chassis::settings::Problems::new();
    source().start_timeout(Duration::from_millis(500)).load(&mut problems);
    let told = problems.to_string();
    assert!(told.contains("the key `/ready` does not exist; given up after 500ms"), "{told}");
    assert!(problems.into_result().is_err_and(|error| error.is_unavailable()));

    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(500));
            server.put("/system/a/b", "2");
            server.put("/ready", "yes");
        });
        let began = Instant::now();
        assert_eq!(Followed::begin(source()).value("a", "b"), Some(2));
        assert!(began.elapsed() > Duration::from_millis(500));
    });
}
