//! Groups of Kafka whose members come and go.

use std::{
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::{
    Running,
    messaging::{Kafka, Message},
    prelude::*,
};
use chassis_tests::KafkaCluster;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

/// Handles what is pushed, one after the other or many at once, and notes what it has done.
#[microservice(name = "counter")]
struct Counter {
    #[resource]
    broker: Kafka,
    done: Arc<Mutex<BTreeSet<u64>>>,
}

#[microservice]
impl Counter {
    #[pull(broker, "numbers", concurrency = 8, quiet)]
    async fn number(&self, number: Message<u64>) -> Result<()> {
        // Later ones are often done before earlier ones.
        sleep(Duration::from_millis(pace(*number))).await;
        self.done.lock().unwrap().insert(*number);
        Ok(())
    }
}

/// By partition, at which offset each number is.
type Places = HashMap<i32, Vec<(i64, u64)>>;

/// How many partitions a service has.
fn partitions(broker: &Kafka) -> usize {
    let info = chassis::Resource::info(broker);
    info["reading"][0]["partitions"].as_array().map_or(0, Vec::len)
}

/// As long as the number says, in no order.
fn pace(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_offset_is_committed_before_its_message_is_done_however_the_group_changes() {
    let cluster = KafkaCluster::start(1);
    cluster.mock().create_topic("numbers", 20, 1).unwrap();
    let servers = cluster.servers();
    let config = |more: &[(&str, &str)]| {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &servers);
        for (name, value) in more {
            config.set(*name, *value);
        }
        config
    };
    let (done, places) = (Arc::<Mutex<BTreeSet<u64>>>::default(), Arc::<Mutex<Places>>::default());
    // A client of its own sends, for it knows where each message is.
    let producer: FutureProducer = config(&[("linger.ms", "1")]).create().unwrap();
    const ALL: u64 = 4000;
    let sending = tokio::spawn({
        let places = Arc::clone(&places);
        async move {
            for number in 0..ALL {
                let body = number.to_string();
                let record = FutureRecord::<(), _>::to("numbers").payload(&body).partition((number % 20) as i32);
                let stored = producer.send(record, Duration::from_secs(5)).await.unwrap();
                places.lock().unwrap().entry(stored.partition).or_default().push((stored.offset, number));
            }
        }
    });
    let looker: BaseConsumer = config(&[("group.id", "counter")]).create().unwrap();
    let looking = {
        let (done, places) = (Arc::clone(&done), Arc::clone(&places));
        move || {
            let mut asked = TopicPartitionList::new();
            asked.add_partition_range("numbers", 0, 19);
            let Ok(committed) = looker.committed_offsets(asked, Duration::from_secs(5)) else { return 0 };
            let (done, places) = (done.lock().unwrap(), places.lock().unwrap());
            let mut ahead = Vec::new();
            let mut sum = 0;
            for element in committed.elements() {
                let Offset::Offset(offset) = element.offset() else { continue };
                sum += offset;
                let below = places.get(&element.partition()).into_iter().flatten().filter(|(at, _)| *at < offset);
                ahead.extend(below.filter(|(_, number)| !done.contains(number)).copied());
            }
            assert!(ahead.is_empty(), "committed and not done: {ahead:?}");
            sum
        }
    };
    let start = || {
        let settings = json!({ "resources": { "broker": {
            "bootstrap_servers": servers, "session_timeout": "2s", "commit_interval": "20ms",
            "client": { "heartbeat_interval_ms": "100" },
        } } });
        let (settings, done): (chassis::settings::Dict, _) = (settings.into(), Arc::clone(&done));
        async move { Counter::builder().settings(settings).with(|counter| counter.done = done).start().await.unwrap() }
    };
    // The cluster of these tests loses its way when a group changes before it has settled.
    let settled = async |members: &[Running<Counter>]| {
        let begun = Instant::now();
        let shares = || members.iter().map(|member| partitions(&member.service().broker)).collect::<Vec<_>>();
        while shares().iter().sum::<usize>() != 20 || shares().contains(&0) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", shares());
            tokio::task::block_in_place(&looking);
            sleep(Duration::from_millis(10)).await;
        }
    };
    // Twenty of them come and go, two at a time.
    let mut members = Vec::new();
    for _ in 0..20 {
        members.push(start().await);
        settled(&members).await;
        if members.len() > 1 {
            let leaving = members.remove(0);
            assert_eq!(leaving.stop().await.unwrap().code, 0);
            settled(&members).await;
        }
    }
    sending.await.unwrap();
    let all_done = timeout(Duration::from_secs(60), async {
        while done.lock().unwrap().len() < ALL as usize {
            tokio::task::block_in_place(&looking);
            sleep(Duration::from_millis(50)).await;
        }
    });
    let is_done = all_done.await.is_ok();
    assert!(is_done, "{} of {ALL} are done", done.lock().unwrap().len());
    for member in members {
        assert_eq!(member.stop().await.unwrap().code, 0);
    }
    let committed = tokio::task::block_in_place(&looking);
    assert_eq!(committed, ALL as i64, "all is done and committed");
}

