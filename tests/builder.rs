//! A service started in process: how a test or a script sets it up, reaches it, and is rid of it.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use chassis::{lifecycle::EventKind, prelude::*, yaml};
use chassis_tests::{Client, Fault, Probe, Program, no_leaks, no_leaks_paused};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

/// Where prices come from.
trait Prices: Resource + Default {
    fn price(&self, article: &str) -> impl Future<Output = Option<u32>> + Send;
}

/// The real thing, which no test can reach.
#[derive(Default)]
struct PriceServer;

impl Resource for PriceServer {
    type Settings = ();

    async fn start(&self, _: &Context, (): ()) -> Result<()> {
        Err(Error::misconfigured(Error::msg("not in a test")))
    }
}

impl Prices for PriceServer {
    async fn price(&self, _: &str) -> Option<u32> {
        None
    }
}

/// A fake.
#[derive(Default)]
struct FakePrices(Vec<(&'static str, u32)>);

impl Resource for FakePrices {
    type Settings = ();
}

impl Prices for FakePrices {
    async fn price(&self, article: &str) -> Option<u32> {
        self.0.iter().find(|(name, _)| *name == article).map(|(_, price)| *price)
    }
}

#[microservice(name = "shop")]
struct Shop<P: Prices = PriceServer> {
    #[resource]
    prices: P,
    #[resource(after = [prices])]
    http: HttpServer,
    /// What is added to every price.
    #[setting(default = 0)]
    margin: Setting<u32>,
    /// Prices that were asked for.
    #[meter]
    asked: Counter,
}

#[microservice]
impl<P: Prices> Shop<P> {
    #[get("/prices/{article}")]
    async fn price(&self, Path(article): Path<String>) -> Result<Json<u32>, Problem> {
        self.asked.inc();
        tracing::info!(article, "asked for a price");
        let price = self.prices.price(&article).await.ok_or_else(Problem::not_found)?;
        Ok(Json(price + self.margin.get()))
    }

    #[get("/slow", timeout = "5m")]
    async fn slow(&self) -> &'static str {
        tokio::time::sleep(Duration::from_secs(120)).await;
        "done\n"
    }
}

fn shop() -> chassis::Builder<Shop<FakePrices>> {
    let any_port = yaml! { resources: { http: { port: 0 } } };
    Shop::<FakePrices>::builder().settings(any_port).with(|shop| shop.prices = FakePrices(vec![("tea", 5)]))
}

#[test]
fn a_fake_stands_in_for_a_resource_and_later_settings_win() {
    no_leaks_paused(async {
        let running = shop()
            .settings(yaml! { microservices: { shop: { margin: 1 } } })
            .settings(yaml! { microservices: { shop: { margin: 2 } } })
            .start()
            .await
            .unwrap();
        let http = running.http("http");
        assert_eq!(http.get("/prices/tea").await.unwrap().json::<u32>().unwrap(), 7);
        assert_eq!(http.get("/prices/gold").await.unwrap().status(), 404);
        assert_eq!(running.service().margin.get(), 2);
        running.stop().await.unwrap();
    });
}

#[test]
fn the_client_in_the_process_needs_no_real_time() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let (began, really) = (Instant::now(), std::time::Instant::now());
        assert_eq!(running.http("http").get("/slow").await.unwrap().text(), "done\n");
        assert!(began.elapsed() >= Duration::from_secs(120));
        assert!(really.elapsed() < Duration::from_secs(10));
        running.stop().await.unwrap();
    });
}

#[test]
fn the_bound_address_is_there_for_any_other_client() {
    no_leaks(async {
        let running = shop().start().await.unwrap();
        let http = running.http("http");
        assert_eq!(http.url("/slow"), format!("http://{}/slow", http.address()));
        let address = http.address();
        assert!(address.ip().is_loopback());
        let asked = tokio::task::spawn_blocking(move || Client::once(address, "GET", "/prices/tea", ""));
        assert_eq!(asked.await.unwrap().unwrap().text(), "5");
        running.stop().await.unwrap();
    });
}

#[test]
fn a_name_that_no_server_has_is_told() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        for (name, expected) in
            [("htp", "`shop` has no HTTP server called `htp`"), ("prices", "no HTTP server called `prices`")]
        {
            let panic = catch_unwind(AssertUnwindSafe(|| running.http(name))).unwrap_err();
            let text = panic.downcast_ref::<String>().unwrap();
            assert!(text.contains(expected), "{text}");
        }
        running.stop().await.unwrap();
    });
}

