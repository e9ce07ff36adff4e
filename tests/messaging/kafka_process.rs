//! Services as processes at a Kafka cluster: killed and stopped while they work off a topic. The same at a broker that is a
//! process, too: `kafka_server`.
//!
//! `CHASSIS_SOAK_ROUNDS=100` looks further than the normal run.

use std::{sync::Arc, time::Duration};

use chassis_tests::KafkaCluster;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use serde_json::{Value, json};
use tokio::task::block_in_place;

use super::{
    kafka_faults::At,
    load::rounds,
    scene::Scene,
    workshop::{Workshop, is_hopeless, stop, until_dead},
};

/// As many as the cluster in the process gives to every topic.
const PARTITIONS: i32 = 4;

/// What workers at that cluster are set to, with this handler.
fn broker(servers: &str, space: &str, handler: Value) -> Value {
    let kafka = json!({
        "bootstrap_servers": servers,
        "topics_prefix": space,
        "group": space,
        "partitions": PARTITIONS,
        "session_timeout": "3s",
        // A service that the cluster leaves without partitions begins anew after both together.
        "max_poll_interval": "6s",
        "release_timeout": "4s",
        "commit_interval": "100ms",
        "client": { "heartbeat_interval_ms": "100" },
    });
    json!({ "engine": "kafka", "kafka": kafka, "handlers": { "job": handler } })
}

/// Looks at how far a group has come.
struct Looker {
    client: BaseConsumer,
    topic: String,
}

impl Looker {
    fn new(servers: &str, space: &str) -> Self {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", servers).set("group.id", space);
        Self { client: config.create().unwrap(), topic: format!("{space}.jobs") }
    }

    /// How many messages are committed, of all partitions.
    fn committed(&self) -> usize {
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(&self.topic, 0, PARTITIONS - 1);
        let committed = block_in_place(|| self.client.committed_offsets(asked, Duration::from_secs(10))).unwrap();
        let offsets = committed.elements().into_iter().filter_map(|element| match element.offset() {
            Offset::Offset(offset) => usize::try_from(offset).ok(),
            _ => None,
        });
        offsets.sum()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_again_and_again_loses_nothing() {
    let cluster = KafkaCluster::start(1);
    kill_again_and_again(&cluster.servers()).await;
}

pub(crate) async fn kill_again_and_again(servers: &str) {
    let scene = Scene::new(&Arc::new(At::new(servers.to_owned())));
    let sender = scene.sender().await;
    let kills = rounds(3);
    let looker = Looker::new(servers, scene.space());
    let handler = json!({ "concurrency": 8 });
    let mut shop = Workshop::new(broker(servers, scene.space(), handler), Duration::from_millis(4), false);
    let (mut deaths, mut windows) = (Vec::new(), vec![0]);
    let killed = |shop: &Workshop| {
        deaths.push(shop.done.len());
        let (committed, done) = (looker.committed(), shop.counts().len());
        assert!(committed <= done, "{committed} are committed, and {done} are done");
        windows.push(done - committed);
    };
    let (service, all) = shop.kill(&sender, kills, 1000, killed).await;
    shop.until_done(0..all).await;
    stop(service);
    shop.read();
    let repeats = shop.repeats(&deaths);
    eprintln!("{kills} kills, {all} messages, done again {repeats:?}, of what was not committed {windows:?}");
    // What was done and not committed is done again, and nothing else.
    assert!(repeats.iter().zip(&windows).all(|(again, window)| again <= window), "{repeats:?} of {windows:?}");
    // Eight at a time for 4 ms each, and a commit every 100 ms: 200 of them, and more on a busy machine, of more than 1000
    // that are begun between two kills.
    assert!(windows.iter().all(|window| *window <= 600), "{windows:?}");
    assert_eq!(looker.committed(), all as usize, "what is done is committed");
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_while_a_service_is_killed_is_tried_again_or_a_dead_letter() {
    let cluster = KafkaCluster::start(1);
    kill_while_messages_fail(&cluster.servers()).await;
}

pub(crate) async fn kill_while_messages_fail(servers: &str) {
    let scene = Scene::new(&Arc::new(At::new(servers.to_owned())));
    let sender = scene.sender().await;
    let kills = rounds(3);
    let handler = json!({ "concurrency": 8, "min_delay": "50ms", "max_delay": "50ms" });
    let mut shop = Workshop::new(broker(servers, scene.space(), handler), Duration::from_millis(2), true);
    let (service, all) = shop.kill(&sender, kills, 500, |_| ()).await;
    shop.until_done((0..all).filter(|number| !is_hopeless(number))).await;
    until_dead(&sender, (0..all).filter(is_hopeless)).await;
    stop(service);
    shop.read();
    eprintln!("{kills} kills, {all} messages of which some fail, {} done again", shop.repeats(&[])[0]);
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_stopped_ends_what_it_has_begun_and_commits_it() {
    let cluster = KafkaCluster::start(1);
    stop_at_work(&cluster.servers()).await;
}

pub(crate) async fn stop_at_work(servers: &str) {
    const AT_WORK: usize = 500;
    let scene = Scene::new(&Arc::new(At::new(servers.to_owned())));
    let sender = scene.sender().await;
    let looker = Looker::new(servers, scene.space());
    let handler = json!({ "concurrency": AT_WORK, "prefetch": AT_WORK });
    let mut shop = Workshop::new(broker(servers, scene.space(), handler), Duration::from_secs(1), false);
    let look = |shop: &Workshop, _| {
        assert_eq!(looker.committed(), shop.done.len(), "what is done is committed, and nothing else");
    };
    shop.stop_at_work(&sender, AT_WORK, look).await;
    sender.stop().await.unwrap();
}
