//! A running service while its etcd is killed, put back, compacted and led by another: nothing wrong is ever in force,
//! and nothing restarts.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use chassis::{Builder, prelude::*, settings::Etcd};
use chassis_tests::{EtcdServer, EtcdWriter, Pool, Proxy, becomes, no_leaks};
use tokio::task::JoinHandle;

#[microservice(name = "orders")]
struct Orders {
    #[resource]
    pool: Pool,
    #[setting(default = 20)]
    page_size: Setting<u32>,
    #[setting(default = "EUR")]
    currency: Setting<String>,
}

#[microservice]
impl Orders {}

const PAGES: &str = "/system/microservices/orders/page_size";
const CURRENCY: &str = "/system/microservices/orders/currency";

/// A service, and everything that was ever in force in it.
struct Observed {
    running: chassis::Running<Orders>,
    pages: Arc<Mutex<Vec<u32>>>,
    observer: JoinHandle<()>,
}

impl Observed {
    async fn start(builder: Builder<Orders>) -> Self {
        let running = builder.start().await.unwrap();
        let (pages, mut watch) = (Arc::<Mutex<Vec<u32>>>::default(), running.service().page_size.watch());
        let seen = Arc::clone(&pages);
        let observer = tokio::spawn(async move {
            loop {
                let page = *watch.changed().await;
                seen.lock().unwrap().push(page);
            }
        });
        Self { running, pages, observer }
    }

    async fn becomes(&self, page: u32) {
        becomes(&self.running.service().page_size, page).await;
    }

    fn lines(&self, text: &str) -> usize {
        let lines = self.running.logs().captured();
        lines.iter().filter(|line| line["message"].as_str().unwrap().contains(text)).count()
    }