#[test]
fn services_in_parallel_do_not_see_each_other() {
    no_leaks_paused(async {
        let (one, other) = tokio::join!(shop().start(), shop().start());
        let (one, other) = (one.unwrap(), other.unwrap());
        for _ in 0..3 {
            one.http("http").get("/prices/tea").await.unwrap();
        }
        assert_eq!(one.metrics().get("asked", &[]), Some(3.0));
        assert_eq!(other.metrics().get("asked", &[]), Some(0.0));
        let asked = |logs: chassis::logging::Logs| {
            logs.captured().iter().filter(|line| line["message"] == "asked for a price").count()
        };
        assert_eq!((asked(one.logs()), asked(other.logs())), (3, 0));
        assert_ne!(one.http("http").address(), other.http("http").address());
        one.stop().await.unwrap();
        // The other one goes on.
        assert_eq!(other.http("http").get("/prices/tea").await.unwrap().status(), 200);
        other.stop().await.unwrap();
    });
}

#[test]
fn events_are_seen_from_the_first_on() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let mut events = running.events();
        let first = events.next().await.unwrap();
        assert!(matches!(first.kind, EventKind::Step { .. } | EventKind::Hook { .. }), "{first:?}");
        assert!(events.find(|kind| matches!(kind, EventKind::Running { .. }).then_some(())).await.is_some());
        let report = running.stop().await.unwrap();
        assert_eq!(report.code, 0);
        assert!(events.find(|kind| matches!(kind, EventKind::Stopped { code: 0, .. }).then_some(())).await.is_some());
    });
}

#[test]
fn a_start_that_fails_tells_why_and_leaves_nothing() {
    no_leaks_paused(async {
        let error = <Shop>::builder().settings(yaml! { resources: { http: { port: 0 } } }).start().await.unwrap_err();
        assert!(error.is_misconfigured());
        assert_eq!(error.to_string(), "resource `prices` failed in `start`: not in a test");
    });
}

#[test]
fn settings_that_are_wrong_are_told_all_at_once() {
    no_leaks_paused(async {
        let wrong = yaml! { resources: { http: { port: "http", hots: "x" } }, microservices: { shop: { margin: -1 } } };
        let error = shop().settings(wrong).start().await.unwrap_err();
        assert!(error.is_misconfigured());
        let text = format!("{error:#}");
        for expected in
            ["settings: 3 problems", "resources.http.port", "did you mean `host`?", "shop.margin", "at builder"]
        {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    });
}

#[test]
fn what_goes_wrong_while_it_runs_is_told_by_its_stop() {
    #[microservice(name = "brittle")]
    struct Brittle {
        #[resource]
        db: Probe,
    }

    #[microservice]
    impl Brittle {
        #[task]
        async fn import(&self) -> Result<()> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(Error::msg("nothing to import"))
        }
    }

    no_leaks_paused(async {
        let running = Brittle::builder().start().await.unwrap();
        running.stopping().await;
        let error = running.stop().await.unwrap_err();
        assert_eq!(error.to_string(), "task `import` failed: nothing to import");
        assert_eq!(error.cause().exit_code(), 70);

        let db = Probe::default().fault(chassis::lifecycle::Phase::Stop, Fault::Crash);
        let running = Brittle::builder().with(move |s| s.db = db).start().await.unwrap();
        let error = running.stop().await.unwrap_err();
        assert!(error.to_string().contains("resource `db` failed in `stop`: broken"), "{error}");
    });
}

// Not in `no_leaks`: without a stop, tasks end with the runtime of the test, and no sooner.
#[tokio::test]
async fn a_test_that_fails_half_way_leaves_no_thread() {
    #[microservice(name = "threaded")]
    struct Threaded {
        #[init(None)]
        ended: Option<tokio::sync::mpsc::Sender<()>>,
    }

    #[microservice]
    impl Threaded {
        #[thread]
        fn crunch(&self, stop: Shutdown) {
            while !stop.wait_timeout(Duration::from_secs(3600)) {}
            self.ended.as_ref().map(|ended| ended.try_send(()));
        }
    }

    let (ended, mut ends) = tokio::sync::mpsc::channel(1);
    let running = Threaded::builder().with(|s| s.ended = Some(ended)).start().await.unwrap();
    drop(running);
    assert_eq!(ends.recv().await, Some(()));
}

