//! Settings that change while the service runs: all parts agree and all follow, or nothing changes.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::{
    lifecycle::{EventKind, EventStream},
    prelude::*,
    settings::{Changes, Dict, Following, Layer, Problems, Source},
};
use chassis_tests::{no_leaks, no_leaks_paused};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A source that a test writes to.
#[derive(Clone, Default)]
struct Held {
    said: Arc<Mutex<Value>>,
    changes: Arc<Mutex<Option<Changes>>>,
}

impl Held {
    fn saying(settings: Value) -> Self {
        let held = Self::default();
        *held.said.lock().unwrap() = settings;
        held
    }

    fn say(&self, settings: Value) {
        *self.said.lock().unwrap() = settings;
        self.changes.lock().unwrap().as_ref().unwrap().notify();
    }
}

impl Source for Held {
    fn name(&self) -> String {
        "held".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        Dict::from(self.said.lock().unwrap().clone()).load(problems)
    }

    fn follow(&self, changes: Changes) -> Option<Following> {
        *self.changes.lock().unwrap() = Some(changes);
        Some(Box::pin(std::future::pending()))
    }
}

/// What happened to resources, in order.
type Diary = Mutex<Vec<String>>;

#[derive(SettingsSchema)]
struct PoolSettings {
    /// Changes by a restart.
    #[setting(default = 1, min = 1)]
    size: u32,
    /// Follows.
    #[setting(default = "1s")]
    patience: Setting<Duration>,
    /// Is taken over.
    #[setting(default = "a", live)]
    label: String,
    #[setting(default = "ok")]
    verdict: Setting<String>,
}

#[derive(Default)]
struct Pool {
    diary: Diary,
    settings: Mutex<Option<PoolSettings>>,
}

impl Pool {
    fn write(&self, what: impl Into<String>) {
        self.diary.lock().unwrap().push(what.into());
    }

    fn read(&self) -> Vec<String> {
        std::mem::take(&mut *self.diary.lock().unwrap())
    }

    fn patience(&self) -> Duration {
        self.settings.lock().unwrap().as_ref().unwrap().patience.get()
    }
}

impl Resource for Pool {
    type Settings = PoolSettings;

    async fn start(&self, _: &Context, settings: PoolSettings) -> Result<()> {
        if settings.size == 99 {
            return Err(Error::unavailable(Error::msg("there are not so many")));
        }
        self.write(format!("start {}", settings.size));
        *self.settings.lock().unwrap() = Some(settings);
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        self.write("stop");
        Ok(())
    }

    async fn prepare(&self, _: &Context, candidate: &PoolSettings) -> Result<()> {
        match candidate.verdict.get().as_str() {
            "no" => Err(Error::msg("the pool does not like it")),
            "late" => std::future::pending().await,
            "panic" => panic!("at the sight of it"),
            _ => Ok(()),
        }
    }

    async fn apply(&self, _: &Context, settings: PoolSettings) -> Result<()> {
        self.write(format!("apply {}", settings.label));
        if settings.label == "crash" {
            return Err(Error::msg("it does not fit"));
        }
        Ok(())
    }
}

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
    // The sources are followed as soon as the service runs.
    while held.changes.lock().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    running.service().pool.read();
    running.service().above.read();
    let events = running.events().from_now();
    (running, events)
}

async fn changed(events: &mut EventStream) -> Vec<String> {
    let keys = |kind: &EventKind| match kind {
        EventKind::SettingsChanged { keys } => Some(keys.clone()),
        EventKind::SettingsRefused { why } => Some(vec![format!("refused: {why}")]),
        _ => None,
    };
    events.find(keys).await.unwrap()
}

