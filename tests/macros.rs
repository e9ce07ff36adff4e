//! Every form of the macros expands to something that compiles.
#![allow(dead_code)]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use chassis::{Context, Resource, Result, Shutdown, microservice};

#[derive(Default)]
struct Nothing;

impl Resource for Nothing {
    type Settings = ();
}

trait Database: Resource + Default {}
impl Database for Nothing {}

/// Prices orders and remembers them.
///
/// More.
#[microservice(name = "orders", parts = [jobs])]
struct Orders<D: Database = Nothing> {
    /// Where orders are.
    #[resource]
    db: D,
    #[resource(after = [db], critical)]
    broker: Nothing,
    /// How many.
    #[setting(default = 20_u32)]
    page_size: u32,
    cache: Mutex<HashMap<String, u32>>,
    #[init(7)]
    seven: u8,
    #[cfg(windows)]
    #[resource]
    never: Missing,
}

#[microservice]
impl<D: Database> Orders<D> {
    #[task(restart = "on-failure", on_give_up = "degrade")]
    async fn reconcile(&self, stop: Shutdown) -> Result<()> {
        stop.wait().await;
        Ok(())
    }

    #[task_timer(interval = "1s", overlap = "queue", jitter = 10)]
    async fn tick(&self, cx: Context) {
        cx.timer(Self::TICK).stop();
        cx.timer(Self::NIGHTLY).start();
    }

    #[thread]
    fn crunch(&self, _: Shutdown) {}

    #[thread]
    async fn slow(self: Arc<Self>) {}

    #[after(start, db)]
    async fn migrate(&self) -> Result<()> {
        Ok(())
    }

    #[before(stop)]
    #[after(post_stop)]
    async fn say_goodbye(&self) -> std::result::Result<(), std::io::Error> {
        Ok(())
    }

    #[cfg(windows)]
    #[task]
    async fn never(&self) {}
}

#[microservice(part = jobs)]
impl<D: Database> Orders<D> {
    #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berlin", autostart = false)]
    async fn nightly(&self) {}
}

#[microservice]
struct Small;

#[test]
fn every_form_compiles() {
    let _ = Orders::run as fn() -> std::process::ExitCode;
    let _ = <Orders>::builder();
    let _ = Small::run as fn() -> std::process::ExitCode;
    let _ = Small::builder();
}
