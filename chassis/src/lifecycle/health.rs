//! Asks the resources how they are, so that probes can be answered from memory.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::Engine;
use crate::{
    resource::{Health, HealthStatus, State},
    tasks::catch,
};

/// Failures in a row before a resource counts as down, and successes before it counts as up again.
const DOWN_AFTER: u32 = 3;
const UP_AFTER: u32 = 2;

/// However often it is asked.
const LEAST_PAUSE: Duration = Duration::from_millis(10);

/// How long one resource may think about its health.
const PATIENCE: Duration = Duration::from_secs(2);

/// Smooths a series of answers, so that one lost packet takes no replica out of service. Pure.
#[derive(Debug, Default)]
struct Hysteresis {
    is_down: bool,
    /// Answers in a row that contradict `is_down`.
    against: u32,
}

impl Hysteresis {
    /// Whether the resource counts as down after this answer.
    fn answered(&mut self, is_failure: bool) -> bool {
        if is_failure == self.is_down {
            self.against = 0;
        } else {
            self.against += 1;
            let enough = if is_failure { DOWN_AFTER } else { UP_AFTER };
            if self.against >= enough {
                (self.is_down, self.against) = (is_failure, 0);
            }
        }
        self.is_down
    }
}

/// Asks every resource again and again.
pub(crate) async fn watch(engine: Arc<Engine>) {
    let core = Arc::clone(engine.core());
    let mut smoothed: Vec<Hysteresis> = core.resources.iter().map(|_| Hysteresis::default()).collect();
    let mut pause = core.lifecycle.health_interval.watch();
    loop {
        let asked = (0..core.resources.len()).filter(|&at| core.resources[at].state() == State::Started);
        let answers = join_all(asked.map(|at| {
            let engine = &engine;
            async move { (at, ask(engine, at).await) }
        }));
        for (at, health) in answers.await {
            // It may have failed or been restarted meanwhile; then the supervisor knows better.
            if core.resources[at].state() != State::Started {
                continue;
            }
            let is_down = smoothed[at].answered(health.status() == HealthStatus::Fail);
            let known = core.resources[at].health().status() == HealthStatus::Fail;
            match (health.status() == HealthStatus::Fail, is_down) {
                // Not yet believed, either way: what was known stays.
                (true, false) if !known => {}
                (false, true) => {}
                _ => {
                    if core.set_health(at, health.clone()) {
                        tell(core.resources[at].name, &health);
                    }
                }
            }
        }
        // A shorter interval does not wait for the end of a longer one.
        let _ = timeout(pause.get().max(LEAST_PAUSE), pause.changed()).await;
    }
}

fn tell(name: &str, health: &Health) {
    match (health.status(), health.output()) {
        (HealthStatus::Pass, _) => tracing::info!("resource `{name}` is well again"),
        (status, output) => {
            tracing::warn!("resource `{name}` is not well ({status}): {}", output.unwrap_or("no reason given"));
        }
    }
}

async fn ask(engine: &Engine, at: usize) -> Health {
    let _running = engine.core().running.enter(format!("health of `{}`", engine.core().resources[at].name));
    let health = async { Ok(engine.resource(at).health().await) };
    match timeout(PATIENCE, catch(health)).await {
        Ok(Ok(health)) => health,
        Ok(Err(error)) => Health::fail(format!("the health check failed: {error:#}")),
        Err(_) => Health::fail(format!("the health check took more than {} s", PATIENCE.as_secs())),
    }
}

#[cfg(test)]
mod tests {
    use super::Hysteresis;

    #[test]
    fn down_after_three_failures_and_up_after_two_successes() {
        let mut smoothed = Hysteresis::default();
        let answers = [true, true, false, true, true, true, false, true, false, false];
        let down: Vec<bool> = answers.into_iter().map(|failure| smoothed.answered(failure)).collect();
        assert_eq!(down, [false, false, false, false, false, true, true, true, true, false]);
    }
}