#[test]
fn what_contradicts_itself_is_told_before_anything_is_started() {
    #[microservice(name = "twice", parts = [one, other])]
    struct Twice {
        #[resource]
        db: Probe,
        #[resource]
        http: HttpServer,
    }

    #[microservice(part = one)]
    impl Twice {
        #[get("/orders/{id}")]
        async fn order(&self) {}
    }

    #[microservice(part = other)]
    impl Twice {
        #[get("/orders/{number}")]
        async fn by_number(&self) {}
    }

    no_leaks_paused(async {
        let journal = chassis_tests::Journal::default();
        let db = Probe::new(&journal);
        let error = Twice::builder().with(move |s| s.db = db).start().await.unwrap_err();
        assert!(error.is_misconfigured());
        let text = format!("{error:#}");
        assert!(text.contains("`order`") && text.contains("`by_number`"), "{text}");
        assert_eq!(journal.lines(), [""; 0]);
    });
}

#[test]
fn the_status_server_of_a_test_takes_any_free_port_of_the_machine() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let origin = |key: &str| {
            let effective = running.view().settings().effective();
            effective.into_iter().find(|setting| setting.key == key).map(|setting| setting.value)
        };
        assert_eq!(origin("system.resources.status.port"), Some(0.into()));
        assert!(running.status_addr().ip().is_loopback());
        running.stop().await.unwrap();
    });
}

#[test]
fn the_environment_is_read_only_where_it_is_asked_for() {
    // Read: `script` asks for it.
    let told = Program::example("script").env("CHASSIS__LIFECYCLE__STOP_TIMEOUT", "soon").run();
    assert_ne!(told.code, Some(0));
    assert!(told.stderr.contains("CHASSIS__LIFECYCLE__STOP_TIMEOUT"), "{}", told.stderr);
    // Not read: a test does not; nor does its server wait at the stop, or listen to everybody, as on Kubernetes.
    let this = std::env::current_exe().unwrap();
    let test = "builder::the_bound_address_is_there_for_any_other_client";
    let told = Program::at(&this)
        .arg(test)
        .arg("--exact")
        .env("CHASSIS__LIFECYCLE__STOP_TIMEOUT", "soon")
        .env("CHASSIS_SETTINGS_FILE", "/nowhere.yml")
        .env("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        .run();
    assert_eq!(told.code, Some(0), "{}", told.stdout);
    assert!(told.lived < Duration::from_secs(5), "{:?}", told.lived);
}

/// With something of everything that can be at work.
#[microservice(name = "busy")]
struct Busy {
    #[resource]
    http: HttpServer,
    #[resource]
    worker: Worker,
}

#[microservice]
impl Busy {
    #[get("/slow", timeout = "5m")]
    async fn slow(&self) {
        std::future::pending::<()>().await;
    }

    #[task]
    async fn stubborn(&self, _stop: Shutdown) {
        std::future::pending::<()>().await;
    }

    #[task_timer(interval = "1ms")]
    async fn tick(&self) {
        std::future::pending::<()>().await;
    }

    #[thread]
    fn wait(&self, stop: Shutdown) {
        while !stop.wait_timeout(Duration::from_secs(60)) {}
    }

    #[after(open)]
    async fn begin(&self, cx: Context) {
        cx.spawn("of the service", std::future::pending::<()>());
    }
}

/// Works in the background.
#[derive(Default)]
struct Worker;

impl Resource for Worker {
    type Settings = ();

    async fn pre_start(&self, cx: &Context) -> Result<()> {
        cx.spawn("early", std::future::pending::<()>());
        Ok(())
    }

    async fn start(&self, cx: &Context, (): ()) -> Result<()> {
        cx.spawn("late", std::future::pending::<()>());
        Ok(())
    }
}

#[test]
fn a_service_that_is_dropped_leaves_nothing_at_work() {
    no_leaks(async {
        let running = Busy::builder().settings(yaml! { resources: { http: { port: 0 } } }).start().await.unwrap();
        let mut connection = tokio::net::TcpStream::connect(running.http("http").address()).await.unwrap();
        connection.write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        running.events().find(|kind| matches!(kind, EventKind::Running { .. }).then_some(())).await.unwrap();
        drop(running);
        let mut rest = Vec::new();
        let end = tokio::time::timeout(Duration::from_secs(10), connection.read_to_end(&mut rest)).await;
        assert_eq!(end.expect("the connection is closed").unwrap_or_default(), 0);
    });
}
