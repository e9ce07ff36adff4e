//! A running service and the etcd it follows: what is written there is in force a moment later, unless it is wrong.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use chassis::{prelude::*, settings::Etcd};
use chassis_tests::{EtcdServer, becomes, no_leaks, refused};
use serde_json::json;
use tokio::time::timeout;

/// Its own section may hold what nobody declares.
#[microservice(name = "orders", free_settings)]
struct Orders {
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[setting(default = "EUR")]
    currency: Setting<String>,
}

const PAGES: &str = "/system/microservices/orders/page_size";
const CURRENCY: &str = "/system/microservices/orders/currency";

async fn started(server: &EtcdServer) -> chassis::Running<Orders> {
    let settings = json!({ "microservices": { "orders": { "currency": "CHF" } } });
    Orders::builder().settings(settings).source(Etcd::new([server.url()])).start().await.unwrap()
}

#[test]
fn a_key_is_followed_and_one_that_is_gone_falls_back_to_the_next_source() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async {
        let running = started(&server).await;
        let orders = running.service();
        assert_eq!((orders.page_size.get(), orders.currency.get()), (20, "CHF".to_owned()));
        server.put(PAGES, "30");
        server.put(CURRENCY, "\"USD\"");
        becomes(&orders.page_size, 30).await;
        becomes(&orders.currency, "USD".to_owned()).await;
        server.delete(CURRENCY);
        becomes(&orders.currency, "CHF".to_owned()).await;
        server.delete(PAGES);
        becomes(&orders.page_size, 20).await;
        running.stop().await.unwrap();
    });
}

#[test]
fn what_is_wrong_in_etcd_is_told_with_key_and_revision_and_changes_nothing() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async {
        let running = started(&server).await;
        let mut events = running.events();
        server.put(PAGES, "many");
        let why = refused(&mut events).await;
        let revision = server.revision();
        assert!(why.contains(PAGES) && why.contains(&format!("rev {revision}")), "{why}");
        server.put(PAGES, "-1");
        let why = refused(&mut events).await;
        assert!(why.contains("`system.microservices.orders.page_size`"), "{why}");
        assert!(why.contains(&format!("etcd {PAGES} rev {}", revision + 1)), "{why}");
        // The other key is a good one, but all of a tree is taken over or nothing.
        server.put(CURRENCY, "\"USD\"");
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert_eq!((running.service().page_size.get(), running.service().currency.get()), (20, "CHF".to_owned()));
        assert_eq!(running.view().readiness().status().to_string(), "warn");
        server.put(PAGES, "31");
        becomes(&running.service().currency, "USD".to_owned()).await;
        assert_eq!(running.service().page_size.get(), 31);
        running.stop().await.unwrap();
    });
}

#[test]
fn the_last_of_many_quick_writes_is_seen_across_a_crash_of_etcd() {
    let Some(mut server) = EtcdServer::start() else { return };
    no_leaks(async {
        let running = started(&server).await;
        for round in 1..=30_u32 {
            let keys = (1..=20).map(|write| (PAGES.to_owned(), (round * 100 + write).to_string()));
            keys.for_each(|(key, value)| server.put(&key, &value));
            if round % 10 == 0 {
                server.kill();
                server.restart();
            }
            becomes(&running.service().page_size, round * 100 + 20).await;
        }
        let restarts = running.view().resources().iter().map(|resource| resource.restarts).sum::<u64>();
        assert_eq!(restarts, 0);
        running.stop().await.unwrap();
    });
}

#[test]
fn everything_below_a_prefix_is_watched_for_this_service() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async {
        let running = started(&server).await;
        let mut peers = running.context().settings().watch_below("peers").unwrap();
        let mut next = async || {
            let changes = timeout(Duration::from_secs(60), peers.changed()).await.unwrap();
            let told = changes.iter().map(|change| (change.key().to_owned(), change.get::<Option<i64>>().unwrap()));
            told.collect::<Vec<_>>()
        };
        let told = |key: &str, value: Option<i64>| (key.to_owned(), value);
        server.put("/system/peers/a/port", "1");
        assert_eq!(next().await, [told("a.port", Some(1))]);
        server.put("/system/microservices/orders/peers/a/port", "10");
        assert_eq!(next().await, [told("a.port", Some(10))]);
        server.put("/system/peers/a/port", "2");
        server.put("/system/peers/b", "{\"port\": 3}");
        assert_eq!(next().await, [told("b.port", Some(3))]);
        server.ctl(&["del", "--prefix", "/system/microservices/orders/peers"]);
        assert_eq!(next().await, [told("a.port", Some(2))]);
        server.ctl(&["del", "--prefix", "/system/peers"]);
        assert_eq!(next().await, [told("a.port", None), told("b.port", None)]);
        running.stop().await.unwrap();
    });
}
