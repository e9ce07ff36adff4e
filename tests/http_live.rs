//! Settings of an HTTP server that change under load: whoever is connected goes on, and no request fails.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use chassis::{
    lifecycle::{EventKind, EventStream},
    prelude::*,
    settings::Dict,
};
use chassis_tests::{Client, free_port, no_leaks};
use serde_json::Value;

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    http: HttpServer,
    #[resource]
    admin: HttpServer,
    asked: AtomicUsize,
}

#[microservice]
impl Orders {
    #[get(http, "/orders/{id}")]
    async fn order(&self, Path(id): Path<u32>) -> Json<u32> {
        Json(id)
    }

    #[post(http, "/orders")]
    async fn add(&self, order: String) -> String {
        order
    }

    #[get(http, "/slow")]
    async fn slow(&self) -> &'static str {
        self.asked.fetch_add(1, Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        "at last"
    }

    #[get(http, "/often", cache = "1h")]
    async fn often(&self) -> String {
        self.asked.fetch_add(1, Relaxed).to_string()
    }

    #[get(admin, "/")]
    async fn front(&self) -> &'static str {
        "admin"
    }
}

/// Any free port for both servers and the status server.
fn settings() -> Dict {
    Dict::new().set("resources.http.port", 0).set("resources.admin.port", 0).set("resources.status.port", 0)
}

/// A service whose settings change.
struct Live {
    running: chassis::Running<Orders>,
    events: EventStream,
}

impl Live {
    async fn start(settings: Dict) -> Self {
        let running = Orders::builder().settings(settings).start().await.unwrap();
        let events = running.events().from_now();
        Self { running, events }
    }

