//! Settings that change while the service runs: all parts agree and all follow, or nothing changes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{sync::Mutex, time::Duration};

use chassis::{lifecycle::EventStream, prelude::*};
use chassis_tests::{Held, Pool, changed, no_leaks, no_leaks_paused, refused};
use serde_json::json;

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    pool: Pool,
    #[resource(after = [pool])]
    above: Pool,
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[setting(default = "fixed")]
    title: String,
    ticks: Mutex<u32>,
}

#[microservice]
impl Orders {
    #[task_timer(interval = "1h")]
    async fn tick(&self) {
        *self.ticks.lock().unwrap() += 1;
    }
}

async fn started(held: &Held) -> (chassis::Running<Orders>, EventStream) {
    let running = Orders::builder().source(held.clone()).start().await.unwrap();
    held.is_followed().await;
    running.service().pool.read();
    running.service().above.read();
    let events = running.events().from_now();
    (running, events)
}

#[test]
fn everything_that_is_live_changes_at_once_and_the_keys_are_told() {
    no_leaks(async {
        let held = Held::saying(json!({ "microservices": { "orders": { "page_size": 10 } } }));
        let (running, mut events) = started(&held).await;
        let mut pages = running.service().page_size.watch();
        held.say(json!({
            "resources": { "pool": { "patience": "2s" } },
            "microservices": { "orders": { "page_size": 30 } }
        }));
        assert_eq!(*pages.changed().await, 30);
        assert_eq!(
            changed(&mut events).await,
            ["system.resources.pool.patience", "system.microservices.orders.page_size"]
        );
        assert_eq!(
            (running.service().page_size.get(), running.service().pool.patience()),
            (30, Duration::from_secs(2))
        );
        let line = running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("settings changed")).await;
        assert_eq!(
            line["message"],
            "settings changed: `system.resources.pool.patience` (at builder), \
             `system.microservices.orders.page_size` (at builder)"
        );
        // What was said no more falls back to the default.
        held.say(json!({}));
        assert_eq!(changed(&mut events).await.len(), 2);
        assert_eq!(
            (running.service().page_size.get(), running.service().pool.patience()),
            (20, Duration::from_secs(1))
        );
        // The same again is no change.
        held.say(json!({}));
        held.say(json!({ "microservices": { "orders": { "page_size": 21 } } }));
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        assert_eq!(running.metrics().get("chassis_settings_changes_total", &[("outcome", "applied")]), Some(3.0));
        running.stop().await.unwrap();
    });
}

#[test]
fn what_one_part_refuses_changes_nowhere_and_is_told_once() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        let bad = json!({
            "resources": { "pool": { "size": 0, "pateince": "1s" } },
            "microservices": { "orders": { "page_size": 30, "timers": { "tick": { "cron": "61 * * * *" } } } }
        });
        held.say(bad.clone());
        let why = refused(&mut events).await;
        for part in [
            "`system.resources.pool.size`: expected a whole number, 1 or more, found 0",
            "did you mean `patience`?",
            "`system.microservices.orders.timers.tick.cron`",
        ] {
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(running.service().page_size.get(), 20);
        let readiness = running.view().readiness();
        assert_eq!(readiness.status().to_string(), "warn");
        assert!(readiness.output().unwrap().contains("system.resources.pool.size"), "{readiness:?}");
        // Told once, however often the source says it.
        held.say(bad);
        held.say(
            json!({ "resources": { "pool": { "verdict": "no" } }, "microservices": { "orders": { "page_size": 31 } } }),
        );
        let why = refused(&mut events).await;
        assert!(
            why.starts_with("`system.resources.pool`: the pool does not like it; not in force until that is mended: ")
        );
        for waiting in ["`system.resources.pool.verdict` (at ", "`system.microservices.orders.page_size` (at "] {
            assert!(why.contains(waiting), "{why}");
        }
        assert_eq!(running.service().page_size.get(), 20);
        held.say(json!({ "resources": { "above": { "verdict": "panic" } } }));
        assert!(refused(&mut events).await.contains("at the sight of it"));
        held.say(json!({ "microservices": { "orders": { "page_size": 32 } } }));
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        assert_eq!(running.service().page_size.get(), 32);
        assert_eq!(running.view().readiness().status().to_string(), "pass");
        assert_eq!((running.service().pool.read().len(), running.service().above.read().len()), (0, 0));
        running.stop().await.unwrap();
    });
}

#[test]
fn a_resource_that_takes_for_ever_to_try_refuses() {
    no_leaks_paused(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        held.say(json!({ "resources": { "pool": { "verdict": "late", "lifecycle": { "start_timeout": "3s" } } } }));
        assert!(refused(&mut events).await.contains("not done within 10s"));
        running.stop().await.unwrap();
    });
}

