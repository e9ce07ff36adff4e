//! The status server: what it answers, to whom, and from when to when.

use std::{sync::Mutex, time::Duration};

use chassis::{
    lifecycle::{EventKind, Phase},
    prelude::*,
    settings::{Layer, Problems, Source},
    testing::Http,
    yaml,
};
use chassis_tests::{Client, Fault, Probe, no_leaks, no_leaks_paused};
use serde_json::{Value, json};

/// Prices <orders> & remembers them.
#[microservice(name = "shop")]
struct Shop {
    /// Where orders are kept.
    #[resource(critical)]
    db: Probe,
    #[resource(after = [db])]
    server: Probe,
}

#[microservice]
impl Shop {
    #[task]
    async fn reconcile(&self, stop: Shutdown) {
        stop.wait().await;
    }

    #[task_timer(interval = "1s")]
    async fn tick(&self) {}
}

fn shop() -> chassis::Builder<Shop> {
    Shop::builder()
}

async fn json(http: &Http, path: &str) -> (u16, Value) {
    let answer = http.get(path).await.unwrap();
    (answer.status().as_u16(), answer.json().unwrap())
}

#[test]
fn it_tells_states_and_readiness_of_a_service_that_works() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let http = running.status();

        let (status, body) = json(&http, "/status").await;
        assert_eq!((status, &body["db"]["status"], &body["server"]["status"]), (200, &json!(2), &json!(2)));
        assert_eq!(body.as_object().map(|body| body.len()), Some(2), "no parts of the chassis: {body}");
        for probe in ["/livez", "/readyz", "/startupz"] {
            let answer = http.get(probe).await.unwrap();
            assert_eq!(answer.status(), 200, "{probe}");
            assert_eq!(answer.header("content-type"), Some("application/health+json"), "{probe}");
            assert_eq!(answer.json::<Value>().unwrap()["status"], "pass", "{probe}");
        }
        let (_, ready) = json(&http, "/readyz").await;
        assert_eq!(ready["checks"]["db:state"][0]["observedValue"], "STARTED");
        running.stop().await.unwrap();
    });
}

#[test]
fn readiness_follows_critical_resources_and_only_warns_of_others() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let (http, service) = (running.status(), running.service());
        let mut events = running.events();

        service.server.set_ill(true);
        events.find(|kind| matches!(kind, EventKind::Health { resource: "server", .. }).then_some(())).await.unwrap();
        let (status, body) = json(&http, "/readyz").await;
        assert_eq!((status, &body["status"]), (200, &json!("warn")), "{body}");
        assert_eq!(body["checks"]["server:state"][0]["output"], "ill");

        service.db.set_ill(true);
        events.find(|kind| matches!(kind, EventKind::Health { resource: "db", .. }).then_some(())).await.unwrap();
        let (status, body) = json(&http, "/readyz").await;
        assert_eq!((status, &body["status"], &body["output"]), (503, &json!("fail"), &json!("resource `db`: ill")));
        // Liveness looks at nothing but the process, and a start stays a success.
        assert_eq!(json(&http, "/livez").await.0, 200);
        assert_eq!(json(&http, "/startupz").await.0, 200);
        running.stop().await.unwrap();
    });
}

#[test]
fn probes_are_answered_during_the_start_and_during_the_stop() {
    #[microservice(name = "early")]
    struct Early {
        #[resource]
        asker: Asker,
        #[resource(after = [asker])]
        slow: Probe,
    }

    no_leaks(async {
        let slow = Probe::default().fault(Phase::Stop, Fault::Hang);
        let settings = yaml! { lifecycle: { stop_timeout: "2s" } };
        let running = Early::builder().settings(settings).with(move |s| s.slow = slow).start().await.unwrap();
        let during_start = running.service().asker.answers.lock().unwrap().clone();
        assert_eq!(during_start, [("/livez", 200), ("/readyz", 503), ("/startupz", 503), ("/status", 503)]);

        let http = running.status();
        let mut events = running.events();
        let stopping = tokio::spawn(running.stop());
        events.find(|kind| matches!(kind, EventKind::Phase { phase: Phase::Drain, .. }).then_some(())).await.unwrap();
        let (status, body) = json(&http, "/readyz").await;
        assert_eq!((status, &body["output"]), (503, &json!("stopping")));
        assert_eq!(json(&http, "/livez").await.0, 200);
        assert_eq!(json(&http, "/startupz").await.0, 200);
        assert!(stopping.await.unwrap().is_err(), "`slow` hangs");
    });
}

