//! Services tell in etcd where they are, and find each other there; on real servers.

use std::{
    net::TcpStream,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chassis::{
    discovery::{Discovery, Instances},
    prelude::*,
    settings::{Dict, Etcd},
};
use chassis_tests::{EtcdServer, Program, Proxy, no_leaks};
use serde_json::Value;

/// Takes work by HTTP, and is found.
#[microservice(name = "prices")]
struct Prices {
    #[resource]
    http: HttpServer,
    /// Is closed before the server.
    #[resource(after = [http])]
    witness: Witness,
}

#[microservice]
impl Prices {
    #[get("/")]
    async fn price(&self) -> &'static str {
        "1"
    }
}

/// Looks, when it is closed, whether the service is still registered and still listens.
#[derive(Default)]
struct Witness {
    look: Mutex<Option<Box<dyn Fn() -> String + Send>>>,
    seen: Arc<Mutex<Option<String>>>,
}

impl Resource for Witness {
    type Settings = ();

    async fn close(&self, _cx: &Context) -> Result<()> {
        *self.seen.lock().unwrap() = self.look.lock().unwrap().as_ref().map(|look| look());
        Ok(())
    }
}

/// Looks for others.
#[microservice(name = "orders")]
struct Orders {
    #[resource]
    discovery: Discovery,
}

#[microservice]
impl Orders {}

/// What makes a service register itself; a server of the tests gives no shorter lease than 2 s.
fn registered() -> Dict {
    Dict::new()
        .set("resources.registry.enabled", true)
        .set("resources.registry.ttl", "2s")
        .set("lifecycle.health_interval", "50ms")
        .set("resources.http.port", 0)
}

async fn prices(url: &str) -> chassis::Running<Prices> {
    Prices::builder().settings(registered()).source(Etcd::new([url])).start().await.unwrap()
}

async fn orders(url: &str) -> chassis::Running<Orders> {
    let settings = Dict::new().set("lifecycle.health_interval", "50ms");
    Orders::builder().settings(settings).source(Etcd::new([url])).start().await.unwrap()
}

/// The keys and values below a prefix.
fn below(server: &EtcdServer, prefix: &str) -> Vec<(String, String)> {
    let lines = server.ctl(&["get", "--prefix", prefix]);
    let lines: Vec<&str> = lines.lines().collect();
    lines.chunks(2).map(|pair| (pair[0].to_owned(), pair.get(1).copied().unwrap_or_default().to_owned())).collect()
}

fn keys(server: &EtcdServer) -> Vec<String> {
    below(server, "/system/discovery/").into_iter().map(|(key, _)| key).collect()
}

/// Waits until it is true, for at most 30 s.
async fn until(what: &str, mut is_true: impl AsyncFnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_true().await {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

async fn has(instances: &Instances, count: usize) -> Duration {
    until(&format!("{count} instances"), async || instances.instances().len() == count).await
}

async fn readiness(status: &chassis::testing::Http) -> (u16, String) {
    let answer = status.get("/readyz").await.unwrap();
    let body: Value = answer.json().unwrap();
    (answer.status().as_u16(), body["status"].as_str().unwrap_or_default().to_owned())
}

fn lines<S: chassis::Microservice>(running: &chassis::Running<S>, text: &str) -> usize {
    running.logs().captured().iter().filter(|line| line["message"].to_string().contains(text)).count()
}

#[test]
fn a_service_is_registered_while_it_takes_work_and_not_any_more_when_it_closes() {
    let Some(server) = EtcdServer::start() else { return };
    let server = Arc::new(server);
    no_leaks(async move {
        let settings = registered().set("resources.registry.metadata.zone", "a");
        let running = Prices::builder().settings(settings).source(Etcd::new([server.url()])).start().await.unwrap();
        until("registered", async || !keys(&server).is_empty()).await;
        let [(key, value)] = below(&server, "/system/discovery/").try_into().unwrap();
        let view = running.view();
        assert_eq!(key, format!("/system/discovery/prices/{}", view.instance()));
        let value: Value = serde_json::from_str(&value).unwrap();
        let address = running.http("http").address();
        assert_eq!(
            (value["address"].as_str(), value["port"].as_u64()),
            (Some("127.0.0.1"), Some(address.port().into()))
        );
        assert_eq!(value["version"].as_str(), Some(view.version()));
        assert!(value["started"].as_str().is_some_and(|started| started.ends_with('Z')), "{value}");
        assert_eq!(value["metadata"], serde_json::json!({"zone": "a"}));
        assert_eq!(view.resource_info("registry")["key"].as_str(), Some(key.as_str()));

        let witness = &running.service().witness;
        let seen = Arc::clone(&witness.seen);
        let etcd = Arc::clone(&server);
        *witness.look.lock().unwrap() = Some(Box::new(move || {
            format!("{} keys, listens: {}", keys(&etcd).len(), TcpStream::connect(address).is_ok())
        }));
        let report = running.stop().await.unwrap();
        assert_eq!(seen.lock().unwrap().as_deref(), Some("0 keys, listens: true"));
        assert_eq!(report.code, 0);
    });
}

#[test]
fn an_address_that_a_changed_setting_has_moved_is_registered() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let running = prices(&server.url()).await;
        until("registered", async || !keys(&server).is_empty()).await;
        let port = chassis_tests::free_port();
        server.put("/system/resources/http/port", &port.to_string());
        let moved = format!("\"port\":{port}");
        until("registered where it is", async || {
            below(&server, "/system/discovery/").iter().any(|(_, value)| value.contains(&moved))
        })
        .await;
        assert_eq!(keys(&server).len(), 1);
        running.stop().await.unwrap();
    });
}

