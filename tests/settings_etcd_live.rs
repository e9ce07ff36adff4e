//! A running service and the etcd it follows: what is written there is in force a moment later, unless it is wrong.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use chassis::{
    lifecycle::{EventKind, EventStream},
    prelude::*,
    settings::Etcd,
};
use chassis_tests::{EtcdServer, no_leaks};
use serde_json::json;
use tokio::time::timeout;

#[microservice(name = "orders")]
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

async fn refused(events: &mut EventStream) -> String {
    let why = |kind: &EventKind| match kind {
        EventKind::SettingsRefused { why } => Some(why.clone()),
        _ => None,
    };
    timeout(Duration::from_secs(20), events.find(why)).await.unwrap().unwrap()
}

/// Waits until the setting has this value.
async fn becomes<T: Clone + PartialEq + std::fmt::Debug + Send + Sync + 'static>(setting: &Setting<T>, wanted: T) {
    let mut watch = setting.watch();
    let seen = timeout(Duration::from_secs(60), async {
        while setting.get() != wanted {
            watch.changed().await;
        }
    });
    seen.await.unwrap_or_else(|_| panic!("{wanted:?} was not seen, but {:?}", setting.get()));
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