    /// Sets a value of the server, and waits until it is in force; otherwise says why it is refused.
    async fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<(), String> {
        let value: Value = value.into();
        self.running.context().settings().set(&format!("resources.{key}"), value).unwrap();
        self.outcome().await?;
        // Told before the resources take it over, which waits for nothing but to be taken over.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }

    async fn outcome(&mut self) -> Result<Vec<String>, String> {
        let kind = |kind: &EventKind| match kind {
            EventKind::SettingsChanged { keys } => Some(Ok(keys.clone())),
            EventKind::SettingsRefused { why } => Some(Err(why.clone())),
            _ => None,
        };
        self.events.find(kind).await.unwrap()
    }

    fn address(&self) -> SocketAddr {
        self.running.service().http.address().unwrap()
    }

    /// How many connections there were.
    fn connections(&self) -> f64 {
        let labels = [("server", "http")];
        self.running.metrics().get("http_server_connections_accepted_total", &labels).unwrap_or_default()
    }

    async fn stop(self) {
        self.running.stop().await.unwrap();
    }
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn a_connection_that_is_open_sees_what_changed_with_its_next_request() {
    no_leaks(async {
        let mut live = Live::start(settings()).await;
        let mut client = Client::connect(live.address()).unwrap();
        let origin = &[("origin", "https://shop.example")];
        let mut get = |target: &str| client.send("GET", target, origin, "").unwrap();
        let first = get("/orders/1/");
        assert_eq!((first.status, first.header("access-control-allow-origin")), (200, None));
        assert!(first.header("etag").is_some() && first.header("x-request-id").is_some());
        live.set("http.cors.origins", vec!["https://shop.example"]).await.unwrap();
        assert_eq!(get("/orders/1").header("access-control-allow-origin"), Some("https://shop.example"));
        live.set("http.etag", false).await.unwrap();
        assert_eq!(get("/orders/1").header("etag"), None);
        live.set("http.trailing_slash", false).await.unwrap();
        assert_eq!(get("/orders/1/").status, 404);
        live.set("http.openapi", false).await.unwrap();
        assert_eq!(get("/openapi.json").status, 404);
        live.set("http.observability", false).await.unwrap();
        assert_eq!(get("/orders/1").header("x-request-id"), None);
        // What is in the cache stays, unless there is no room for it.
        assert_eq!((get("/often").body, get("/often").body), (b"0".to_vec(), b"0".to_vec()));
        live.set("http.etag", true).await.unwrap();
        assert_eq!((get("/often").body, get("/often").header("x-cache")), (b"0".to_vec(), Some("HIT")));
        live.set("http.cache_size", 0).await.unwrap();
        assert_eq!((get("/often").body, get("/often").body), (b"1".to_vec(), b"2".to_vec()));
        live.set("http.request_timeout", "50ms").await.unwrap();
        assert_eq!(get("/slow").status, 504);
        live.set("http.load_shedding.max_in_flight", 1).await.unwrap();
        assert_eq!(get("/orders/1").status, 200);
        let mut post = || client.send("POST", "/orders", &[], "a book").unwrap().status;
        assert_eq!(post(), 200);
        live.set("http.body_limit", 5).await.unwrap();
        assert_eq!(post(), 413);
        live.set("http.body_limit", 6).await.unwrap();
        let mut client = Client::connect(live.address()).unwrap();
        assert_eq!(client.send("POST", "/orders", &[], "a book").unwrap().status, 200);
        assert_eq!(live.connections(), 2.0, "a refused body ends its connection; nothing else does");
        live.stop().await;
    });
}

#[test]
fn a_request_under_way_ends_by_the_settings_it_began_with() {
    no_leaks(async {
        let mut live = Live::start(settings()).await;
        let address = live.address();
        let slow = thread::spawn(move || Client::once(address, "GET", "/slow", "").unwrap());
        let service = live.running.service();
        eventually("it is asked", || service.asked.load(Relaxed) == 1).await;
        live.set("http.request_timeout", "1ms").await.unwrap();
        live.set("http.cors.origins", vec!["*"]).await.unwrap();
        let moved = free_port();
        live.set("http.port", moved).await.unwrap();
        eventually("it listens elsewhere", || live.address().port() == moved).await;
        let answer = slow.join().unwrap();
        assert_eq!((answer.status, answer.body), (200, b"at last".to_vec()));
        assert_eq!(Client::once(live.address(), "GET", "/slow", "").unwrap().status, 504);
        live.stop().await;
    });
}

#[test]
fn limits_of_connections_reach_those_that_are_open() {
    no_leaks(async {
        let mut live = Live::start(settings()).await;
        let mut idle = Client::connect(live.address()).unwrap();
        assert_eq!(idle.send("GET", "/orders/1", &[], "").unwrap().status, 200);
        let mut silent = Client::connect(live.address()).unwrap();
        live.set("http.connections.keep_alive_timeout", "30ms").await.unwrap();
        assert!(idle.is_closed(Duration::from_secs(5)));
        assert!(!silent.is_closed(Duration::from_millis(50)));
        live.set("http.connections.header_read_timeout", "30ms").await.unwrap();
        assert!(silent.is_closed(Duration::from_secs(5)));
        // One that waits for room gets in once there is more.
        live.set("http.connections.keep_alive_timeout", "75s").await.unwrap();
        live.set("http.connections.header_read_timeout", "10s").await.unwrap();
        live.set("http.connections.max_connections", 1).await.unwrap();
        let first = Client::connect(live.address()).unwrap();
        let address = live.address();
        let second = thread::spawn(move || Client::once(address, "GET", "/orders/2", "").unwrap().status);
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!second.is_finished());
        live.set("http.connections.max_connections", 2).await.unwrap();
        assert_eq!(second.join().unwrap(), 200);
        drop(first);
        live.stop().await;
    });
}

#[test]
fn a_port_that_somebody_else_has_changes_nothing_and_is_told_in_one_line() {
    no_leaks(async {
        let mut live = Live::start(settings()).await;
        let before = live.address();
        let mut client = Client::connect(before).unwrap();
        assert_eq!(client.send("GET", "/orders/1", &[], "").unwrap().status, 200);
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let why = live.set("http.port", port).await.unwrap_err();
        for part in [&format!("127.0.0.1:{port}"), "Address already in use", "`system.resources.http.port`"] {
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(live.address(), before);
        let answer = client.send("GET", "/orders/1", &[], "").unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, None));
        let refused = |line: &&Value| line["message"].as_str().unwrap().contains("changed settings are refused");
        assert_eq!(live.running.logs().captured().iter().filter(refused).count(), 1);
        // The port of the other server is somebody else's, too.
        let admin = live.running.service().admin.address().unwrap();
        let why = live.set("http.port", admin.port()).await.unwrap_err();
        assert!(why.contains(&admin.to_string()), "{why}");
        // Once it is free it is taken.
        drop(taken);
        live.set("http.port", port).await.unwrap();
        eventually("it listens there", || live.address().port() == port).await;
        live.stop().await;
    });
}

#[test]
fn who_is_connected_to_an_address_that_is_left_is_told_to_come_again() {
    no_leaks(async {
        let mut live = Live::start(settings()).await;
        let (before, after) = (live.address(), free_port());
        let mut client = Client::connect(before).unwrap();
        assert_eq!(client.send("GET", "/orders/1", &[], "").unwrap().header("connection"), None);
        let waiting = Client::connect(before).unwrap();
        live.set("http.port", after).await.unwrap();
        let answer = client.send("GET", "/orders/1", &[], "").unwrap();
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        assert!(client.is_closed(Duration::from_secs(5)));
        drop(waiting);
        assert_eq!(live.address().port(), after);
        assert_eq!(Client::once(live.address(), "GET", "/orders/1", "").unwrap().status, 200);
        eventually("the old address is left", || Client::connect(before).is_err()).await;
        let line = format!("`http` listens on http://{} now, and leaves {before}", live.address());
        assert!(live.running.logs().captured().iter().any(|said| said["message"] == line.as_str()));
        assert_eq!(live.running.http("http").get("/orders/3").await.unwrap().text(), "3");
        // The other servers of the service go on elsewhere by themselves.
        let (admin, status) = (free_port(), free_port());
        live.set("admin.port", admin).await.unwrap();
        live.set("status.port", status).await.unwrap();
        let once = |port: u16, path: &str| Client::once(SocketAddr::from(([127, 0, 0, 1], port)), "GET", path, "");
        eventually("admin is there", || once(admin, "/").is_ok_and(|answer| answer.body == b"admin")).await;
        eventually("status is there", || once(status, "/livez").is_ok_and(|answer| answer.status == 200)).await;
        let resources = String::from_utf8(once(status, "/resources").unwrap().body).unwrap();
        assert!(resources.contains(&live.address().to_string()), "{resources}");
        live.stop().await;
    });
}