#[test]
fn without_http_it_is_the_status_server_and_what_the_settings_say_goes_first() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let start = async |settings: Dict| {
            let settings = settings.set("resources.registry.path", "prod.instances");
            Orders::builder().settings(settings).source(Etcd::new([server.url()])).start().await.unwrap()
        };
        let plain = start(registered()).await;
        until("registered", async || below(&server, "/prod/instances/orders/").len() == 1).await;
        let value: Value = serde_json::from_str(&below(&server, "/prod/")[0].1).unwrap();
        assert_eq!(value["port"].as_u64(), Some(plain.status_addr().port().into()));
        plain.stop().await.unwrap();
        let told = start(registered().set("resources.registry.address", "orders.internal:99")).await;
        until("registered", async || below(&server, "/prod/instances/orders/").len() == 1).await;
        let value: Value = serde_json::from_str(&below(&server, "/prod/")[0].1).unwrap();
        assert_eq!((value["address"].as_str(), value["port"].as_u64()), (Some("orders.internal"), Some(99)));
        told.stop().await.unwrap();
        let wrong = registered().set("resources.registry.address", "http://orders");
        let failed = Orders::builder().settings(wrong).source(Etcd::new([server.url()])).start().await;
        assert!(failed.is_err_and(|error| error.is_misconfigured()));
    });
}

#[test]
fn to_be_registered_nowhere_is_a_mistake_that_is_told() {
    no_leaks(async {
        let error = Prices::builder().settings(registered()).start().await.unwrap_err();
        assert!(error.is_misconfigured() && format!("{error:#}").contains("CHASSIS_ETCD_ENDPOINTS"), "{error:#}");
        let error = Orders::builder().start().await.unwrap_err();
        assert!(error.is_misconfigured() && format!("{error:#}").contains("CHASSIS_ETCD_ENDPOINTS"), "{error:#}");
    });
}

#[test]
fn instances_are_found_picked_in_turn_and_by_what_is_in_flight() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let looking = orders(&server.url()).await;
        let found = looking.service().discovery.service("prices");
        assert!(found.pick().unwrap_err().is_unavailable());
        let (one, two) = (prices(&server.url()).await, prices(&server.url()).await);
        found.wait().await;
        has(&found, 2).await;
        let authorities = || [&one, &two].map(|running| running.http("http").address().to_string());
        let mut picked: Vec<String> = (0..4).map(|_| found.pick().unwrap().authority()).collect();
        assert!(picked[0] == picked[2] && picked[1] == picked[3] && picked[0] != picked[1], "{picked:?}");
        picked.truncate(2);
        assert!(authorities().iter().all(|authority| picked.contains(authority)), "{picked:?}");
        let busy = found.pick_least_in_flight().unwrap();
        let other = looking.service().discovery.service("prices").pick_least_in_flight().unwrap();
        assert_ne!(busy.id, other.id);
        drop(other);
        for _ in 0..4 {
            assert_ne!(found.pick_least_in_flight().unwrap().id, busy.id);
        }
        let mut changes = found.clone();
        two.stop().await.unwrap();
        changes.changed().await;
        has(&found, 1).await;
        one.stop().await.unwrap();
        has(&found, 0).await;
        let error = found.pick().unwrap_err();
        assert!(error.is_unavailable() && error.to_string().contains("`prices`"), "{error}");
        looking.stop().await.unwrap();
    });
}

