//! ZeroMQ with services of the PyPI package `service-framework`, run for real, and with sockets of libzmq.

use std::{sync::Arc, time::Duration};

use chassis::{
    Running,
    messaging::{
        Failure, Message, Zmq, known,
        zmq::{Decimal, NdArray, Set, Uuid},
    },
    prelude::*,
};
use chassis_tests::{ServiceFramework, free_port};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quote {
    price: Decimal,
    qty: u32,
    tags: Set<String>,
    xs: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curve: Option<NdArray>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asks: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Price {
    total: Decimal,
    tags: Set<String>,
    xs: Vec<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sum: Option<f64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Total {
    total: Decimal,
}

#[derive(Debug, Serialize, Deserialize)]
struct News {
    id: u64,
}

fn quote() -> Quote {
    let (tags, xs) = (Set(vec!["z".to_owned()]), vec![9]);
    Quote { price: "2.25".parse().unwrap(), qty: 4, tags, xs, id: None, curve: None, asks: None }
}

/// Replies as the Python service does.
#[microservice(name = "prices")]
struct Prices {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Prices {
    #[reply(zmq, "price", concurrency = 4)]
    async fn price(&self, quote: Quote) -> Result<Price> {
        let total = format!("{:.2}", quote.price.as_str().parse::<f64>()? * f64::from(quote.qty)).parse()?;
        let sum = quote.curve.map(|curve| curve.0.iter().sum());
        Ok(Price { total, tags: quote.tags, xs: quote.xs, id: quote.id, sum })
    }
}

/// Adds a tax, and remembers the workflows it was asked in.
#[microservice(name = "taxes")]
struct Taxes {
    #[resource]
    zmq: Zmq,
    seen: std::sync::Mutex<Vec<String>>,
}

#[microservice]
impl Taxes {
    #[reply(zmq, "tax")]
    async fn tax(&self, total: Message<Total>) -> Result<Total> {
        let workflow = total.headers().get(known::WORKFLOW_ID).unwrap_or_default().to_owned();
        self.seen.lock().unwrap().push(workflow);
        Ok(Total { total: total.total.clone() })
    }
}

/// Asks further, in the workflow it is asked in.
#[microservice(name = "middle")]
struct Middle {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Middle {
    #[reply(zmq, "ask")]
    async fn ask(&self, calls: u32) -> Result<()> {
        for _ in 0..calls {
            self.zmq.request::<_, ()>("further", &0).await?;
        }
        Ok(())
    }
}

/// Only sends.
#[microservice(name = "sender")]
struct Sender {
    #[resource]
    zmq: Zmq,
}

#[microservice]
impl Sender {}

/// Remembers what is published.
#[microservice(name = "reader")]
struct Reader {
    #[resource]
    zmq: Zmq,
    seen: std::sync::Mutex<Vec<(u64, Option<String>)>>,
}

#[microservice]
impl Reader {
    #[subscribe(zmq, "news", quiet)]
    async fn news(&self, news: Message<News>) {
        let topic = news.key().map(|key| String::from_utf8_lossy(key).into_owned());
        self.seen.lock().unwrap().push((news.id, topic));
    }
}

fn settings(zmq: Value) -> chassis::settings::Dict {
    json!({ "resources": { "zmq": zmq } }).into()
}

fn inward(name: &str, socket: &str, port: u16) -> Value {
    json!({ "in": { name: { socket: format!("127.0.0.1:{port}") } } })
}

fn outward(name: &str, socket: &str, port: u16) -> Value {
    json!({ "out": { name: { socket: format!("127.0.0.1:{port}") } } })
}

async fn sender(zmq: Value) -> Running<Sender> {
    Sender::builder().settings(settings(zmq)).start().await.unwrap()
}

/// Waits until something holds.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), waiting).await.unwrap_or_else(|_| panic!("{what} did not happen"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_requester_is_answered_and_a_bad_request_ends_nobody() {
    let Some(python) = ServiceFramework::new() else { return };
    let port = free_port();
    let zmq = json!({ "addresses": inward("price", "replyer", port) });
    let prices = Prices::builder().settings(settings(zmq)).start().await.unwrap();
    let requester = python.main("requester", &outward("price", "requester", port));
    let requester = requester.env("CASES", "good,all,bad,good").start();
    let exit = tokio::task::spawn_blocking(|| requester.wait()).await.unwrap();
    let said: Vec<_> = exit.stdout.lines().filter(|line| line.starts_with("PEER")).collect();
    let good = "PEER good 9.00 [9]";
    assert_eq!(said, [good, "PEER all 9.00 4.0", "PEER bad ValueError", good], "{exit:?}");
    let lines = prices.logs().captured();
    let bad = lines.iter().find(|line| line["message"] == "MESSAGE" && line["outcome"] == "error").unwrap();
    let error = bad["error"].as_str().unwrap();
    assert!(error.contains("at `qty`"), "{error}");
    let workflow = bad["workflow_id"].as_str().unwrap();
    assert_eq!((workflow.len(), &bad["req_id"]), (36, &bad["workflow_id"]));
    assert_eq!(bad["trace_id"].as_str().unwrap(), workflow.replace('-', ""));
    prices.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_replyer_answers_and_is_asked_by_many_at_once() {
    let Some(python) = ServiceFramework::new() else { return };
    let port = free_port();
    let mut replyer = python.service("replyer", &addresses_of_replyer(port, free_port())).start();
    replyer.port(port);
    let sender = sender(json!({ "addresses": outward("price", "requester", port) })).await;
    let asked = (1..=20).map(|qty| {
        let sender = Arc::clone(sender.service());
        tokio::spawn(async move {
            let price: Price = sender.zmq.request("price", &Quote { qty, ..quote() }).await.unwrap();
            assert_eq!(price.total.as_str().parse::<f64>().unwrap(), 2.25 * f64::from(qty));
            assert_eq!((price.tags, price.xs), (quote().tags, vec![9]));
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    sender.stop().await.unwrap();
}

fn addresses_of_replyer(price: u16, tax: u16) -> Value {
    json!({
        "in": { "price": { "replyer": format!("127.0.0.1:{price}") } },
        "out": { "tax": { "requester": format!("127.0.0.1:{tax}") } },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_told_of_a_replyer_that_dies_and_reach_the_next_one() {
    let Some(python) = ServiceFramework::new() else { return };
    let port = free_port();
    let addresses = addresses_of_replyer(port, free_port());
    let mut replyer = python.service("replyer", &addresses).start();
    replyer.port(port);
    let sender = sender(json!({ "addresses": outward("price", "requester", port) })).await;
    let _: Price = sender.service().zmq.request("price", &quote()).await.unwrap();
    replyer.pause();
    let waiting = (0..10).map(|_| {
        let sender = Arc::clone(sender.service());
        tokio::spawn(async move { sender.zmq.request::<_, Price>("price", &quote()).await })
    });
    let waiting: Vec<_> = waiting.collect();
    sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    replyer.kill();
    for waiting in waiting {
        let error = waiting.await.unwrap().unwrap_err();
        assert!(matches!(error.find::<Failure>(), Some(Failure::Unknown(_))), "{error:#}");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "they were told after {:?}", began.elapsed());
    drop(replyer);
    let service = Arc::clone(sender.service());
    let asked = tokio::spawn(async move { service.zmq.request::<_, Price>("price", &quote()).await });
    let mut replyer = python.service("replyer", &addresses).start();
    replyer.port(port);
    asked.await.unwrap().unwrap();
    let lines = sender.logs().captured();
    let told =
        |text: &str| lines.iter().filter(|line| line["message"].as_str().unwrap_or_default().contains(text)).count();
    assert_eq!((told("is lost, and tried again"), told("is reached again")), (1, 1), "{lines:?}");
    sender.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workflows_go_through_python_and_back() {
    let Some(python) = ServiceFramework::new() else { return };
    let (price, tax) = (free_port(), free_port());
    let zmq = json!({ "addresses": inward("tax", "replyer", tax) });
    let taxes = Taxes::builder().settings(settings(zmq)).start().await.unwrap();
    let mut replyer = python.service("replyer", &addresses_of_replyer(price, tax)).start();
    replyer.port(price);
    let sender = sender(json!({ "addresses": outward("price", "requester", price) })).await;
    let _: Price = sender.service().zmq.request("price", &Quote { asks: Some(true), ..quote() }).await.unwrap();
    let seen = taxes.service().seen.lock().unwrap().clone();
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0].len(), 36, "{seen:?}");
    assert_eq!(seen[1..], [format!("{}_1", seen[0]), format!("{}_2", seen[0])]);
    sender.stop().await.unwrap();
    taxes.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_a_handler_carry_its_workflow_as_the_package_does() {
    let Some(python) = ServiceFramework::new() else { return };
    let (ask, further) = (free_port(), free_port());
    let replying = python.script("plain", &["REP", "bind", &format!("127.0.0.1:{further}")]);
    replying.line("PEER ready");
    let mut addresses = inward("ask", "replyer", ask);
    addresses["out"] = outward("further", "requester", further)["out"].clone();
    let zmq = json!({ "addresses": addresses });
    let middle = Middle::builder().settings(settings(zmq)).start().await.unwrap();
    // {"args": 3, "workflow_id": "wf-1"}
    let request = "82a46172677303ab776f726b666c6f775f6964a477662d31";
    let asking = python.script("plain", &["REQ", "connect", &format!("127.0.0.1:{ask}"), request]);
    let answer = asking.line("PEER got");
    assert_eq!(answer, "PEER got 82ab72657475726e5f61726773c0ab776f726b666c6f775f6964a477662d31");
    let frames: Vec<_> =
        replying.stdout().lines().filter(|line| line.starts_with("PEER got")).map(str::to_owned).collect();
    // {"args": 0, "workflow_id": …}: "wf-1", "wf-1_1", "wf-1_2"
    let frame = |id: &str| format!("PEER got 82a46172677300ab776f726b666c6f775f6964{id}");
    assert_eq!(frames, [frame("a477662d31"), frame("a677662d315f31"), frame("a677662d315f32")]);
    middle.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_publisher_is_read_with_and_without_topic_and_survives_its_restart() {
    let Some(python) = ServiceFramework::new() else { return };
    for topic in [None, Some("eu")] {
        let port = free_port();
        let addresses = outward("news", "publisher", port);
        let start = || {
            let publisher = python.main("publisher", &addresses);
            match topic {
                Some(topic) => publisher.env("TOPIC", topic).start(),
                None => publisher.start(),
            }
        };
        let options = topic.map_or_else(|| json!({}), |topic| json!({ "news": { "topic": topic } }));
        let zmq = json!({ "addresses": inward("news", "subscriber", port), "connections": options });
        let publisher = start();
        let reader = Reader::builder().settings(settings(zmq)).start().await.unwrap();
        let service = Arc::clone(reader.service());
        until("news", || service.seen.lock().unwrap().len() >= 10).await;
        assert!(service.seen.lock().unwrap().iter().all(|(_, found)| found.as_deref() == topic));
        drop(publisher);
        service.seen.lock().unwrap().clear();
        let _publisher = start();
        until("news after the restart", || service.seen.lock().unwrap().len() >= 10).await;
        reader.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_publisher_that_connects_meets_a_subscriber_that_binds() {
    let Some(python) = ServiceFramework::new() else { return };
    let port = free_port();
    let zmq =
        json!({ "addresses": inward("news", "subscriber", port), "connections": { "news": { "is_binder": true } } });
    let reader = Reader::builder().settings(settings(zmq)).start().await.unwrap();
    let publisher = || python.main("publisher", &outward("news", "publisher", port)).env("IS_X_PUB", "1").start();
    let (_one, _other) = (publisher(), publisher());
    let service = Arc::clone(reader.service());
    // Each of them counts from nought: a number that comes twice comes from both.
    let twice = |seen: &[(u64, Option<String>)]| seen.iter().filter(|(id, _)| *id == 20).count() == 2;
    until("news of both", || twice(&service.seen.lock().unwrap())).await;
    reader.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_subscriber_reads_with_and_without_topic() {
    let Some(python) = ServiceFramework::with_subscriber() else { return };
    for (topic, is_binder) in [(None, false), (Some("eu"), false), (Some("eu"), true)] {
        let port = free_port();
        let mut program = python.service("subscriber", &inward("news", "subscriber", port));
        program = topic.map_or(program, |topic| {
            python.service("subscriber", &inward("news", "subscriber", port)).env("TOPIC", topic)
        });
        if is_binder {
            program = program.env("IS_BINDER", "1");
        }
        let subscriber = program.start();
        subscriber.line("PEER ready");
        let zmq = json!({
            "addresses": outward("news", "publisher", port),
            "connections": { "news": { "is_x_pub": is_binder } },
            "wait_after_creation": "1s",
        });
        let sender = sender(zmq).await;
        for id in 0..5 {
            let publishing = sender.service().zmq.publish("news", &News { id: 900 });
            publishing.key("us").await.unwrap();
            match topic {
                Some(topic) => sender.service().zmq.publish("news", &News { id }).key(topic).await.unwrap(),
                None => sender.service().zmq.publish("news", &News { id }).await.unwrap(),
            }
            if topic.is_none() {
                break;
            }
        }
        if topic.is_some() {
            subscriber.line("PEER news 4");
            assert!(!subscriber.stdout().contains("PEER news 900"), "another topic came");
        }
        sender.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_example_stands_among_python_services() {
    let (Some(python), Some(older)) = (ServiceFramework::new(), ServiceFramework::with_subscriber()) else { return };
    let (price, sold) = (free_port(), free_port());
    let example = chassis_tests::Program::example("service_framework_peer")
        .arg("--settings")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/service_framework_peer/settings.yml"))
        .set("resources.status.port", free_port())
        .set("resources.zmq.addresses.in.price.replyer", format!("127.0.0.1:{price}"))
        .set("resources.zmq.addresses.out.sold.publisher", format!("127.0.0.1:{sold}"))
        .start();
    example.line("running, started in");
    // The topic "z", as the Python side subscribes to it.
    let reading = older.script("plain", &["SUB", "connect", &format!("127.0.0.1:{sold}"), "a17a"]);
    reading.line("PEER ready");
    let shop = || python.main("shop", &outward("price", "requester", price)).start();
    // A subscription takes a moment; the package itself waits 150 ms for it.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(shop().line("PEER"), "PEER 9.00");
    let frame = reading.line("PEER got");
    assert!(frame.starts_with("PEER got a17a82a46172677382a761727469636c65a56170706c65a5746f74616c"), "{frame}");
    example.terminate();
    assert_eq!(example.wait().code, Some(0));
}