/// Asks the status server while it starts.
#[derive(Debug, Default)]
struct Asker {
    answers: Mutex<Vec<(&'static str, u16)>>,
}

impl Resource for Asker {
    type Settings = ();

    async fn start(&self, cx: &Context, (): ()) -> Result<()> {
        let address = cx.service().resource_info("status")["address"].as_str().unwrap_or_default().parse()?;
        for path in ["/livez", "/readyz", "/startupz", "/status"] {
            let answer = tokio::task::spawn_blocking(move || Client::once(address, "GET", path, "")).await??;
            self.answers.lock().unwrap().push((path, answer.status));
        }
        Ok(())
    }
}

#[test]
fn it_tells_resources_tasks_events_levels_and_the_build_as_json() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let http = running.status();
        tokio::time::sleep(Duration::from_millis(2500)).await;

        let (_, tasks) = json(&http, "/tasks").await;
        assert_eq!((&tasks["reconcile"]["kind"], &tasks["reconcile"]["state"]), (&json!("task"), &json!("running")));
        assert_eq!((&tasks["tick"]["kind"], &tasks["tick"]["runs"]), (&json!("timer"), &json!(2)));
        assert!(tasks["tick"]["last"].is_string() && tasks["tick"]["next"].is_string(), "{tasks}");

        let (_, resources) = json(&http, "/resources").await;
        assert_eq!(resources["db"]["about"], "Where orders are kept.");
        assert_eq!((&resources["db"]["critical"], &resources["server"]["after"]), (&json!(true), &json!(["db"])));
        assert_eq!(resources["status"]["info"]["address"], running.status_addr().to_string());
        let states: Vec<&Value> =
            resources["db"]["history"].as_array().unwrap().iter().map(|at| &at["state"]).collect();
        assert_eq!(states, ["CONNECTING", "STARTED"]);

        let (_, events) = json(&http, "/events").await;
        let events = events.as_array().unwrap();
        assert!(events.iter().any(|event| event["event"] == "running" && event["took_ms"].is_number()), "{events:?}");
        let (_, loggers) = json(&http, "/loggers").await;
        assert_eq!(loggers["root"]["level"], "info");
        let (_, info) = json(&http, "/info").await;
        assert_eq!((&info["name"], &info["state"]), (&json!("shop"), &json!("running")));
        assert_eq!(info["process"]["id"], std::process::id());
        running.stop().await.unwrap();
    });
}

#[test]
fn a_service_without_tasks_has_an_empty_list_of_them() {
    #[microservice(name = "idle")]
    struct Idle {}

    no_leaks_paused(async {
        let running = Idle::builder().start().await.unwrap();
        let http = running.status();
        assert_eq!(json(&http, "/tasks").await, (200, json!({})));
        assert_eq!(json(&http, "/status").await, (200, json!({})));
        running.stop().await.unwrap();
    });
}

#[test]
fn metrics_come_as_text_or_open_metrics() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let http = running.status();
        let text = http.get("/metrics").await.unwrap();
        assert_eq!(text.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        assert!(text.text().contains("# TYPE "), "{}", text.text());
        let open = http.get("/metrics").header("accept", "application/openmetrics-text; version=1.0.0").await.unwrap();
        assert!(open.header("content-type").unwrap().starts_with("application/openmetrics-text"));
        assert!(open.text().ends_with("# EOF\n"));
        running.stop().await.unwrap();
    });
}

#[test]
fn the_page_and_the_graph_escape_what_they_show() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let http = running.status();
        let page = http.get("/").await.unwrap();
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(page.text().contains("Prices &lt;orders&gt; &amp; remembers them."), "{}", page.text());
        assert!(!page.text().contains("<orders>") && !page.text().contains("<script"), "{}", page.text());
        let page = http.get("/?refresh=5&x=1").await.unwrap();
        assert!(page.text().contains("<meta http-equiv=\"refresh\" content=\"5\">"));

        let svg = http.get("/graph.svg").await.unwrap();
        assert_eq!(svg.header("content-type"), Some("image/svg+xml"));
        assert!(svg.text().contains(">STARTED</text>"));
        assert!(http.get("/graph.dot").await.unwrap().text().contains("\"db\" -> \"server\""));
        assert_eq!(json(&http, "/graph.json").await.1["edges"], json!([{ "from": "db", "to": "server" }]));
        running.stop().await.unwrap();
    });
}