#[test]
fn a_bare_address_is_found_and_neither_it_nor_an_object_is_a_setting() {
    let Some(server) = EtcdServer::start() else { return };
    server.put("/system/discovery/prices/old", "10.0.0.1:8080");
    server.put("/system/discovery/prices/new", r#"{"address": "10.0.0.2", "port": 80}"#);
    server.put("/system/discovery/prices/odd", "what is this");
    no_leaks(async move {
        let looking = orders(&server.url()).await;
        let found = looking.service().discovery.service("prices");
        found.wait().await;
        let authorities: Vec<String> = found.instances().iter().map(|instance| instance.authority()).collect();
        assert_eq!(authorities, ["10.0.0.2:80", "10.0.0.1:8080"]);
        assert_eq!(lines(&looking, "/system/discovery/prices/odd"), 1);
        server.put("/system/discovery/prices/odd", "10.0.0.3:1");
        has(&found, 3).await;
        assert_eq!(readiness(&looking.status()).await, (200, "pass".to_owned()));
        looking.stop().await.unwrap();
    });
}

#[test]
fn an_instance_that_is_killed_is_gone_with_its_lease_and_one_that_stops_at_once() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let looking = orders(&server.url()).await;
        let found = looking.service().discovery.service("lab");
        let lab = || {
            let lab = Program::at(Path::new(env!("CARGO_BIN_EXE_lab"))).env("CHASSIS_ETCD_ENDPOINTS", server.url());
            let lab = lab.set("resources.status.port", 0).set("resources.registry.enabled", true);
            lab.set("resources.registry.ttl", "2s").start()
        };
        let (killed, stopped) = (lab(), lab());
        has(&found, 2).await;
        stopped.terminate();
        assert!(has(&found, 1).await < Duration::from_millis(1500));
        killed.kill();
        let took = has(&found, 0).await;
        assert!(took > Duration::from_millis(500) && took < Duration::from_secs(5), "{took:?}");
        assert_eq!(stopped.wait().code, Some(0));
        looking.stop().await.unwrap();
    });
}

#[test]
fn a_service_goes_on_without_etcd_and_is_registered_again_by_the_same_id() {
    let Some(mut server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let (running, looking) = (prices(&server.url()).await, orders(&server.url()).await);
        let found = looking.service().discovery.service("prices");
        has(&found, 1).await;
        let before = keys(&server);
        for round in 1..=2 {
            server.kill();
            for status in [running.status(), looking.status()] {
                until("warned", async || readiness(&status).await == (200, "warn".to_owned())).await;
            }
            tokio::time::sleep(Duration::from_secs(3)).await;
            assert_eq!(found.instances().len(), 1);
            assert!(found.pick().is_ok());
            assert_eq!(lines(&running, "not registered in etcd"), round);
            assert_eq!(lines(&looking, "are those known last"), round);
            server.restart();
            for status in [running.status(), looking.status()] {
                until("well", async || readiness(&status).await == (200, "pass".to_owned())).await;
            }
            assert_eq!(keys(&server), before);
            assert_eq!(lines(&running, "`registry` is well again"), round);
            assert_eq!(lines(&looking, "`discovery` is well again"), round);
        }
        has(&found, 1).await;
        running.stop().await.unwrap();
        has(&found, 0).await;
        looking.stop().await.unwrap();
    });
}

#[test]
fn cut_off_for_longer_than_the_lease_it_is_missed_and_comes_back() {
    let Some(server) = EtcdServer::start() else { return };
    let proxy = Proxy::to(server.port());
    no_leaks(async move {
        let (running, looking) = (prices(&proxy.url()).await, orders(&server.url()).await);
        let found = looking.service().discovery.service("prices");
        has(&found, 1).await;
        let before = keys(&server);
        for is_silent in [true, false] {
            if is_silent {
                proxy.swallow()
            } else {
                proxy.cut()
            }
            has(&found, 0).await;
            assert_eq!(readiness(&running.status()).await.0, 200);
            proxy.heal();
            has(&found, 1).await;
            assert_eq!(keys(&server), before);
        }
        // What cannot be taken back expires by itself, and holds up nobody.
        proxy.swallow();
        let began = Instant::now();
        running.stop().await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(1500), "{:?}", began.elapsed());
        has(&found, 0).await;
        looking.stop().await.unwrap();
        // What was held up goes on, and ends.
        proxy.heal();
    });
}

#[test]
fn fifty_services_register_at_once() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let looking = orders(&server.url()).await;
        let found = looking.service().discovery.service("prices");
        let began = Instant::now();
        let mut starts = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let url = server.url();
            starts.spawn(async move { prices(&url).await });
        }
        let running = starts.join_all().await;
        has(&found, 50).await;
        println!("50 services are started and found after {:?}", began.elapsed());
        let mut stops = tokio::task::JoinSet::new();
        let began = Instant::now();
        for running in running {
            stops.spawn(async move { running.stop().await.map(drop) });
        }
        assert!(stops.join_all().await.iter().all(Result::is_ok));
        has(&found, 0).await;
        println!("and stopped and gone after {:?}", began.elapsed());
        looking.stop().await.unwrap();
    });
}
