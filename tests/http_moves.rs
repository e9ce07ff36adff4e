//! A server that changes its port, its interface or its certificate while clients of HTTP/1.1, HTTP/2 and TLS call it: no
//! request fails.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    sync::atomic::Ordering::Relaxed,
    thread,
    time::{Duration, Instant},
};

use chassis::{prelude::*, settings::Dict};
use chassis_tests::{Caller, Calls, Certificates, Speech, free_port, no_leaks};
use serde_json::{Value, json};

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    http: HttpServer,
}

#[microservice]
impl Orders {
    #[get("/orders")]
    async fn orders(&self) -> &'static str {
        // Some are always under way.
        tokio::time::sleep(Duration::from_millis(3)).await;
        "a book"
    }
}

/// Nobody calls any more once it is dropped.
struct Over<'a>(&'a Calls);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Relaxed);
    }
}

/// Starts a server with these settings, and has it called while it changes to each of the others and back, several times,
/// and something happens after each change; how many connections there were.
async fn called(http: Value, others: Vec<Value>, speech: Vec<Speech>, meanwhile: impl Fn()) -> usize {
    let settings = Dict::new().set("resources.http", http.clone()).set("resources.status.port", 0);
    let running = Orders::builder().settings(settings).start().await.unwrap();
    let (calls, service, settings) = (Calls::default(), running.service(), running.context().settings().clone());
    let address = || service.http.address().unwrap();
    let changes = |outcome| running.metrics().get("chassis_settings_changes_total", &[("outcome", outcome)]);
    let mut changed = 0.0;
    thread::scope(|scope| {
        // Also where the test fails.
        let over = Over(&calls);
        let callers: Vec<_> = speech
            .iter()
            .cycle()
            .take(6)
            .map(|speech| {
                Caller::new(speech.clone(), "/orders", Duration::from_millis(2)).spawn(scope, &address, &calls)
            })
            .collect();
        for round in 0..6 {
            for other in others.iter().chain([&http]) {
                settings.set("resources.http", other.clone()).unwrap();
                changed += 1.0;
                let due = Instant::now() + Duration::from_secs(20);
                while changes("applied") != Some(changed) {
                    assert!(Instant::now() < due, "{other} is not in force; refused: {:?}", changes("refused"));
                    thread::sleep(Duration::from_millis(1));
                }
                meanwhile();
                let answered = calls.answered.load(Relaxed);
                while calls.answered.load(Relaxed) < answered + 60 * (round % 3) {
                    assert!(Instant::now() < due, "nothing is answered any more");
                    thread::sleep(Duration::from_millis(1));
                }
            }
        }
        drop(over);
        callers.into_iter().for_each(|caller| caller.join().unwrap());
    });
    let (answered, connections) = (calls.answered.load(Relaxed), calls.connections.load(Relaxed));
    println!("{answered} answers by {connections} connections, {changed} changes");
    assert_eq!(calls.failed.load(Relaxed), 0, "of {answered}");
    running.stop().await.unwrap();
    connections
}

fn plain() -> Vec<Speech> {
    [false, true].map(|is_http2| Speech { is_http2, authority: None }).into()
}

#[test]
fn who_speaks_http2_is_told_to_come_again_when_the_port_changes() {
    no_leaks(async {
        let ports = [free_port(), free_port()];
        let speech = vec![Speech { is_http2: true, authority: None }];
        let connections = called(json!({ "port": ports[0] }), vec![json!({ "port": ports[1] })], speech, || ()).await;
        assert!(connections > 6, "they have moved");
    });
}

#[test]
fn another_interface_of_the_same_port_is_taken_under_requests() {
    no_leaks(async {
        let port = free_port();
        let at = |host: &str| json!({ "port": port, "host": host });
        called(at("127.0.0.1"), vec![at("127.0.0.2")], plain(), || ()).await;
    });
}

#[test]
fn all_interfaces_instead_of_one_and_back_are_taken_under_requests() {
    no_leaks(async {
        let port = free_port();
        let at = |host: &str| json!({ "port": port, "host": host });
        called(at("127.0.0.1"), vec![at("0.0.0.0")], plain(), || ()).await;
    });
}

#[test]
fn other_certificates_by_other_paths_and_in_the_same_files_are_taken_under_requests() {
    no_leaks(async {
        let certificates = Certificates::make();
        let tls = |name: &str, port: u16| {
            let file = |ending: &str| certificates.path(&format!("{name}.{ending}")).display().to_string();
            json!({ "port": port, "tls": { "certificate": file("pem"), "key": file("key"), "reload_interval": "10ms" } })
        };
        let (port, other) = (free_port(), free_port());
        let speech = [false, true].map(|is_http2| Speech { is_http2, authority: Some(certificates.authority()) });
        // Meanwhile somebody renews the files, one after the other as such tools do.
        let renew = || certificates.sign("server", 2099, "127.0.0.1");
        called(tls("server", port), vec![tls("client", port), tls("client", other)], speech.into(), renew).await;
    });
}
