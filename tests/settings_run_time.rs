//! Settings by path while the service runs: set, deleted and watched, above what the sources say.
#![allow(clippy::unwrap_used, reason = "a test")]

use chassis::{lifecycle::EventStream, prelude::*};
use chassis_tests::{Held, Pool, changed, no_leaks, refused};
use serde_json::json;

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    pool: Pool,
    #[setting(default = 20)]
    page_size: Setting<u32>,
}

#[microservice]
impl Orders {}

async fn started(held: &Held) -> (chassis::Running<Orders>, EventStream) {
    let running = Orders::builder().source(held.clone()).start().await.unwrap();
    held.is_followed().await;
    running.service().pool.read();
    let events = running.events().from_now();
    (running, events)
}

#[test]
fn a_value_set_at_run_time_reaches_resources_too() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        running.context().settings().set("resources.pool.size", 5).unwrap();
        assert_eq!(changed(&mut events).await, ["system.resources.pool.size"]);
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` was restarted")).await;
        assert_eq!(running.service().pool.read(), ["stop", "start 5"]);
        // And stays above what the sources say.
        held.say(json!({ "resources": { "pool": { "size": 6, "patience": "4s" } } }));
        assert_eq!(changed(&mut events).await, ["system.resources.pool.patience"]);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_value_set_right_after_the_start_is_not_missed() {
    no_leaks(async {
        for size in 2..30 {
            let running = Orders::builder().start().await.unwrap();
            running.context().settings().set("resources.pool.size", size).unwrap();
            running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` was restarted")).await;
            assert_eq!(running.service().pool.read().last().unwrap(), &format!("start {size}"));
            running.stop().await.unwrap();
        }
    });
}

#[test]
fn what_a_resource_refuses_is_taken_back_and_stands_in_nobodys_way() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        let settings = running.context().settings().clone();
        settings.set("microservices.orders.page_size", 50).unwrap();
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        for verdict in ["no", "panic"] {
            settings.set("resources.pool.verdict", verdict).unwrap();
            let why = refused(&mut events).await;
            assert!(why.contains("the pool does not like it") || why.contains("at the sight of it"), "{why}");
            assert!(settings.get::<String>("resources.pool.verdict").is_err());
            assert_eq!(running.view().readiness().status().to_string(), "pass");
        }
        let lines = running.logs().captured();
        let taken = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("at run time is taken back"));
        assert_eq!(taken.count(), 2);
        // What was agreed to before stays, and the sources are followed.
        held.say(json!({ "resources": { "pool": { "patience": "3s" } } }));
        assert_eq!(changed(&mut events).await, ["system.resources.pool.patience"]);
        assert_eq!(running.service().page_size.get(), 50);
        settings.delete("microservices.orders.page_size").unwrap();
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        assert_eq!(running.service().page_size.get(), 20);
        assert_eq!(running.service().pool.read(), [""; 0]);
        running.stop().await.unwrap();
    });
}

#[test]
fn a_mistake_in_a_source_does_not_hold_up_what_is_set() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        let settings = running.context().settings().clone();
        held.say(json!({ "resources": { "pool": { "size": 0 } } }));
        assert!(refused(&mut events).await.contains("system.resources.pool.size"));
        settings.set("microservices.orders.page_size", 50).unwrap();
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        // What is taken back leaves the other complaint as it is.
        settings.set("resources.pool.verdict", "no").unwrap();
        assert!(refused(&mut events).await.contains("does not like it"));
        let readiness = running.view().readiness();
        assert!(readiness.output().unwrap().contains("system.resources.pool.size"), "{readiness:?}");
        held.say(json!({ "resources": { "pool": { "patience": "2s" } } }));
        assert_eq!(changed(&mut events).await, ["system.resources.pool.patience"]);
        assert_eq!(running.view().readiness().status().to_string(), "pass");
        running.stop().await.unwrap();
    });
}

#[test]
fn what_cannot_be_read_and_what_nobody_knows_is_refused_at_once() {
    no_leaks(async {
        let running = Orders::builder().start().await.unwrap();
        let settings = running.context().settings().clone();
        let why = |path: &str, value: serde_json::Value| settings.set(path, value).unwrap_err().to_string();
        assert!(why("resources.pool.size", json!(0)).contains("1 or more"));
        assert!(why("resources.pool.sise", json!(1)).contains("did you mean `size`?"));
        assert!(why("microservices.orders.pagesize", json!(1)).contains("did you mean `page_size`?"));
        assert!(settings.get::<u32>("microservices.orders.pagesize").is_err());
        running.stop().await.unwrap();
    });
}
