//! How long a start takes with settings in etcd, beside the range read alone; and how long a write takes to be in force
//! everywhere in a service, beside a watch alone.
//!
//! `cargo bench -p chassis --features etcd --bench etcd`; needs the program `etcd`. At a start both sides connect, read everything
//! and leave, in turn, so that a busy machine is busy for both.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time and waits for a server")]

use std::{
    cmp::Ordering,
    env, fs,
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use chassis::{
    prelude::*,
    settings::{Etcd, Problems, Source, Tree},
};
use etcd_client::{Client, GetOptions, GetResponse, Txn, TxnOp, WatchOptions};
use tokio::runtime::{Builder, Runtime};

/// How many keys there are, and how often they are read.
const TREES: [(i64, usize); 2] = [(1_000, 501), (100_000, 31)];

/// How many writes are followed.
const WRITES: u64 = 101;

fn main() {
    let server = Server::start();
    println!("{:>8} {:>12} {:>12} {:>7} {:>12} {:>7}", "keys", "range read", "load", "", "and merge", "");
    for (keys, rounds) in TREES {
        fill(&server.url, keys);
        let (mut raw, mut load, mut merge) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            raw.push(timed(|| {
                // On a thread of its own, as the source is: the first memory of a thread is the slowest.
                let read = thread::scope(|scope| scope.spawn(|| range(&server.url)).join());
                let (runtime, found) = read.unwrap_or_else(|_| panic!("the range read failed"));
                assert_eq!(found.count(), keys);
                (runtime, found)
            }));
            load.push(timed(|| {
                let (source, mut problems) = (Etcd::new([&server.url[..]]), Problems::new());
                (source.load(&mut problems), source)
            }));
            merge.push(timed(|| {
                let sources: Vec<Box<dyn Source>> = vec![Box::new(Etcd::new([&server.url[..]]))];
                (Tree::merge(&sources, "s1", &mut Problems::new()), sources)
            }));
        }
        // Of each round by itself: a machine that becomes slower does so for all three.
        let times = |its: &[Duration]| {
            let ratios = its.iter().zip(&raw).map(|(it, raw)| it.as_secs_f64() / raw.as_secs_f64());
            format!("{:.2} ×", median(ratios.collect()))
        };
        let (load_ratio, merge_ratio) = (times(&load), times(&merge));
        let [raw, load, merge] = [raw, load, merge].map(median);
        println!("{keys:>8} {raw:>12.2?} {load:>12.2?} {load_ratio:>7} {merge:>12.2?} {merge_ratio:>7}");
    }
    let runtime = good(Builder::new_multi_thread().enable_all().build());
    runtime.block_on(apply(&server.url));
}

/// From a write to the moment when a watch has it, and to that when every setting of a service has it.
async fn apply(url: &str) {
    let (mut seen, mut applied) = (Vec::new(), Vec::new());
    let running = Follower::builder().source(Etcd::new([url]).prefix("/live")).start().await;
    let running = running.unwrap_or_else(|error| panic!("{error:#}"));
    let mut client = good(Client::connect([url], None).await);
    let mut watch = good(client.watch("/live/", Some(WatchOptions::new().with_prefix())).await);
    let service = running.service();
    let all = [&service.a, &service.b, &service.c, &service.d];
    for value in 1..=WRITES {
        // The last one was told of a while ago: nobody is in a hurry.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let began = Instant::now();
        let put = |name: &str| TxnOp::put(format!("/live/microservices/follower/{name}"), value.to_string(), None);
        let write = Txn::new().and_then(["a", "b", "c", "d"].map(put));
        let watched = async {
            while good(watch.message().await).is_some_and(|message| message.events().is_empty()) {}
            seen.push(began.elapsed());
        };
        let followed = async {
            for setting in all {
                let mut watch = setting.watch();
                while setting.get() != value {
                    watch.changed().await;
                }
            }
            applied.push(began.elapsed());
        };
        let written = async { good(client.clone().txn(write).await) };
        tokio::join!(written, watched, followed);
    }
    running.stop().await.unwrap_or_else(|error| panic!("{error:#}"));
    let [seen, applied] = [seen, applied].map(median);
    let more = applied.saturating_sub(seen);
    println!("from a write to a watch alone {seen:.2?}, to all settings of a service {applied:.2?}: + {more:.2?}");
}

/// A service with settings that follow.
#[microservice(name = "follower")]
struct Follower {
    #[setting(default = 0)]
    a: Setting<u64>,
    #[setting(default = 0)]
    b: Setting<u64>,
    #[setting(default = 0)]
    c: Setting<u64>,
    #[setting(default = 0)]
    d: Setting<u64>,
}

#[microservice]
impl Follower {}

/// What everybody has to do: connect and read.
fn range(url: &str) -> (Runtime, GetResponse) {
    let runtime = runtime();
    let found = runtime.block_on(async {
        let client = good(Client::connect([url], None).await);
        let mut kv = client.kv_client().max_decoding_message_size(256 << 20);
        good(kv.get("/system/", Some(GetOptions::new().with_prefix())).await)
    });
    (runtime, found)
}

fn fill(url: &str, keys: i64) {
    runtime().block_on(async {
        let mut client = good(Client::connect([url], None).await);
        let all: Vec<i64> = (0..keys).collect();
        for some in all.chunks(100) {
            let put = |at: &i64| {
                let key = format!("/system/microservices/s{}/settings/key_{at}", at % 200);
                TxnOp::put(key, format!("\"value {at}\""), None)
            };
            good(client.txn(Txn::new().and_then(some.iter().map(put).collect::<Vec<_>>())).await);
        }
    });
}

/// How long it takes to get something, without letting it go.
fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    let got = work();
    let took = began.elapsed();
    drop(got);
    took
}

fn median<T: PartialOrd + Copy>(mut found: Vec<T>) -> T {
    found.sort_by(|one, other| one.partial_cmp(other).unwrap_or(Ordering::Equal));
    found[found.len() / 2]
}

fn runtime() -> Runtime {
    good(Builder::new_current_thread().enable_all().build())
}

fn good<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

/// An etcd of its own.
struct Server {
    url: String,
    folder: PathBuf,
    process: Child,
}

impl Server {
    fn start() -> Self {
        let folder = env::temp_dir().join(format!("chassis-bench-etcd-{}", std::process::id()));
        good(fs::create_dir_all(&folder));
        let (url, peer) = (free_url(), free_url());
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(folder.join("data")).args(["--log-level", "error", "--unsafe-no-fsync"]);
        command.args(["--listen-client-urls", &url, "--advertise-client-urls", &url, "--listen-peer-urls", &peer]);
        command.args(["--initial-advertise-peer-urls", &peer, "--initial-cluster", &format!("default={peer}")]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = process.unwrap_or_else(|error| panic!("etcd cannot be started: {error}"));
        let server = Self { url, folder, process };
        while !runtime().block_on(server.answers()) {
            thread::sleep(Duration::from_millis(50));
        }
        server
    }

    async fn answers(&self) -> bool {
        match Client::connect([&self.url], None).await {
            Ok(mut client) => client.get("x", None).await.is_ok(),
            Err(_) => false,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn free_url() -> String {
    let listener = good(TcpListener::bind("127.0.0.1:0"));
    format!("http://{}", good(listener.local_addr()))
}
