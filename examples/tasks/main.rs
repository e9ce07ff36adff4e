//! Work beside the handlers: tasks, timers and threads.
//!
//! `cargo run --example tasks` runs one of each kind; stop it with Ctrl-C.

use std::sync::atomic::{AtomicU64, Ordering};

use chassis::prelude::*;

/// Counts in several ways.
#[microservice(name = "counters")]
struct Counters {
    /// How long the task waits between two looks.
    #[setting(default = "500ms")]
    pause: Setting<Duration>,
    count: AtomicU64,
    attempts: AtomicU64,
}

#[microservice]
impl Counters {
    /// Takes `Shutdown`, so it ends by itself, within the stop budget.
    #[task]
    async fn watch(&self, stop: Shutdown) {
        while !stop.is_triggered() {
            tracing::info!("counted to {}", self.count.load(Ordering::Relaxed));
            tokio::select! {
                () = stop.wait() => {}
                () = tokio::time::sleep(self.pause.get()) => {}
            }
        }
        tracing::info!("the last count is {}", self.count.load(Ordering::Relaxed));
    }

    /// Fails twice, is restarted with growing pauses, and is done.
    #[task(restart = "on-failure")]
    async fn flaky(&self) -> Result<()> {
        match self.attempts.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(Error::msg("not yet")),
            _ => Ok(()),
        }
    }

    /// Ten times a second, without drift.
    #[task_timer(interval = "100ms")]
    async fn count(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until it is started, and runs once.
    #[task_timer(interval = "1s", one_shot, autostart = false)]
    async fn later(&self) {
        tracing::info!("one second later");
    }

    #[after(open)]
    async fn start_later(&self, cx: Context) {
        cx.timer(Self::LATER).start();
    }

    /// Every day at three, by the clocks of Berlin.
    #[task_timer(cron = "0 3 * * *", timezone = "Europe/Berlin")]
    async fn tidy_up(&self) {
        self.count.store(0, Ordering::Relaxed);
    }

    /// A thread for work that blocks; it is joined at the stop.
    #[thread]
    fn crunch(&self, stop: Shutdown) {
        let mut rounds = 0_u64;
        while !stop.wait_timeout(Duration::from_millis(50)) {
            rounds += 1;
        }
        tracing::info!("crunched {rounds} rounds");
    }
}

fn main() -> std::process::ExitCode {
    Counters::run()
}
