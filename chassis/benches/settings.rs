//! What a live setting costs to read, and how long a change takes to reach all of a service, or many services.
//!
//! `cargo bench -p chassis --features full --bench settings`.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    fs,
    hint::black_box,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use chassis::{
    Running,
    prelude::*,
    settings::{Changes, Dict, Following, Form, Layer, Problems, Source},
};
use serde_json::{Map, Value, json};

const ROUNDS: usize = 101;
const READS: u32 = 100_000;
/// Settings of one service that follow.
const BOUND: usize = 1_000;
/// Services that follow one tree.
const SERVICES: usize = 200;
/// Changes of that tree, ten milliseconds apart.
const CHANGES: u64 = 500;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    runtime.block_on(read());
    runtime.block_on(reload());
    runtime.block_on(converge());
}

/// `Setting::get` beside the load of an `ArcSwap` and a copy of what it holds.
async fn read() {
    let running = started::<One>(&Tree::default()).await;
    let (setting, raw) = (running.service().value.clone(), ArcSwap::from_pointee(7_u64));
    let (mut own, mut load) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(timed(|| {
            for _ in 0..READS {
                black_box(black_box(&setting).get());
            }
        }));
        load.push(timed(|| {
            for _ in 0..READS {
                black_box(**black_box(&raw).load());
            }
        }));
    }
    let each = |times: Vec<Duration>| median(times).as_secs_f64() * 1e9 / f64::from(READS);
    let (own, load) = (each(own), each(load));
    stopped(running).await;
    println!("Setting::get {own:.2} ns, arc_swap::load {load:.2} ns: {:.2} ×", own / load);
}

/// From a changed source to the last of all settings that follow it.
async fn reload() {
    let tree = Tree::default();
    let running = started::<Bound>(&tree).await;
    let last = running.service().keeper.last();
    let (mut some, mut all) = (Vec::new(), Vec::new());
    for round in 1..=ROUNDS as u64 {
        for (times, first) in [(&mut some, BOUND - 1), (&mut all, 0)] {
            let value = round * 2 + u64::from(first == 0);
            let (said, mut watch) = (bound(first, value), last.watch());
            // The last one was a while ago: its figures and its event are done with.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let began = Instant::now();
            tree.say(said);
            while last.get() != value {
                watch.changed().await;
            }
            times.push(began.elapsed());
        }
    }
    stopped(running).await;
    let (one, all) = (median(some), median(all));
    println!("reload with {BOUND} settings that follow: {one:.2?} when one changes, {all:.2?} when all do");
}

/// Many services in one process that follow one tree.
async fn converge() {
    let tree = Tree::default();
    let mut services = Vec::new();
    for _ in 0..SERVICES {
        services.push(started::<One>(&tree).await);
    }
    let (began, before) = (Instant::now(), processor_time());
    for change in 1..=CHANGES {
        tree.say(json!({ "microservices": { "one": { "value": change } } }));
        tokio::time::sleep_until((began + Duration::from_millis(10) * change as u32).into()).await;
    }
    let changing = began.elapsed();
    for running in &services {
        let mut watch = running.service().value.watch();
        while running.service().value.get() != CHANGES {
            watch.changed().await;
        }
    }
    let (took, used) = (began.elapsed() - changing, processor_time() - before);
    println!(
        "{SERVICES} services, {CHANGES} changes in {changing:.2?}: all had the last one {took:.2?} after it; {:.0} % of one \
         processor, {:.0} µs for each change of each service",
        used.as_secs_f64() / began.elapsed().as_secs_f64() * 100.0,
        used.as_secs_f64() * 1e6 / (SERVICES as f64 * CHANGES as f64),
    );
    for running in services {
        stopped(running).await;
    }
}

/// A source that many services share.
#[derive(Clone, Default)]
struct Tree {
    said: Arc<Mutex<Value>>,
    changes: Arc<Mutex<Vec<Changes>>>,
}

impl Tree {
    fn say(&self, settings: Value) {
        *locked(&self.said) = settings;
        locked(&self.changes).iter().for_each(Changes::notify);
    }
}

impl Source for Tree {
    fn name(&self) -> String {
        "tree".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        match locked(&self.said).clone() {
            Value::Null => Layer::empty(),
            said => Dict::from(said).load(problems),
        }
    }

    fn follow(&self, changes: Changes) -> Option<Following> {
        locked(&self.changes).push(changes);
        Some(Box::pin(std::future::pending()))
    }
}

/// A service with one setting.
#[microservice(name = "one")]
struct One {
    #[setting(default = 0)]
    value: Setting<u64>,
}

/// A service whose resource has a thousand.
#[microservice(name = "bound")]
struct Bound {
    #[resource]
    keeper: Keeper,
}

#[derive(Default)]
struct Keeper(Mutex<Vec<Setting<u64>>>);

impl Keeper {
    fn last(&self) -> Setting<u64> {
        locked(&self.0).last().cloned().unwrap_or_default()
    }
}

struct Many(Vec<Setting<u64>>);

impl SettingsSchema for Many {
    fn fields(form: &mut Form<'_>) -> Option<Self> {
        static NAMES: std::sync::LazyLock<Vec<&'static str>> =
            std::sync::LazyLock::new(|| (0..BOUND).map(|at| &*format!("key_{at:04}").leak()).collect());
        // All of them are listed before the first one is missed.
        let read: Vec<Option<Setting<u64>>> =
            NAMES.iter().map(|name| form.field(name).default(|| Setting::fixed(0)).read()).collect();
        Some(Self(read.into_iter().collect::<Option<_>>()?))
    }
}

impl Resource for Keeper {
    type Settings = Many;

    async fn start(&self, _: &Context, settings: Many) -> Result<()> {
        *locked(&self.0) = settings.0;
        Ok(())
    }
}

/// The settings of the thousand; those from `first` on have this value.
fn bound(first: usize, value: u64) -> Value {
    let keys: Map<String, Value> =
        (0..BOUND).map(|at| (format!("key_{at:04}"), if at >= first { value.into() } else { 1.into() })).collect();
    json!({ "resources": { "keeper": keys } })
}

async fn started<S: chassis::Microservice>(tree: &Tree) -> Running<S> {
    let followed = locked(&tree.changes).len();
    let running = chassis::Builder::<S>::new().source(tree.clone()).start().await;
    let running = running.unwrap_or_else(|error| panic!("{error:#}"));
    while locked(&tree.changes).len() == followed {
        tokio::task::yield_now().await;
    }
    running
}

async fn stopped<S: chassis::Microservice>(running: Running<S>) {
    running.stop().await.unwrap_or_else(|error| panic!("{error:#}"));
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Of all threads of this process, on Linux, where a tick of the clock is 10 ms.
fn processor_time() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|&at| fields.get(at)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}