#[test]
fn what_is_not_live_restarts_its_resource_alone() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        let service = running.service();
        held.say(json!({ "resources": { "pool": { "size": 7 } } }));
        assert_eq!(changed(&mut events).await, ["system.resources.pool.size"]);
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` was restarted")).await;
        assert_eq!(
            (service.pool.read(), service.above.read()),
            (vec!["stop".to_owned(), "start 7".to_owned()], vec![])
        );
        // Both: dependents stop first and start last.
        held.say(json!({ "resources": { "pool": { "size": 8 }, "above": { "size": 9, "label": "b" } } }));
        changed(&mut events).await;
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`above` was restarted")).await;
        assert_eq!((service.pool.read(), service.above.read()), (words("stop,start 8"), words("stop,start 9")));
        // Live is applied, and nothing is restarted.
        held.say(json!({ "resources": { "pool": { "size": 8, "label": "c" }, "above": { "size": 9, "label": "b" } } }));
        changed(&mut events).await;
        let mut said = Vec::new();
        while said.is_empty() {
            tokio::task::yield_now().await;
            said = service.pool.read();
        }
        assert_eq!((said, service.above.read()), (words("apply c"), vec![]));
        assert_eq!(running.view().resources().iter().map(|resource| resource.restarts).sum::<u64>(), 0);
        running.stop().await.unwrap();
    });
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::to_owned).collect()
}

#[test]
fn a_resource_that_cannot_take_over_what_it_agreed_to_is_restarted() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, _) = started(&held).await;
        held.say(json!({ "resources": { "pool": { "label": "crash" } } }));
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` works again")).await;
        assert_eq!(running.service().pool.read(), words("apply crash,stop,start 1"));
        running.stop().await.unwrap();
    });
}

#[test]
fn a_resource_that_does_not_start_with_its_changed_settings_gets_others() {
    no_leaks_paused(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        let page_size = |pages: u32| json!({ "orders": { "page_size": pages } });
        held.say(json!({ "resources": { "pool": { "size": 99 } }, "microservices": page_size(30) }));
        changed(&mut events).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((running.service().page_size.get(), running.service().pool.read()), (30, words("stop")));
        assert_eq!(running.view().readiness().status().to_string(), "warn");
        // Meanwhile others change, and it follows live with what it cannot start with.
        held.say(json!({ "resources": { "pool": { "size": 99, "label": "b" } }, "microservices": page_size(31) }));
        changed(&mut events).await;
        assert_eq!(running.service().page_size.get(), 31);
        held.say(json!({ "resources": { "pool": { "size": 5, "label": "b" } } }));
        changed(&mut events).await;
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` works again")).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(running.service().pool.read().iter().any(|said| said == "start 5"));
        assert_eq!(running.view().readiness().status().to_string(), "pass");
        running.stop().await.unwrap();
    });
}

#[test]
fn a_setting_of_the_service_that_is_not_live_waits_for_its_next_start() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        held.say(json!({ "microservices": { "orders": { "title": "other" } } }));
        changed(&mut events).await;
        let line = running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("next start")).await;
        assert!(line["message"].as_str().unwrap().contains("`system.microservices.orders.title`"), "{line}");
        assert_eq!(running.service().title, "fixed");
        // What is again as it was at the start needs no other one.
        held.say(json!({}));
        changed(&mut events).await;
        let lines = running.logs().captured();
        let lines = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("next start"));
        assert_eq!(lines.count(), 1);
        running.stop().await.unwrap();
    });
}

#[test]
fn timers_logs_and_the_policies_of_the_core_follow() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        held.say(json!({
            "logging": { "profile": "DEVELOP" },
            "lifecycle": { "stop_timeout": "7s" },
            "microservices": { "orders": { "timers": { "tick": { "interval": "5ms" } } } }
        }));
        changed(&mut events).await;
        while *running.service().ticks.lock().unwrap() < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(running.logs().levels()["root"].to_string().to_lowercase(), "debug");
        held.say(
            json!({ "microservices": { "orders": { "timers": { "tick": { "interval": "5ms", "enabled": false } } } } }),
        );
        changed(&mut events).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        let ticks = *running.service().ticks.lock().unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(*running.service().ticks.lock().unwrap(), ticks);
        assert_eq!(running.logs().levels()["root"].to_string().to_lowercase(), "info");
        running.stop().await.unwrap();
    });
}

#[test]
fn the_last_of_many_quick_writes_is_always_seen() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, _) = started(&held).await;
        let mut pages = running.service().page_size.watch();
        for round in 0..1_000_u32 {
            for write in 1..=20 {
                held.say(json!({ "microservices": { "orders": { "page_size": round * 100 + write } } }));
            }
            let last = round * 100 + 20;
            let seen = tokio::time::timeout(Duration::from_secs(20), async { while *pages.changed().await != last {} });
            seen.await.unwrap_or_else(|_| panic!("{last} was not seen"));
            assert_eq!(running.service().page_size.get(), last);
        }
        running.stop().await.unwrap();
    });
}