async fn refused(events: &mut EventStream) -> String {
    let why = |kind: &EventKind| match kind {
        EventKind::SettingsRefused { why } => Some(why.clone()),
        _ => None,
    };
    events.find(why).await.unwrap()
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
        assert_eq!(refused(&mut events).await, "`system.resources.pool`: the pool does not like it");
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
fn a_value_set_at_run_time_reaches_resources_too() {
    no_leaks(async {
        let held = Held::saying(json!({}));
        let (running, mut events) = started(&held).await;
        running.context().settings().set("resources.pool.size", 5).unwrap();
        assert_eq!(changed(&mut events).await, ["system.resources.pool.size"]);
        running.logs().wait_for(|line| line["message"].as_str().unwrap().contains("`pool` was restarted")).await;
        assert_eq!(running.service().pool.read(), words("stop,start 5"));
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

#[test]
fn a_file_is_followed_however_it_is_written() {
    no_leaks(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yml");
        let text = |pages: &str| format!("system:\n  microservices:\n    orders:\n      page_size: {pages}\n");
        fs::write(&path, text("1")).unwrap();
        let running = Orders::builder().settings_file(&path).start().await.unwrap();
        let mut events = running.events().from_now();
        let mut pages = running.service().page_size.watch();
        // In place, of the same length; by an editor that exchanges the file; by the link of a mounted volume.
        fs::write(&path, text("2")).unwrap();
        assert_eq!(*pages.changed().await, 2);
        fs::write(folder.path().join("new"), text("3")).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(*pages.changed().await, 3);
        fs::write(folder.path().join("four"), text("4")).unwrap();
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("four", &path).unwrap();
        assert_eq!(*pages.changed().await, 4);
        assert_eq!(changed(&mut events).await, ["system.microservices.orders.page_size"]);
        let mut events = running.events().from_now();
        fs::remove_file(&path).unwrap();
        assert!(refused(&mut events).await.contains("there is no such file"));
        fs::write(&path, text("five")).unwrap();
        let why = refused(&mut events).await;
        assert!(why.contains("settings.yml:4:18") && why.contains("page_size"), "{why}");
        assert_eq!(running.service().page_size.get(), 4);
        fs::write(&path, text("6")).unwrap();
        assert_eq!(*pages.changed().await, 6);
        running.stop().await.unwrap();
    });
}

/// What one source may say: some of it wrong.
fn saying() -> impl Strategy<Value = Value> {
    let pages = prop_oneof![3 => (0..100_u32).prop_map(|pages| json!(pages)), 1 => Just(json!("many"))];
    let size = prop_oneof![3 => (1..4_u32).prop_map(|size| json!(size)), 1 => Just(json!(0))];
    let label = prop_oneof![Just("a"), Just("b")];
    let (pages, size, label) = (prop::option::of(pages), prop::option::of(size), prop::option::of(label));
    (pages, size, label).prop_map(|(pages, size, label)| {
        let (mut orders, mut pool) = (json!({}), json!({}));
        pages.into_iter().for_each(|pages| orders["page_size"] = pages);
        size.into_iter().for_each(|size| pool["size"] = size);
        label.into_iter().for_each(|label| pool["label"] = json!(label));
        json!({ "microservices": { "orders": orders }, "resources": { "pool": pool } })
    })
}

/// What the service works with; `None` if it does not start with that.
async fn fresh(sources: &[Held]) -> Option<Vec<(String, Value)>> {
    let mut builder = Orders::builder();
    for source in sources {
        builder = builder.source(Held::saying(source.said.lock().unwrap().clone()));
    }
    let running = builder.start().await.ok()?;
    let works = works_with(&running);
    running.stop().await.unwrap();
    Some(works)
}

fn works_with(running: &chassis::Running<Orders>) -> Vec<(String, Value)> {
    let effective = running.context().settings().effective().into_iter();
    let mut found: Vec<(String, Value)> = effective.map(|setting| (setting.key, setting.value)).collect();
    let held = running.service().pool.settings.lock().unwrap();
    let pool = held.as_ref().unwrap();
    found.push(("what the pool has".to_owned(), json!([pool.size, running.service().page_size.get()])));
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_changes_of_sources_come_to_what_a_fresh_start_has(
        changes in prop::collection::vec((0..3_usize, saying(), any::<bool>()), 1..12),
    ) {
        no_leaks(async move {
            let sources = [(); 3].map(|()| Held::saying(json!({})));
            let mut builder = Orders::builder();
            for source in &sources {
                builder = builder.source(source.clone());
            }
            let running = builder.start().await.unwrap();
            while sources.iter().any(|source| source.changes.lock().unwrap().is_none()) {
                tokio::task::yield_now().await;
            }
            for (at, settings, is_slow) in changes {
                sources[at].say(settings);
                if is_slow {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            }
            let expected = fresh(&sources).await;
            // Whatever they come to is in force, or refused, a moment later.
            let settled = async {
                loop {
                    let is_as_expected = match &expected {
                        Some(expected) => works_with(&running) == *expected,
                        None => running.view().readiness().status().to_string() == "warn",
                    };
                    if is_as_expected {
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
            assert!(settled.is_ok(), "{expected:#?}, but {:#?}", works_with(&running));
            running.stop().await.unwrap();
        });
    }
}