#[test]
fn what_is_not_there_or_cannot_be_changed_is_a_problem_document() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let http = running.status();
        let check = async |answer: chassis::testing::TestResponse, status: u16| {
            assert_eq!(answer.status(), status);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            assert_eq!(answer.json::<Value>().unwrap()["status"], status);
        };
        check(http.get("/nothing").await.unwrap(), 404).await;
        check(http.get("/status/db").await.unwrap(), 404).await;
        let refused = http.delete("/status").await.unwrap();
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
        check(refused, 405).await;
        assert_eq!(http.get("/status/").await.unwrap().status(), 200, "a trailing slash does no harm");
        running.stop().await.unwrap();
    });
}

#[test]
fn settings_are_for_the_machine_itself_and_for_who_has_the_token() {
    no_leaks_paused(async {
        let settings = yaml! { resources: { status: { token: "hunter2-is-long" } } };
        let running = shop().settings(settings).start().await.unwrap();
        let http = running.status();
        let (status, body) = json(&http, "/settings").await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(body["system.resources.status.token"]["value"], "***", "{body}");
        assert!(!body.to_string().contains("hunter2"), "{body}");

        let elsewhere = || http.get("/settings").header("x-forwarded-for", "10.1.2.3");
        let refused = elsewhere().await.unwrap();
        assert_eq!(
            (refused.status().as_u16(), refused.header("www-authenticate")),
            (401, Some("Bearer realm=\"status\""))
        );
        let wrong = elsewhere().header("authorization", "Bearer hunter3-is-long").await.unwrap();
        assert_eq!(wrong.status(), 401);
        let right = elsewhere().header("authorization", "Bearer hunter2-is-long").await.unwrap();
        assert_eq!(right.status(), 200);
        running.stop().await.unwrap();
    });
}

#[test]
fn without_a_token_others_are_told_what_to_set() {
    no_leaks_paused(async {
        let running = shop().start().await.unwrap();
        let answer = running.status().get("/settings").header("host", "shop.example").await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(answer.text().contains("`system.resources.status.token` is not set"), "{}", answer.text());
        running.stop().await.unwrap();
    });
}

#[test]
fn it_listens_on_a_port_of_its_own_in_every_test_and_is_gone_afterwards() {
    no_leaks(async {
        let (one, other) = tokio::join!(shop().start(), shop().start());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_ne!(one.status_addr(), other.status_addr());
        let address = one.status_addr();
        assert!(address.ip().is_loopback());
        let asked = tokio::task::spawn_blocking(move || Client::once(address, "GET", "/livez", "").map(|a| a.status));
        assert_eq!(asked.await.unwrap().unwrap(), 200);
        one.stop().await.unwrap();
        other.stop().await.unwrap();
        assert!(tokio::net::TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn a_port_that_is_set_and_taken_is_told_with_what_to_do() {
    no_leaks(async {
        let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = shop().settings(yaml! { resources: { status: { port: port } } }).start().await.unwrap_err();
        assert!(error.is_unavailable());
        let text = format!("{error:#}");
        assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
        assert!(text.contains("`system.resources.status.port`"), "{text}");
    });
}

#[test]
fn the_address_of_an_older_framework_is_taken_over_and_it_can_be_switched_off() {
    no_leaks(async {
        let port = chassis_tests::free_port();
        let settings = yaml! { resources: { tamarco_http_report_server: { host: "127.0.0.1", port: port } } };
        // The builder's own settings would win over the older name.
        let running = shop().settings(settings).settings(yaml! { resources: { status: { host: null, port: null } } });
        let running = running.start().await.unwrap();
        assert_eq!(running.status_addr().port(), port);
        running.stop().await.unwrap();

        let running = shop().settings(yaml! { resources: { status: { enabled: false } } }).start().await.unwrap();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| running.status_addr())).is_err());
        running.stop().await.unwrap();
    });
}

/// Settings that come from somewhere that is gone.
struct Away;

impl Source for Away {
    fn name(&self) -> String {
        "away".to_owned()
    }

    fn load(&self, _: &mut Problems) -> Layer {
        Layer::empty()
    }

    fn health(&self) -> Health {
        Health::fail("nobody answers")
    }
}

#[test]
fn a_source_of_settings_that_is_gone_is_a_warning() {
    no_leaks_paused(async {
        let running = shop().source(Away).start().await.unwrap();
        let (status, ready) = json(&running.status(), "/readyz").await;
        assert_eq!((status, &ready["status"]), (200, &json!("warn")));
        assert_eq!(ready["output"], "settings of `away`: nobody answers");
        assert_eq!(ready["checks"]["away:settings"][0]["status"], "warn");
        running.stop().await.unwrap();
    });
}
