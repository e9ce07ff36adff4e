//! Many timers of one second in one service; prints what [`Punctuality`] reports.
//!
//! What `#[microservice]` would write, by hand: no struct has so many methods.

use std::{process::ExitCode, sync::OnceLock, time::Instant};

use benches::{Punctuality, TIMERS};
use chassis::{
    __private::{Schedule, TimerId},
    Blueprint, Context, Microservice, NoArgs, Parts, Result,
};
use tokio::time::{Duration, sleep_until};

struct Timers {
    punctuality: Punctuality,
    /// When each was started.
    started: Vec<OnceLock<Instant>>,
}

impl Microservice for Timers {
    const NAME: &'static str = "timers";
    const VERSION: &'static str = "1.0.0";
    const ABOUT: &'static str = "Ticks.";

    type Args = NoArgs;

    fn build(_: &mut Parts<'_>) -> Result<Self> {
        let started = (0..TIMERS).map(|_| OnceLock::new()).collect();
        Ok(Timers { punctuality: Punctuality::from_env(), started })
    }

    fn blueprint(blueprint: &mut Blueprint<Self>) {
        for index in 0..TIMERS {
            let schedule = Schedule::every(Duration::from_secs(1));
            let run = |service: std::sync::Arc<Self>, cx: Context| async move { service.ticked(cx.name()) };
            blueprint.timer(id(index), schedule, run).autostart(false);
        }
        blueprint.task("start", |service, cx| async move { service.start(&cx).await });
        blueprint
            .task("report", |service, _| async move {
                let report = tokio::task::spawn_blocking(move || service.punctuality.report()).await;
                println!("{}", report.unwrap_or_default());
            })
            .stop_when_done();
    }
}

impl Timers {
    async fn start(&self, cx: &Context) {
        let began = tokio::time::Instant::now();
        for (index, started) in self.started.iter().enumerate() {
            if index % 100 == 0 {
                sleep_until(began + Duration::from_secs(1).mul_f64(index as f64 / TIMERS as f64)).await;
            }
            started.get_or_init(Instant::now);
            cx.timer(id(index)).start();
        }
    }

    fn ticked(&self, name: &str) {
        let index: usize = name[1..].parse().unwrap_or(0);
        if let Some(started) = self.started[index].get() {
            self.punctuality.ticked(*started);
        }
    }
}

/// The names live as long as the program, like those of an expansion.
fn id(index: usize) -> TimerId {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| (0..TIMERS).map(|index| &*format!("t{index}").leak()).collect());
    TimerId::new(names[index])
}

fn main() -> ExitCode {
    chassis::__private::run::<Timers>()
}
