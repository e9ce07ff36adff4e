//! Each unit of work logs under its own ids, and ends with one line that says what came of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::HashMap, sync::Arc, time::Duration};

use chassis::{
    logging::{LogLevel, Logs},
    prelude::*,
    process::{self, Panic},
    scope::Scope,
    unit::{Ending, Ids, Outcome, RequestId, TraceContext, Unit, current_request_id, current_trace},
};
use chassis_tests::{no_leaks, no_leaks_paused};
use serde_json::Value as Json;

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A service as the router knows it, without resources and settings.
fn scope(service: &str) -> Arc<Scope> {
    process::install();
    Scope::new(service, Logs::captured_for(service))
}

fn said(scope: &Scope) -> Vec<Json> {
    scope.logs().captured()
}

#[test]
fn a_unit_of_work_ends_with_one_line_that_says_what_came_of_it() {
    no_leaks(async {
        let orders = scope("orders");
        let unit = || Unit::new("message").in_scope(&orders).name("emails").field("size", 42_u64);

        assert!(unit().run(async { Ok(()) }).await.is_ok());
        assert!(unit().run(async { Err::<(), _>(Error::msg("no such order").context("cannot send")) }).await.is_err());
        let panic = unit().run(async { Err::<(), _>(panic_here()) }).await.unwrap_err();
        assert!(panic.to_string().contains("on purpose"), "{panic}");
        let timeout = |result: std::result::Result<&std::result::Result<(), _>, &Panic>| match result {
            Ok(Ok(())) => Ending::ok(),
            Ok(Err(tokio::time::error::Elapsed { .. })) => Ending::of(Outcome::Timeout),
            Err(panic) => Ending::panic(panic),
        };
        let work = tokio::time::timeout(Duration::from_millis(1), std::future::pending());
        assert!(unit().run_as(work, timeout).await.unwrap().is_err());
        {
            let mut abandoned = Box::pin(unit().run(std::future::pending::<Result<()>>()));
            let waker = std::task::Waker::noop();
            assert!(abandoned.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
        }
        // Never polled, never begun: nothing to tell.
        drop(unit().run(async { Ok(()) }));

        let records = said(&orders);
        let told: Vec<_> = records.iter().map(|record| (text(record, "outcome"), text(record, "level"))).collect();
        assert_eq!(
            told,
            [("ok", "INFO"), ("error", "WARN"), ("panic", "ERROR"), ("timeout", "WARN"), ("cancelled", "INFO")]
                .map(|(outcome, level)| (outcome.to_owned(), level.to_owned()))
        );
        for record in &records {
            assert_eq!(record["message"], "MESSAGE");
            assert_eq!(record["target"], "chassis::message");
            assert_eq!(record["name"], "emails");
            assert_eq!(record["size"], 42);
            assert!(record["time_ms"].is_f64());
            assert_eq!(text(record, "req_id").len(), 32);
        }
        assert_eq!(records[1]["error"], "cannot send: no such order");
        let place = text(&records[2], "error");
        assert!(place.starts_with(&format!("panicked at {}:", file!())) && place.ends_with("on purpose"), "{place}");
        let of = |outcome| orders.metrics().get("chassis_work_total", &[("kind", "message"), ("outcome", outcome)]);
        assert_eq!(["ok", "error", "panic", "timeout", "cancelled"].map(of), [Some(1.0); 5]);
        assert_eq!(orders.metrics().get("chassis_work_in_flight", &[("kind", "message")]), Some(0.0));
    });
}

fn panic_here() -> Error {
    panic!("on purpose")
}

fn text(record: &Json, key: &str) -> String {
    record[key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_unit_works_under_the_ids_of_its_caller() {
    no_leaks(async {
        let orders = scope("orders");
        let caller = TraceContext::parse(TRACEPARENT).unwrap();
        let ids = Ids::from_caller(RequestId::parse("caller-7"), Some(caller));
        let unit = Unit::new("job").in_scope(&orders).ids(ids).id("job_id", "j-1");
        let seen = unit.run(async {
            tracing::info!("inside");
            Ok((current_request_id(), current_trace()))
        });
        let (request_id, trace) = seen.await.unwrap();
        assert_eq!(request_id.unwrap().as_str(), "caller-7");
        let trace = trace.unwrap();
        assert_eq!(trace.parent_id(), Some(caller.span_id()));
        assert!(TraceContext::parse(&trace.to_string()).is_some());
        for record in said(&orders) {
            assert_eq!(record["req_id"], "caller-7");
            assert_eq!(record["trace_id"], "0af7651916cd43dd8448eb211c80319c");
            assert_eq!(record["job_id"], "j-1");
        }
        assert_eq!(said(&orders).len(), 2);
        assert_eq!(current_request_id(), None);
    });
}

#[test]
fn a_thousand_concurrent_units_never_mix_their_ids() {
    no_leaks(async {
        let orders = scope("orders");
        let mut units = tokio::task::JoinSet::new();
        for number in 0..1_000_u64 {
            let orders = Arc::clone(&orders);
            units.spawn(async move {
                let unit = Unit::new("message").in_scope(&orders).field("number", number);
                let work = async {
                    let mine = current_request_id();
                    for step in 0..5 {
                        tracing::info!(number, step, "at work");
                        tokio::task::yield_now().await;
                        log::info!("number {number}");
                        assert_eq!(current_request_id(), mine);
                    }
                    Ok(mine.unwrap().to_string())
                };
                (number, unit.run(work).await.unwrap())
            });
        }
        let ids: HashMap<u64, String> = units.join_all().await.into_iter().collect();
        assert_eq!(ids.values().collect::<std::collections::HashSet<_>>().len(), 1_000);
        let records = said(&orders);
        assert_eq!(records.len(), 11_000);
        for record in records {
            let said = record["message"].as_str().and_then(|message| message.strip_prefix("number ")?.parse().ok());
            let number = record["number"].as_u64().or(said).unwrap();
            assert_eq!(record["req_id"], ids[&number].as_str());
        }
    });
}

/// A timer that goes wrong in its own way each time.
#[microservice(name = "clumsy")]
struct Clumsy {
    runs: std::sync::atomic::AtomicU32,
}

#[microservice]
impl Clumsy {
    #[task_timer(interval = "1s")]
    async fn stumble(&self) -> Result<()> {
        match self.runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => panic!("over its own feet"),
            1 => Err(Error::msg("fell")),
            _ => Ok(()),
        }
    }
}

#[test]
fn a_tick_that_fails_is_logged_once_with_its_place_and_a_good_one_only_at_debug() {
    no_leaks_paused(async {
        let running = Clumsy::builder().start().await.unwrap();
        let logs = running.logs();
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        logs.set_level("chassis::tick", LogLevel::Debug);
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.stop().await.unwrap();

        let about = |word: &str| logs.captured().iter().filter(|record| record.to_string().contains(word)).count();
        assert_eq!((about("over its own feet"), about("fell")), (1, 1), "{:#?}", logs.captured());
        let ticks: Vec<Json> = logs.captured().into_iter().filter(|record| record["message"] == "TICK").collect();
        let told: Vec<_> = ticks.iter().map(|record| (text(record, "outcome"), text(record, "level"))).collect();
        let expected = [("panic", "ERROR"), ("error", "WARN"), ("ok", "DEBUG")];
        assert_eq!(told, expected.map(|(outcome, level)| (outcome.to_owned(), level.to_owned())));
        assert_eq!(ticks[0]["name"], "stumble");
        assert!(text(&ticks[0], "error").contains(file!()));
    });
}

/// A task that panics, once.
#[microservice(name = "fragile")]
struct Fragile;

#[microservice]
impl Fragile {
    #[task(restart = "never", on_give_up = "degrade")]
    async fn crack(&self) -> Result<()> {
        panic!("into a thousand pieces")
    }
}

#[test]
fn a_panic_in_a_task_is_logged_once_with_its_place() {
    no_leaks(async {
        let running = Fragile::builder().start().await.unwrap();
        let logs = running.logs();
        let told = logs.wait_for(|record| record.to_string().contains("thousand pieces")).await;
        running.stop().await.unwrap();
        assert!(told.to_string().contains(file!()), "{told}");
        let lines = logs.captured();
        let times = lines.iter().filter(|record| record.to_string().contains("thousand pieces")).count();
        assert_eq!(times, 1, "{lines:#?}");
    });
}