/// Handles what is pushed once it may, one after the other, and reads no further ahead.
#[microservice(name = "gated")]
struct Gated {
    #[resource]
    broker: Kafka,
    gate: Gate,
    done: Arc<Mutex<BTreeSet<u64>>>,
}

/// Closed at first.
struct Gate(watch::Sender<bool>);

impl Default for Gate {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

#[microservice]
impl Gated {
    #[pull(broker, "numbers", prefetch = 1, quiet)]
    async fn number(&self, number: Message<u64>) -> Result<()> {
        let _ = self.gate.0.subscribe().wait_for(|is_open| *is_open).await;
        self.done.lock().unwrap().insert(*number);
        Ok(())
    }
}

/// Four partitions, and services that share them.
struct Desk {
    cluster: KafkaCluster,
    done: Arc<Mutex<BTreeSet<u64>>>,
}

impl Desk {
    fn new() -> Self {
        let cluster = KafkaCluster::start(1);
        cluster.mock().create_topic("numbers", 4, 1).unwrap();
        Self { cluster, done: Arc::default() }
    }

    async fn start(&self) -> Running<Gated> {
        let broker = json!({
            "bootstrap_servers": self.cluster.servers(),
            "session_timeout": "2s",
            "release_timeout": "1s",
            // What is behind has its client wait soon.
            "max_uncommitted": 4,
            "client": { "heartbeat_interval_ms": "100", "socket_timeout_ms": "1000" },
        });
        let settings = json!({ "resources": { "broker": broker }, "lifecycle": { "stop_timeout": "4s" } });
        let done = Arc::clone(&self.done);
        Gated::builder().settings(settings).with(|gated| gated.done = done).start().await.unwrap()
    }

    async fn push(&self, sender: &Running<Gated>, numbers: Range<u64>) {
        for number in numbers {
            sender.service().broker.push("numbers", &number).await.unwrap();
        }
    }

    /// Waits until all below are done.
    async fn until_done(&self, all: u64) {
        let is_done = timeout(Duration::from_secs(20), async {
            while self.done.lock().unwrap().len() < all as usize {
                sleep(Duration::from_millis(10)).await;
            }
        });
        let is_done = is_done.await.is_ok();
        assert!(is_done, "{} of {all} are done", self.done.lock().unwrap().len());
    }
}

/// Waits until each of them has so many partitions.
async fn until_shared(members: &[(&Running<Gated>, usize)]) {
    let shares = || members.iter().map(|(member, _)| partitions(&member.service().broker)).collect::<Vec<_>>();
    let is_shared = timeout(Duration::from_secs(20), async {
        while members.iter().zip(shares()).any(|((_, wanted), share)| *wanted != share) {
            sleep(Duration::from_millis(10)).await;
        }
    });
    let is_shared = is_shared.await.is_ok();
    assert!(is_shared, "{:?}", shares());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_that_goes_while_its_handler_is_behind_is_read_when_it_comes_back() {
    let desk = Desk::new();
    let first = desk.start().await;
    until_shared(&[(&first, 4)]).await;
    desk.push(&first, 0..40).await;
    // It has no room by then, and has told its client to wait.
    sleep(Duration::from_millis(800)).await;
    let second = desk.start().await;
    until_shared(&[(&first, 2), (&second, 2)]).await;
    // Each reads on by itself what it has.
    for member in [&first, &second] {
        member.service().gate.0.send_replace(true);
    }
    desk.until_done(40).await;
    assert_eq!(second.stop().await.unwrap().code, 0);
    until_shared(&[(&first, 4)]).await;
    desk.push(&first, 40..80).await;
    desk.until_done(80).await;
    first.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stops_without_its_cluster_is_no_member_any_more() {
    let desk = Desk::new();
    let (first, sender) = (desk.start().await, desk.start().await);
    let gated = [&first, &sender];
    until_shared(&gated.map(|member| (member, 2))).await;
    desk.cluster.mock().broker_down(1).unwrap();
    let began = Instant::now();
    // What it has done cannot be committed, and whether that is told as an exit code is another matter.
    let _ = first.stop().await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    desk.cluster.mock().broker_up(1).unwrap();
    until_shared(&[(&sender, 4)]).await;
    sender.service().gate.0.send_replace(true);
    desk.push(&sender, 0..40).await;
    desk.until_done(40).await;
    sender.stop().await.unwrap();
}
