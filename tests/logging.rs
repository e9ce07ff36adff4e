//! Whatever code logs through, each line belongs to its service and is said once.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use chassis::{
    logging::{FieldName, Line, LogLevel, LoggingSettings, Logs, Profile, Value},
    prelude::*,
    process,
    scope::Scope,
    yaml,
};
use chassis_tests::{alone, no_leaks};
use serde_json::Value as Json;
use tracing::Level;

/// A service as the router knows it, without resources and settings.
fn scope(service: &str) -> Arc<Scope> {
    process::install();
    Scope::new(service, Logs::captured_for(service))
}

fn said(scope: &Scope) -> Vec<Json> {
    scope.logs().captured()
}

/// The only record.
fn only(scope: &Scope) -> Json {
    let records = said(scope);
    assert_eq!(records.len(), 1, "{records:#?}");
    records[0].clone()
}

fn text(record: &Json, key: &str) -> String {
    record[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn events_of_both_front_ends_arrive_with_the_same_keys() {
    let orders = scope("orders");
    let _entered = orders.enter();
    tracing::warn!(target: "shop", amount = 3, "stock is low");
    log::warn!(target: "shop", "stock is {}", "low");
    let records = said(&orders);
    for record in &records {
        assert_eq!(record["level"], "WARN");
        assert_eq!(record["target"], "shop");
        assert_eq!(record["message"], "stock is low");
        assert_eq!(record["service_name"], "orders");
        assert_eq!(record["deploy_name"], "local");
        assert_eq!(record["file"], file!());
        assert!(record["line"].is_u64());
        assert!(record["time"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(records[0]["amount"], 3);
    assert_eq!(records.len(), 2);
}

#[test]
fn fields_keep_their_types_and_errors_tell_their_causes() {
    let orders = scope("orders");
    let _entered = orders.enter();
    let error = std::io::Error::other("disk on fire");
    let error: &(dyn std::error::Error + 'static) = &error;
    tracing::info!(up = true, ratio = 0.5, big = u64::MAX, name = "x", debug = ?Some(1), error, "typed");
    let record = only(&orders);
    assert_eq!(record["up"], true);
    assert_eq!(record["ratio"], 0.5);
    assert_eq!(record["big"], u64::MAX);
    assert_eq!(record["name"], "x");
    assert_eq!(record["debug"], "Some(1)");
    assert_eq!(record["error"], "disk on fire");
    // Where in the code it was said matters for what went wrong; in production the rest does without.
    assert_eq!(record.get("file"), None);
}

#[test]
fn two_services_in_one_process_keep_separate_logs() {
    let (orders, stock) = (scope("orders"), scope("stock"));
    stock.logs().configure(&LoggingSettings { profile: Profile::Develop, ..LoggingSettings::default() });
    let threads: Vec<_> = [&orders, &stock]
        .map(|scope| {
            let scope = Arc::clone(scope);
            std::thread::spawn(move || {
                let _entered = scope.enter();
                for _ in 0..500 {
                    tracing::info!("{}", scope.service());
                    log::debug!("{}", scope.service());
                }
            })
        })
        .into();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let belongs = |scope: &Scope| said(scope).iter().all(|record| record["message"] == scope.service());
    assert!(belongs(&orders) && belongs(&stock));
    assert_eq!((said(&orders).len(), said(&stock).len()), (500, 1000));
}

#[test]
fn an_event_carries_the_fields_of_the_spans_around_it() {
    let orders = scope("orders");
    let _entered = orders.enter();
    let outer = tracing::info_span!("checkout", customer = 7, attempt = 1, late = tracing::field::Empty);
    let _outer = outer.enter();
    outer.record("late", "known by now");
    let inner = tracing::info_span!("charge", attempt = 2);
    inner.in_scope(|| tracing::info!(amount = 9, "charged"));
    tracing::info!(customer = "mine", "back");
    let records = said(&orders);
    let fields = |record: &Json| Json::from(["customer", "attempt", "late", "amount"].map(|name| record[name].clone()));
    assert_eq!(fields(&records[0]), serde_json::json!([7, 2, "known by now", 9]));
    assert_eq!(fields(&records[1]), serde_json::json!(["mine", 1, "known by now", null]));
}

#[test]
fn levels_change_while_the_service_runs() {
    let orders = scope("orders");
    let _entered = orders.enter();
    let say = || {
        tracing::debug!(target: "orders::db", "tracing");
        log::debug!(target: "orders::db", "log");
    };
    say();
    assert!(said(&orders).is_empty());
    orders.logs().set_level("orders", LogLevel::Debug);
    say();
    assert_eq!(said(&orders).len(), 2);
    assert_eq!(orders.logs().levels().get("orders"), Some(&LogLevel::Debug));
    orders.logs().set_level("orders::db", LogLevel::Info);
    say();
    orders.logs().reset_level("orders::db");
    orders.logs().reset_level("orders");
    say();
    assert_eq!(said(&orders).len(), 2);
    orders.logs().set_level("root", LogLevel::Off);
    tracing::error!("unheard");
    assert_eq!(said(&orders).len(), 2);
}

#[test]
fn libraries_that_talk_a_lot_are_heard_from_warn_on_unless_named() {
    let orders = scope("orders");
    orders.logs().configure(&LoggingSettings { profile: Profile::Develop, ..LoggingSettings::default() });
    let _entered = orders.enter();
    let say = || {
        tracing::debug!(target: "hyper::proto", "noise");
        log::warn!(target: "rustls::conn", "news");
    };
    say();
    assert_eq!(only(&orders)["message"], "news");
    orders.logs().set_level("hyper", LogLevel::Debug);
    say();
    assert_eq!(said(&orders)[1]["message"], "noise");
}

#[test]
fn a_line_said_while_a_line_is_formatted_arrives_too() {
    struct Talkative;
    impl std::fmt::Display for Talkative {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("inner");
            f.write_str("outer")
        }
    }
    let orders = scope("orders");
    let _entered = orders.enter();
    tracing::info!("{}", Talkative);
    let mut messages: Vec<String> = said(&orders).iter().map(|record| record["message"].to_string()).collect();
    messages.dedup();
    messages.sort();
    assert_eq!(messages.last().unwrap(), "\"outer\"");
    assert!(messages.contains(&"\"inner\"".to_owned()));
}

/// Has nothing but its logs.
#[microservice(name = "plain")]
struct Plain;

#[microservice]
impl Plain {}

#[test]
fn settings_of_a_service_shape_its_logs() {
    no_leaks(async {
        let settings = yaml! {
            deploy_name: "blue",
            logging: { profile: "DEVELOP", levels: { noisy: "off" } },
        };
        let running = Plain::builder().settings(settings).start().await.unwrap();
        let (logs, scope) = (running.logs(), Arc::clone(running.context().scope()));
        {
            let _entered = scope.enter();
            tracing::debug!("heard");
            tracing::error!(target: "noisy::module", "not heard");
        }
        running.stop().await.unwrap();
        assert_eq!(logs.profile(), Profile::Develop);
        let heard = logs.captured().into_iter().find(|record| record["message"] == "heard").unwrap();
        assert_eq!((&heard["service_name"], &heard["deploy_name"]), (&"plain".into(), &"blue".into()));
        assert_eq!(heard["file"], file!());
        assert!(logs.captured().iter().all(|record| record["message"] != "not heard"));
    });
}

#[test]
fn what_no_service_has_marked_goes_to_the_first_one_and_to_none_after_it_has_gone() {
    alone(|| {
        let (first, second) = (scope("first"), scope("second"));
        let registered = (process::register(&first), process::register(&second));
        std::thread::spawn(|| tracing::info!("from nowhere")).join().unwrap();
        assert_eq!(only(&first)["message"], "from nowhere");
        let panicked = std::thread::Builder::new().name("stray".into()).spawn(|| panic!("stray panic")).unwrap();
        assert!(panicked.join().is_err());
        let record = &said(&first)[1];
        assert!(text(record, "error").contains("stray panic") && text(record, "error").contains(file!()));
        assert_eq!(record["thread"], "stray");
        // A task that the service spawns by itself, marked or not: nobody of ours would catch it.
        let second_too = Arc::clone(&second);
        let spawned = std::thread::spawn(move || {
            let _entered = second_too.enter();
            panic!("trouble");
        });
        assert!(spawned.join().is_err());
        assert!(text(&only(&second), "error").contains("trouble"));
        drop(registered.0);
        tracing::info!("to the next");
        assert_eq!(said(&second)[1]["message"], "to the next");
        drop(registered.1);
        tracing::info!("to nobody");
        assert_eq!((said(&first).len(), said(&second).len()), (2, 2));
    });
}

#[test]
fn an_application_with_receivers_of_its_own_keeps_them_and_is_told_once() {
    struct Theirs;
    impl log::Log for Theirs {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, _: &log::Record<'_>) {}
        fn flush(&self) {}
    }
    alone(|| {
        tracing::subscriber::set_global_default(tracing::subscriber::NoSubscriber::new()).unwrap();
        log::set_logger(&Theirs).unwrap();
        let orders = scope("orders");
        drop(process::register(&orders));
        drop(process::register(&orders));
        let told: Vec<String> = said(&orders).iter().map(|record| text(record, "front_end")).collect();
        assert_eq!(told, ["tracing", "log"]);
        let _entered = orders.enter();
        tracing::info!("theirs");
        let fields = &[(const { &FieldName::new("n") }, Value::U64(1))];
        let line = Line { level: Level::INFO, target: "t", message: "ours", unit: None, fields };
        orders.logs().line(&line);
        assert_eq!(said(&orders).last().unwrap()["message"], "ours");
        assert_eq!(said(&orders).len(), 3);
    });
}

#[test]
fn sinks_of_older_settings_files_are_noticed_once_and_do_no_harm() {
    no_leaks(async {
        let settings = yaml! {
            logging: {
                stdout: true,
                file: true,
                file_path: "/var/log/plain.log",
                version: 0,
                logstash: { enabled: true, host: "127.0.0.1", port: 5959, fqdn: false },
                redis: { enabled: false, host: "127.0.0.1", port: 6379, password: "s3cret", ssl: false },
                http: { enabled: false, url: "http://127.0.0.1", max_time_seconds: 15, max_records: 100 },
            },
        };
        let running = Plain::builder().settings(settings).start().await.unwrap();
        let logs = running.logs();
        running.stop().await.unwrap();
        let about = |key: &str| {
            let notice = format!("settings: `system.{key}`");
            logs.captured().iter().filter(|record| text(record, "message").starts_with(&notice)).count()
        };
        for key in ["logging.file_path", "logging.logstash", "logging.redis", "logging.http", "logging.version"] {
            assert!(about(key) == 1, "{key}: {:#?}", logs.captured());
        }
        assert!(!format!("{:?}", logs.captured()).contains("s3cret"));
    });
}
