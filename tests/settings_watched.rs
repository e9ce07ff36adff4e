//! Everything below a prefix is watched: what changes there is told by key, whoever wrote it and whether it is declared.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fs, time::Duration};

use chassis::{
    prelude::*,
    settings::{KeyChange, PrefixWatch},
};
use chassis_tests::{Held, Pool, no_leaks};
use serde_json::{Value, json};
use tokio::time::timeout;

/// Its own section may hold what nobody declares.
#[microservice(name = "orders", free_settings)]
struct Orders {
    #[resource]
    pool: Pool,
}

#[microservice]
impl Orders {}

async fn started(held: &Held) -> chassis::Running<Orders> {
    let running = Orders::builder().source(held.clone()).start().await.unwrap();
    held.is_followed().await;
    running
}

fn watch(running: &chassis::Running<Orders>, prefix: &str) -> PrefixWatch {
    running.context().settings().watch_below(prefix).unwrap()
}

/// What changes next: keys and values, `null` where it is gone.
async fn next(watch: &mut PrefixWatch) -> Value {
    let changes = timeout(Duration::from_secs(60), watch.changed()).await.unwrap();
    let number = |change: &KeyChange| json!(change.get::<Option<i64>>().unwrap());
    changes.iter().map(|change| (change.key().to_owned(), number(change))).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn keys_that_change_come_and_go_are_told_together() {
    no_leaks(async {
        let held = Held::saying(json!({ "resources": { "pool": { "size": 2 }, "others": { "a": 1, "b": 2 } } }));
        let running = started(&held).await;
        let mut resources = watch(&running, "resources");
        let mut pool = running.context().settings().view("resources.pool").watch_below("").unwrap();
        held.say(json!({ "resources": { "pool": { "size": 3 }, "others": { "b": 2, "c": { "d": 4 } } } }));
        let changes = timeout(Duration::from_secs(60), resources.changed()).await.unwrap();
        let told: Vec<_> = changes.iter().map(|change| (change.path(), change.is_gone())).collect();
        assert_eq!(
            told,
            [
                ("system.resources.others.a".to_owned(), true),
                ("system.resources.others.c.d".to_owned(), false),
                ("system.resources.pool.size".to_owned(), false)
            ]
        );
        assert_eq!(changes[1].get::<u8>().unwrap(), 4);
        assert_eq!(changes[1].origin().to_string(), "builder");
        assert!(changes[0].get::<u8>().unwrap_err().to_string().contains("`system.resources.others.a`"));
        assert_eq!(next(&mut pool).await, json!({ "size": 3 }));
        running.stop().await.unwrap();
    });
}

#[test]
fn what_is_said_for_this_service_alone_goes_first() {
    no_leaks(async {
        let of_orders = |shared: i64, own: Value| json!({ "others": { "a": shared }, "microservices": { "orders": { "others": own } } });
        let held = Held::saying(of_orders(1, json!({})));
        let running = started(&held).await;
        let mut others = watch(&running, "others");
        held.say(of_orders(1, json!({ "a": 10 })));
        assert_eq!(next(&mut others).await, json!({ "a": 10 }));
        // What it hides is no news, and is there when the override is gone.
        held.say(of_orders(2, json!({ "a": 10, "b": 1 })));
        assert_eq!(next(&mut others).await, json!({ "b": 1 }));
        held.say(of_orders(3, json!({})));
        assert_eq!(next(&mut others).await, json!({ "a": 3, "b": null }));
        running.stop().await.unwrap();
    });
}

#[test]
fn what_is_not_there_at_first_is_told_when_it_comes() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let running = started(&held).await;
        let mut peers = watch(&running, "microservices.orders.peers");
        let settings = running.context().settings().clone();
        settings.set("microservices.orders.peers", json!({ "a": 1, "b": 2 })).unwrap();
        assert_eq!(next(&mut peers).await, json!({ "a": 1, "b": 2 }));
        settings.set("microservices.orders.peers.c", 3).unwrap();
        assert_eq!(next(&mut peers).await, json!({ "c": 3 }));
        settings.delete("microservices.orders.peers.a").unwrap();
        assert_eq!(next(&mut peers).await, json!({ "a": null }));
        settings.delete("microservices.orders.peers").unwrap();
        assert_eq!(next(&mut peers).await, json!({ "b": null, "c": null }));
        // A value where the map was, and the map again.
        settings.set("microservices.orders.peers", 7).unwrap();
        assert_eq!(next(&mut peers).await, json!({ "": 7 }));
        settings.set("microservices.orders.peers", json!({ "a": 1 })).unwrap();
        assert_eq!(next(&mut peers).await, json!({ "": null, "a": 1 }));
        running.stop().await.unwrap();
    });
}

#[test]
fn files_are_watched_too_and_what_is_wrong_in_them_is_no_change() {
    no_leaks(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yml");
        let write = |text: &str| fs::write(&path, format!("system:\n  others: {text}\n")).unwrap();
        write("{a: 1}");
        let running = Orders::builder().settings_file(&path).start().await.unwrap();
        let mut others = watch(&running, "others");
        write("{a: 2, b: 1}");
        assert_eq!(next(&mut others).await, json!({ "a": 2, "b": 1 }));
        write("{a: 3, b: ");
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("are refused")).await;
        write("{a: 2}");
        assert_eq!(next(&mut others).await, json!({ "b": null }));
        running.stop().await.unwrap();
    });
}

#[test]
fn the_last_of_many_quick_writes_is_always_told() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let running = started(&held).await;
        let mut others = watch(&running, "others");
        let mut known = json!({});
        for round in 0..1_000 {
            for write in 1..=20 {
                // One of two keys is always gone.
                let key = if write % 2 == 0 { "even" } else { "odd" };
                held.say(json!({ "others": { "last": round * 100 + write, key: 1 } }));
            }
            let last = json!({ "last": round * 100 + 20, "even": 1, "odd": null });
            while known["last"] != last["last"] {
                let told = next(&mut others).await;
                told.as_object().unwrap().iter().for_each(|(key, value)| known[key] = value.clone());
            }
            assert_eq!((&known["even"], &known["odd"]), (&json!(1), &json!(null)));
        }
        running.stop().await.unwrap();
    });
}

#[test]
fn whoever_stops_waiting_loses_nothing() {
    no_leaks(async {
        let held = Held::saying(json!({ "others": { "a": 0 } }));
        let running = started(&held).await;
        let (mut others, mut sentinel) = (watch(&running, "others"), watch(&running, "others"));
        for round in 1..100 {
            // Waits, and is dropped while it waits.
            assert!(timeout(Duration::ZERO, others.changed()).await.is_err());
            held.say(json!({ "others": { "a": round } }));
            next(&mut sentinel).await;
            assert_eq!(next(&mut others).await, json!({ "a": round }));
        }
        running.stop().await.unwrap();
    });
}

#[test]
fn what_was_and_is_again_is_no_change_and_no_value_is_printed() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let running = started(&held).await;
        let settings = running.context().settings().clone();
        let mut others = watch(&running, "others");
        settings.set("others.password", 71077).unwrap();
        settings.delete("others.password").unwrap();
        assert!(timeout(Duration::from_millis(50), others.changed()).await.is_err());
        settings.set("others.password", 71077).unwrap();
        let changes = timeout(Duration::from_secs(60), others.changed()).await.unwrap();
        assert_eq!(
            format!("{changes:?} {others:?}"),
            "[system.others.password at set at run time] PrefixWatch(system.others)"
        );
        assert!(settings.watch_below("a..b").is_err());
        running.stop().await.unwrap();
    });
}
