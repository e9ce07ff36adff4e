//! One resource's part of a phase, with the hooks around it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};

use super::{Engine, HookPlan, Node};
use crate::{
    Context, Error, Result,
    blueprint::When,
    lifecycle::{
        Core, EventKind, Failure, Phase, Place,
        core::{for_people, step_name},
        settings::ResourceLifecycle,
    },
    resource::State,
    supervision::Backoff,
    tasks::catch,
};

impl Engine {
    /// One resource's part of a phase, with the hooks around it.
    pub(super) async fn step(&self, at: usize, phase: Phase) -> Result<()> {
        let node = &self.nodes[at];
        let cell = &self.core.resources[at];
        let began = Instant::now();
        let _running = self.core.running.enter(step_name(cell.name, phase));
        match phase {
            Phase::Start => self.core.set_state(at, State::Connecting),
            Phase::Close | Phase::Stop => self.core.set_state(at, State::Stopping),
            _ => {}
        }
        let result = self.hooked_step(node, at, phase).await;
        match (phase, &result) {
            (Phase::PreStart, Ok(())) => node.is_prepared.store(true, Ordering::Release),
            (Phase::PreStart, Err(_)) => cell.prepared.end().await,
            (Phase::Open, _) => node.is_open.store(true, Ordering::Release),
            (Phase::Drain, _) => node.is_open.store(false, Ordering::Release),
            (Phase::Stop, _) => {
                node.is_started.store(false, Ordering::Release);
                cell.background.end().await;
                self.core.set_state(at, if result.is_ok() { State::Stopped } else { State::Failed });
            }
            (Phase::PostStop, _) => {
                node.is_prepared.store(false, Ordering::Release);
                cell.prepared.end().await;
            }
            _ => {}
        }
        if let Err(error) = &result {
            self.core.set_last_error(at, error);
            if !phase.is_reverse() && phase != Phase::PreStart {
                self.core.set_state(at, State::Failed);
            }
        }
        let error = result.as_ref().err().map(|error| format!("{error:#}"));
        self.core.events.emit(EventKind::Step { resource: cell.name, phase, took: began.elapsed(), error });
        result
    }

    async fn hooked_step(&self, node: &Node, at: usize, phase: Phase) -> Result<()> {
        let mut failures = self.run_hooks(&node.hooks, When::Before, phase).await;
        if let Some(Failure { what, error }) = failures.pop()
            && !phase.is_reverse()
        {
            return Err(error.context(what));
        }
        if phase == Phase::Start {
            self.start_with_retries(node, at).await?;
            node.is_started.store(true, Ordering::Release);
            self.core.set_state(at, State::Started);
        } else {
            let cx = if matches!(phase, Phase::PreStart | Phase::PostStop) { &node.prepared_cx } else { &node.cx };
            let work = node.resource.run(phase, cx);
            if phase.is_reverse() {
                catch(work).await?;
            } else {
                let limit = self.start_limit(node, at);
                limit.hold(work).await.ok_or_else(|| Error::unavailable(limit.passed("done")))??;
            }
        }
        let mut failures = self.run_hooks(&node.hooks, When::After, phase).await;
        match failures.pop() {
            Some(Failure { what, error }) => Err(error.context(what)),
            None => Ok(()),
        }
    }