/// How many requests a second all clients together send.
const RATE: u64 = 1500;
const CLIENTS: u64 = 12;

/// What the clients saw.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: AtomicUsize,
    is_over: AtomicBool,
}

/// Sends requests at a steady rate on kept connections to where the server is.
fn client(address: &dyn Fn() -> SocketAddr, seen: &Seen, number: u64) {
    let pause = Duration::from_micros(1_000_000 * CLIENTS / RATE);
    let mut connection: Option<Client> = None;
    let mut sent = number;
    let mut due = Instant::now() + pause.mul_f64(number as f64 / CLIENTS as f64);
    while !seen.is_over.load(Relaxed) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += pause;
        sent += 1;
        let target = address();
        let connected = connection.take().map_or_else(|| Client::connect(target), Ok);
        let answer = connected.and_then(|mut client| {
            let answer = match sent % 10 {
                0 => client.send("POST", "/orders", &[], "a book")?,
                1 => client.send("GET", "/often", &[], "")?,
                _ => client.send("GET", "/orders/1", &[("origin", "https://shop.example")], "")?,
            };
            Ok((answer, client))
        });
        match answer {
            Ok((answer, client)) if answer.status == 200 => {
                seen.answered.fetch_add(1, Relaxed);
                if answer.header("connection") != Some("close") {
                    connection = Some(client);
                }
            }
            // Connected too late to where the server was; where it is has to work.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused && address() != target => {}
            other => {
                eprintln!("{:?}", other.map(|(answer, _)| answer));
                seen.failed.fetch_add(1, Relaxed);
            }
        }
    }
}

#[test]
fn no_request_fails_however_often_limits_and_port_change() {
    no_leaks(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yml");
        let ports = [free_port(), free_port()];
        let text = |round: usize| {
            let port = ports[round % 2];
            format!("system:\n  resources:\n    http:\n      port: {port}\n      body_limit: {}\n", 1000 + round)
        };
        fs::write(&path, text(0)).unwrap();
        let others = Dict::new().set("resources.admin.port", 0).set("resources.status.port", 0);
        let running = Orders::builder().settings_file(&path).settings(others).start().await.unwrap();
        let events = running.events().from_now();
        let live = Live { running, events };
        let settings = live.running.context().settings().clone();
        let set = |key: &str, value: Value| settings.set(&format!("resources.http.{key}"), value).unwrap();
        let (seen, service) = (Seen::default(), live.running.service());
        let address = || service.http.address().unwrap();
        let begun = Instant::now();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let (seen, address) = (&seen, &address);
                    scope.spawn(move || client(address, seen, number))
                })
                .collect();
            for round in 1..=20 {
                fs::write(&path, text(round)).unwrap();
                let is_even = round % 2 == 0;
                set("request_timeout", if is_even { "5s" } else { "0s" }.into());
                set("cors.origins", if is_even { vec!["*"] } else { vec![] }.into());
                set("cache_size", if is_even { 0 } else { 1 << 20 }.into());
                set("connections.keep_alive_timeout", format!("{}s", 10 + round).into());
                set("connections.max_connections", (100 + round).into());
                set("connections.backlog", (100 + round).into());
                set("compression.min_size", round.into());
                let due = Instant::now() + Duration::from_secs(20);
                while address().port() != ports[round % 2] {
                    assert!(Instant::now() < due, "round {round}: still at {}", address());
                    thread::sleep(Duration::from_millis(1));
                }
                // Sometimes while the address before is still being left.
                thread::sleep(Duration::from_millis(40 * (round as u64 % 5)));
            }
            seen.is_over.store(true, Relaxed);
            clients.into_iter().for_each(|client| client.join().unwrap());
        });
        let (answered, took) = (seen.answered.load(Relaxed), begun.elapsed());
        let rate = answered as f64 / took.as_secs_f64();
        println!("{answered} answers in {took:?}, {rate:.0} a second");
        assert_eq!(seen.failed.load(Relaxed), 0, "of {answered}");
        // On a machine that is busy with other tests, clients and server fall behind.
        assert!(rate > RATE as f64 / 4.0, "the load was real: {rate:.0} a second");
        live.stop().await;
    });
}