    /// Waits until the readiness has this status; it is always 200.
    async fn is(&self, wanted: &str) {
        let (status, begun) = (self.running.status(), Instant::now());
        loop {
            let answer = status.get("/readyz").await.unwrap();
            let body: serde_json::Value = answer.json().unwrap();
            assert_eq!(answer.status().as_u16(), 200, "{body}");
            if body["status"] == wanted {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{body}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it: these were the values of the setting, so many changes were taken over, none was refused, and neither the
    /// service nor its resource has restarted.
    async fn end(self, pages: &[u32], changes: usize) {
        let Self { running, pages: seen, observer } = self;
        let outcome = |outcome| running.metrics().get("chassis_settings_changes_total", &[("outcome", outcome)]);
        // A change is counted a moment after it is in force.
        let begun = Instant::now();
        while outcome("applied") < Some(changes as f64) && begun.elapsed() < Duration::from_secs(10) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!((outcome("applied"), outcome("refused")), (Some(changes as f64), None));
        assert_eq!(running.service().pool.read(), ["start 1"]);
        assert_eq!(running.view().resources().iter().map(|resource| resource.restarts).sum::<u64>(), 0);
        assert!(!running.context().shutdown().is_triggered());
        // The observer sees the last value for as long as it lives.
        while seen.lock().unwrap().last() != pages.last() {
            tokio::task::yield_now().await;
        }
        observer.abort();
        let _ = observer.await;
        assert_eq!(*seen.lock().unwrap(), pages);
        running.stop().await.unwrap();
    }
}

#[test]
fn an_etcd_that_is_away_for_long_is_told_once_and_files_are_followed_meanwhile() {
    // Longer by hand: `cargo xtask soak outage`.
    let outage: u64 = std::env::var("CHASSIS_SOAK_OUTAGE").map_or(8, |seconds| seconds.parse().unwrap());
    let Some(mut server) = EtcdServer::start() else { return };
    server.put(CURRENCY, "\"USD\"");
    no_leaks(async move {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.yml");
        let write = |page: u32| {
            fs::write(&path, format!("system: {{microservices: {{orders: {{page_size: {page}}}}}}}\n")).unwrap();
        };
        write(1);
        let builder = Orders::builder().settings_file(&path).source(Etcd::new([server.url()]));
        let service = Observed::start(builder).await;
        server.kill();
        let begun = Instant::now();
        service.is("warn").await;
        let mut page = 1;
        while begun.elapsed() < Duration::from_secs(outage) {
            page += 1;
            write(page);
            service.becomes(page).await;
            assert_eq!(service.running.service().currency.get(), "USD");
            service.is("warn").await;
        }
        assert_eq!((service.lines("etcd is lost"), service.lines("etcd is there")), (1, 0));
        server.restart();
        service.is("pass").await;
        server.put(CURRENCY, "\"CHF\"");
        becomes(&service.running.service().currency, "CHF".to_owned()).await;
        assert_eq!((service.lines("etcd is lost"), service.lines("etcd is there")), (1, 1));
        let pages: Vec<u32> = (2..=page).collect();
        println!("away for {outage} s, and {} changes of a file meanwhile", pages.len());
        service.end(&pages, pages.len() + 1).await;
    });
}

#[test]
fn an_etcd_that_is_put_back_to_an_older_state_is_taken_over_as_it_is() {
    let Some(mut server) = EtcdServer::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    server.put(PAGES, "1");
    server.snapshot(&file);
    server.put(PAGES, "2");
    server.put(CURRENCY, "\"USD\"");
    no_leaks(async move {
        let service = Observed::start(Orders::builder().source(Etcd::new([server.url()]))).await;
        let orders = service.running.service();
        assert_eq!((orders.page_size.get(), orders.currency.get()), (2, "USD".to_owned()));
        server.restore(&file);
        service.becomes(1).await;
        becomes(&orders.currency, "EUR".to_owned()).await;
        server.put(PAGES, "3");
        service.becomes(3).await;
        service.is("pass").await;
        service.end(&[1, 3], 2).await;
    });
}

#[test]
fn what_was_compacted_while_it_was_cut_off_is_not_missed() {
    let Some(server) = EtcdServer::start() else { return };
    let proxy = Proxy::to(server.port());
    server.put(PAGES, "1");
    server.put(CURRENCY, "\"USD\"");
    no_leaks(async move {
        let service = Observed::start(Orders::builder().source(Etcd::new([proxy.url()]))).await;
        for round in 1..=3 {
            proxy.cut();
            // Also what is deleted, and not there any more in what can be watched.
            server.delete(CURRENCY);
            for write in 0..10 {
                server.put(PAGES, &(round * 100 + write).to_string());
            }
            server.put(CURRENCY, "\"USD\"");
            server.ctl(&["compact", &server.revision().to_string()]);
            proxy.heal();
            service.becomes(round * 100 + 9).await;
            assert_eq!(service.running.service().currency.get(), "USD");
        }
        server.delete(CURRENCY);
        becomes(&service.running.service().currency, "EUR".to_owned()).await;
        service.end(&[109, 209, 309], 4).await;
    });
}

#[test]
fn the_leader_of_three_changes_and_nobody_notices() {
    let Some(mut servers) = EtcdServer::cluster() else { return };
    servers[0].put(PAGES, "1");
    servers[0].put(CURRENCY, "\"USD\"");
    no_leaks(async move {
        let builder = Orders::builder().source(Etcd::new(servers.iter().map(EtcdServer::url)));
        let service = Observed::start(builder).await;
        for page in 2..=4 {
            let leader = servers.iter().position(EtcdServer::leads).unwrap();
            servers[leader].kill();
            let other = &servers[(leader + 1) % 3];
            other.wait();
            other.put(PAGES, &page.to_string());
            service.becomes(page).await;
            assert_eq!(service.running.service().currency.get(), "USD");
            servers[leader].restart();
        }
        let leader = servers.iter().position(EtcdServer::leads).unwrap();
        servers[leader].ctl(&["move-leader", &servers[(leader + 1) % 3].member()]);
        servers[leader].put(PAGES, "5");
        service.becomes(5).await;
        service.is("pass").await;
        service.end(&[2, 3, 4, 5], 4).await;
    });
}

#[test]
fn the_last_of_twenty_quick_writes_is_always_in_force() {
    let Some(server) = EtcdServer::start() else { return };
    no_leaks(async move {
        let running = Orders::builder().source(Etcd::new([server.url()])).start().await.unwrap();
        let (mut writer, begun) = (EtcdWriter::to(&server), Instant::now());
        for round in 1..=1_000_u32 {
            writer.put(CURRENCY, &format!("\"{round}\""));
            // A transaction each, as fast as one client can.
            for write in 1..=20 {
                writer.put(PAGES, &(round * 100 + write).to_string());
            }
            becomes(&running.service().page_size, round * 100 + 20).await;
            becomes(&running.service().currency, round.to_string()).await;
        }
        println!("1,000 rounds in {:?}", begun.elapsed());
        assert_eq!(running.service().pool.read(), ["start 1"]);
        running.stop().await.unwrap();
    });
}