    /// Calls `start` until it succeeds, cannot succeed any more, or its time is over.
    async fn start_with_retries(&self, node: &Node, at: usize) -> Result<()> {
        let ResourceLifecycle { start_timeout, start_retries, backoff_min, backoff_max } = &node.lifecycle;
        let start_timeout = start_timeout.get();
        let limit = self.start_limit(node, at);
        let mut backoff = Backoff::new(backoff_min.get(), backoff_max.get());
        let mut crashes = 0;
        let mut last: Option<Error> = None;
        let name = self.core.resources[at].name;
        loop {
            self.core.resources[at].life.fetch_add(1, Ordering::AcqRel);
            let error = match limit.hold(node.resource.run(Phase::Start, &node.cx)).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => error,
                None => {
                    node_ended(&self.core, at).await;
                    let passed = limit.passed("started");
                    // What the attempt before it failed with says more than that this one takes long.
                    return Err(match last {
                        Some(error) => error.context(passed.to_string()),
                        None => Error::unavailable(passed),
                    });
                }
            };
            // Background work of the failed attempt must not meet that of the next.
            node_ended(&self.core, at).await;
            let is_retried = error.is_retryable()
                && (error.is_unavailable() || {
                    crashes += 1;
                    crashes <= start_retries.get()
                });
            if !is_retried {
                return Err(error);
            }
            let delay = backoff.failed_with_jitter(fastrand::f64());
            if Instant::now() + delay >= limit.deadline {
                let attempts = backoff.failures();
                let times = if attempts == 1 { "attempt" } else { "attempts" };
                return Err(error
                    .context(format!("not started within {}, after {attempts} {times}", for_people(start_timeout))));
            }
            if backoff.failures() == 1 {
                tracing::warn!(
                    "resource `{name}` cannot start yet: {error:#}; tried again for up to {}",
                    for_people(start_timeout)
                );
            } else {
                tracing::debug!("resource `{name}` cannot start yet: {error:#}");
            }
            last = Some(error);
            tokio::time::sleep(delay).await;
        }
    }

    /// How long each step of a resource's start may take, all attempts of it together.
    fn start_limit(&self, node: &Node, at: usize) -> Limit {
        let setting = format!("system.resources.{}.lifecycle.start_timeout", self.core.resources[at].name);
        Limit::new(node.lifecycle.start_timeout.get(), setting)
    }

    pub(super) async fn run_hooks(
        &self,
        hooks: &HashMap<(When, Phase), Vec<HookPlan>>,
        when: When,
        phase: Phase,
    ) -> Vec<Failure> {
        let mut failures = Vec::new();
        for hook in hooks.get(&(when, phase)).into_iter().flatten() {
            let began = Instant::now();
            let _running = self.core.running.enter(format!("hook `{}`", hook.name));
            let cx = Context::new(Arc::clone(&self.core), Place::Work(hook.name));
            let work = (hook.run)(cx);
            // In a stop it is the budget that ends them.
            let result = if phase.is_reverse() {
                catch(work).await
            } else {
                let limit =
                    Limit::new(self.core.lifecycle.hook_timeout.get(), "system.lifecycle.hook_timeout".to_owned());
                limit.hold(work).await.unwrap_or_else(|| Err(limit.passed("done")))
            };
            let error = result.as_ref().err().map(|error| format!("{error:#}"));
            self.core.events.emit(EventKind::Hook { hook: hook.name, took: began.elapsed(), error });
            if let Err(error) = result {
                failures.push(Failure { what: format!("hook `{}` failed", hook.name), error });
                // What comes after it in a start may rely on it.
                if !phase.is_reverse() {
                    break;
                }
            }
        }
        failures
    }
}

/// How long something in a start may take, and the setting that says so.
struct Limit {
    deadline: Instant,
    time: Duration,
    setting: String,
}

impl Limit {
    fn new(time: Duration, setting: String) -> Self {
        Self { deadline: Instant::now() + time, time, setting }
    }

    /// What comes of `work` in time, panics caught; `None` when it takes longer.
    async fn hold(&self, work: impl Future<Output = Result<()>>) -> Option<Result<()>> {
        timeout_at(self.deadline, catch(work)).await.ok()
    }

    /// "not started within 10s", and where that is set.
    fn passed(&self, verb: &str) -> Error {
        Error::msg(format!("not {verb} within {}; see `{}`", for_people(self.time), self.setting))
    }
}

async fn node_ended(core: &Core, at: usize) {
    core.resources[at].background.end().await;
}
