//! Takes the resources, hooks, tasks and timers of a service through their life.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    Core, EventKind, Failure, Phase, Report, Stage, StopReason,
    core::{for_people, step_name},
    graph::Walk,
    health,
    settings::ResourceLifecycle,
    signal,
};
use crate::{
    Context, Error, Result,
    lifecycle::Place,
    microservice::{BoxFuture, When},
    resource::{ErasedResource, State},
    supervision::{Backoff, Supervisor},
    tasks::{self, TaskPlan, ThreadPlan, TimerPlan, catch},
};

/// A hook of the service, ready to run.
pub(crate) struct HookPlan {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) phase: Phase,
    pub(crate) resource: Option<&'static str>,
    pub(crate) run: Arc<dyn Fn(Context) -> BoxFuture<Result<()>> + Send + Sync>,
}

/// What an engine runs; the resources are in the order of the core's cells.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) resources: Vec<(ErasedResource, ResourceLifecycle)>,
    pub(crate) hooks: Vec<HookPlan>,
    pub(crate) tasks: Vec<TaskPlan>,
    pub(crate) timers: Vec<TimerPlan>,
    pub(crate) threads: Vec<ThreadPlan>,
}

/// The engine of one service.
pub(crate) struct Engine {
    core: Arc<Core>,
    nodes: Vec<Node>,
    /// Hooks around a phase of all resources.
    phase_hooks: HashMap<(When, Phase), Vec<HookPlan>>,
    work: Mutex<Work>,
}

struct Node {
    resource: ErasedResource,
    lifecycle: ResourceLifecycle,
    cx: Context,
    /// For `pre_start` and `post_stop`.
    prepared_cx: Context,
    hooks: HashMap<(When, Phase), Vec<HookPlan>>,
    /// Its `pre_start` has succeeded, so its `post_stop` is due.
    is_prepared: AtomicBool,
    is_started: AtomicBool,
    is_open: AtomicBool,
}

/// What was not started yet, and what runs.
#[derive(Default)]
struct Work {
    planned_tasks: Vec<TaskPlan>,
    planned_threads: Vec<ThreadPlan>,
    planned_timers: Vec<TimerPlan>,
    tasks: JoinSet<()>,
    timers: JoinSet<()>,
    threads: Vec<oneshot::Receiver<()>>,
    /// The supervisor, the health checks, the watch over the event loop.
    keepers: JoinSet<()>,
}

/// How a stop went.
pub(crate) struct StopOutcome {
    pub(crate) code: u8,
    pub(crate) failures: Vec<Failure>,
    /// What had not ended when the budget was used up.
    pub(crate) abandoned: Vec<String>,
    pub(crate) took: Duration,
}

impl Engine {
    pub(crate) fn new(core: Arc<Core>, plan: Plan) -> Arc<Self> {
        let Plan { resources, hooks, tasks, timers, threads } = plan;
        let mut nodes: Vec<Node> = resources
            .into_iter()
            .enumerate()
            .map(|(at, (resource, lifecycle))| Node {
                resource,
                lifecycle,
                cx: Context::new(Arc::clone(&core), Place::Resource(at)),
                prepared_cx: Context::new(Arc::clone(&core), Place::Prepared(at)),
                hooks: HashMap::new(),
                is_prepared: AtomicBool::new(false),
                is_started: AtomicBool::new(false),
                is_open: AtomicBool::new(false),
            })
            .collect();
        let _ = core.erased.set(nodes.iter().map(|node| Arc::downgrade(&node.resource)).collect());
        let mut phase_hooks: HashMap<_, Vec<HookPlan>> = HashMap::new();
        for hook in hooks {
            let node = hook.resource.and_then(|name| core.resources.iter().position(|cell| cell.name == name));
            let hooks = match node {
                Some(at) => &mut nodes[at].hooks,
                None => &mut phase_hooks,
            };
            hooks.entry((hook.when, hook.phase)).or_default().push(hook);
        }
        let work = Work { planned_tasks: tasks, planned_threads: threads, planned_timers: timers, ..Work::default() };
        Arc::new(Self { core, nodes, phase_hooks, work: Mutex::new(work) })
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Starts everything; stops what was started again if something fails.
    ///
    /// # Errors
    /// How the rolled back start ended.
    pub(crate) async fn start(
        self: &Arc<Self>,
        reports: mpsc::UnboundedReceiver<Report>,
    ) -> Result<Duration, StopOutcome> {
        let began = Instant::now();
        for phase in Phase::STARTING {
            let failures = tokio::select! {
                biased;
                () = self.start_given_up() => Vec::new(),
                failures = self.phase(phase) => failures,
            };
            let has_failed = !failures.is_empty();
            for Failure { what, error } in failures {
                self.core.record_failure(what, error);
            }
            if has_failed || self.is_start_given_up() {
                if has_failed {
                    self.core.stop(StopReason::Failed(format!("the start failed in phase {phase}")));
                }
                return Err(self.stop().await);
            }
            if phase == Phase::Start
                && let Err(error) = self.start_work()
            {
                self.core.record_failure("cannot start a thread".to_owned(), error);
                return Err(self.stop().await);
            }
        }
        self.start_timers();
        self.start_keepers(reports);
        self.core.enter(Stage::Running);
        let took = began.elapsed();
        self.core.events.emit(EventKind::Running { took });
        Ok(took)
    }

    /// Whether the start is not worth its end any more. A task that is done already does not count: a service that does
    /// its work and leaves is started, and then stopped.
    fn is_start_given_up(&self) -> bool {
        self.core.stop_asked.is_triggered() && !matches!(self.core.reason(), Some(StopReason::Done(_)))
    }

    async fn start_given_up(&self) {
        self.core.stop_asked.wait().await;
        if !self.is_start_given_up() {
            std::future::pending::<()>().await;
        }
    }

    /// Completes when something asks for the stop.
    pub(crate) async fn stop_asked(&self) {
        self.core.stop_asked.wait().await;
    }

    /// Stops everything that was started, within the budget.
    pub(crate) async fn stop(self: &Arc<Self>) -> StopOutcome {
        let core = &self.core;
        let began = Instant::now();
        // Also for a stop that nobody asked for: a start that was rolled back.
        core.stop(StopReason::Asked);
        let was_running = core.stage() == Stage::Running;
        core.enter(Stage::Stopping);
        let reason = self.reason();
        core.events.emit(EventKind::Stopping { reason: reason.clone() });
        if was_running {
            tracing::info!("stopping: {reason}");
        }
        let budget = core.lifecycle.stop_timeout;
        core.stop_asked.set_deadline(began + budget);
        core.work_ends.set_deadline(began + budget);
        let mut abandoned = self.end_keepers(began + budget.mul_f64(0.1)).await;
        for control in core.timers.values() {
            control.end();
        }
        // The last part of the budget is for letting go, whatever the draining did with its part.
        let drained_by = began + budget.mul_f64(0.8);
        let tasks_by = began + budget.mul_f64(0.9);
        let stopped_by = began + budget;
        self.stop_phase(Phase::Close, drained_by, &mut abandoned).await;
        let ticks = self.end_timers(drained_by);
        let mut late_ticks = Vec::new();
        let drain = self.stop_phase(Phase::Drain, drained_by, &mut abandoned);
        let ((), ()) = tokio::join!(drain, async { late_ticks = ticks.await });
        abandoned.append(&mut late_ticks);
        abandoned.append(&mut self.end_work(tasks_by).await);
        self.stop_phase(Phase::Stop, stopped_by, &mut abandoned).await;
        if timeout_at(stopped_by, core.tasks.background.end()).await.is_err() {
            abandoned.push("background work of the service".to_owned());
        }
        self.stop_phase(Phase::PostStop, stopped_by, &mut abandoned).await;

        core.enter(Stage::Stopped);
        let took = began.elapsed();
        let failures = core.take_failures();
        abandoned.sort();
        abandoned.dedup();
        let code = match Core::exit_code(&failures) {
            0 if !abandoned.is_empty() => 75,
            code => code,
        };
        core.events.emit(EventKind::Stopped { code, took });
        StopOutcome { code, failures, abandoned, took }
    }

    /// Why the service stops, in words.
    fn reason(&self) -> String {
        match self.core.reason() {
            Some(StopReason::Signal(number)) => format!("received {}", signal::name(number)),
            Some(StopReason::Done(task)) => format!("task `{task}` is done"),
            Some(StopReason::Failed(what)) => what,
            Some(StopReason::Asked) | None => "asked to stop".to_owned(),
        }
    }

    /// Runs one phase over all resources that take part in it, with the hooks around it.
    async fn phase(self: &Arc<Self>, phase: Phase) -> Vec<Failure> {
        let began = Instant::now();
        let mut failures = self.run_hooks(&self.phase_hooks, When::Before, phase).await;
        if failures.is_empty() || phase.is_reverse() {
            failures.append(&mut self.walk(phase, self.participants(phase)).await);
        }
        if failures.is_empty() || phase.is_reverse() {
            failures.append(&mut self.run_hooks(&self.phase_hooks, When::After, phase).await);
        }
        let (took, failed) = (began.elapsed(), failures.len());
        self.core.events.emit(EventKind::Phase { phase, took, failed });
        failures
    }

    /// A phase of the stop: failures are told and recorded, and the clock runs.
    async fn stop_phase(self: &Arc<Self>, phase: Phase, until: Instant, abandoned: &mut Vec<String>) {
        let mut steps = pin!(self.phase(phase));
        match timeout_at(until, &mut steps).await {
            Ok(failures) => {
                for Failure { what, error } in failures {
                    tracing::error!("{what}: {error:#}");
                    self.core.record_failure(what, error);
                }
            }
            // The names are read before the steps are dropped, and with them their names.
            Err(_) => abandoned.extend(self.core.running.names().into_iter().filter(|name| !is_work(name))),
        }
    }

    /// Which resources take part in a phase: all in a start, what was started in a stop.
    fn participants(&self, phase: Phase) -> Vec<bool> {
        self.nodes
            .iter()
            .map(|node| match phase {
                Phase::PreStart | Phase::Start | Phase::PostStart | Phase::Open => true,
                Phase::Close | Phase::Drain => node.is_open.load(Ordering::Acquire),
                Phase::Stop => node.is_started.load(Ordering::Acquire),
                Phase::PostStop => node.is_prepared.load(Ordering::Acquire),
            })
            .collect()
    }

    /// Takes the selected resources through one phase, each as soon as what it waits for is done.
    ///
    /// In a start, what depends on a failed one is left out, and everything else is tried, so that one run shows all
    /// problems. In a stop a failure changes nothing for the others.
    pub(crate) async fn walk(self: &Arc<Self>, phase: Phase, is_selected: Vec<bool>) -> Vec<Failure> {
        let mut walk = Walk::new(&self.core.graph, phase.is_reverse(), is_selected);
        let mut steps = JoinSet::new();
        let mut failures = Vec::new();
        loop {
            for at in walk.take_ready() {
                let engine = Arc::clone(self);
                let scope = &self.core.scope;
                steps.spawn(scope.wrap(async move { (at, engine.step(at, phase).await) }));
            }
            match steps.join_next().await {
                None => return failures,
                Some(Ok((at, Ok(())))) => walk.done(at),
                Some(Ok((at, Err(error)))) => {
                    let what = format!("resource `{}` failed in `{phase}`", self.core.resources[at].name);
                    failures.push(Failure { what, error });
                    if phase.is_reverse() {
                        walk.done(at);
                    }
                }
                // A step catches its own panics, so only a runtime that is torn down gets here.
                Some(Err(error)) => {
                    failures.push(Failure { what: format!("phase {phase} was cut off"), error: error.into() });
                }
            }
        }
    }

    /// One resource's part of a phase, with the hooks around it.
    async fn step(&self, at: usize, phase: Phase) -> Result<()> {
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
            catch(node.resource.run(phase, cx)).await?;
        }
        let mut failures = self.run_hooks(&node.hooks, When::After, phase).await;
        match failures.pop() {
            Some(Failure { what, error }) => Err(error.context(what)),
            None => Ok(()),
        }
    }

    /// Calls `start` until it succeeds, cannot succeed any more, or its time is over.
    async fn start_with_retries(&self, node: &Node, at: usize) -> Result<()> {
        let ResourceLifecycle { start_timeout, start_retries, backoff_min, backoff_max } = node.lifecycle;
        let deadline = Instant::now() + start_timeout;
        let mut backoff = Backoff::new(backoff_min, backoff_max);
        let mut crashes = 0;
        let name = self.core.resources[at].name;
        loop {
            self.core.resources[at].life.fetch_add(1, Ordering::AcqRel);
            let error = match timeout_at(deadline, catch(node.resource.run(Phase::Start, &node.cx))).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error,
                Err(_) => {
                    node_ended(&self.core, at).await;
                    return Err(Error::unavailable(Error::msg(format!(
                        "not started within {}; see `system.resources.{name}.lifecycle.start_timeout`",
                        for_people(start_timeout)
                    ))));
                }
            };
            // Background work of the failed attempt must not meet that of the next.
            node_ended(&self.core, at).await;
            let is_retried = error.is_retryable()
                && (error.is_unavailable() || {
                    crashes += 1;
                    crashes <= start_retries
                });
            if !is_retried {
                return Err(error);
            }
            let delay = backoff.failed_with_jitter(fastrand::f64());
            if Instant::now() + delay >= deadline {
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
            tokio::time::sleep(delay).await;
        }
    }

    async fn run_hooks(&self, hooks: &HashMap<(When, Phase), Vec<HookPlan>>, when: When, phase: Phase) -> Vec<Failure> {
        let mut failures = Vec::new();
        for hook in hooks.get(&(when, phase)).into_iter().flatten() {
            let began = Instant::now();
            let _running = self.core.running.enter(format!("hook `{}`", hook.name));
            let cx = Context::new(Arc::clone(&self.core), Place::Work(hook.name));
            let result = catch((hook.run)(cx)).await;
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

    /// Starts tasks and threads.
    fn start_work(self: &Arc<Self>) -> Result<()> {
        let mut work = self.work();
        for plan in std::mem::take(&mut work.planned_tasks) {
            work.tasks.spawn(self.core.scope.wrap(tasks::task::run(plan, Arc::clone(&self.core))));
        }
        for plan in std::mem::take(&mut work.planned_threads) {
            let end = tasks::thread::start(plan, &self.core)?;
            work.threads.push(end);
        }
        Ok(())
    }

    fn start_timers(self: &Arc<Self>) {
        let mut work = self.work();
        let plans = std::mem::take(&mut work.planned_timers);
        if plans.is_empty() {
            return;
        }
        let core = Arc::clone(&self.core);
        work.timers.spawn(self.core.scope.wrap(async move {
            let timers = tasks::timers::run(plans, Arc::clone(&core));
            if let Err(error) = catch(timers.map(Ok)).await {
                core.fail("the timers failed".to_owned(), error);
            }
        }));
    }

    /// Starts what watches over the service while it runs.
    fn start_keepers(self: &Arc<Self>, reports: mpsc::UnboundedReceiver<Report>) {
        let mut work = self.work();
        let scope = &self.core.scope;
        work.keepers.spawn(scope.wrap(Supervisor::new(Arc::clone(self)).run(reports)));
        work.keepers.spawn(scope.wrap(health::watch(Arc::clone(self))));
        work.keepers.spawn(scope.wrap(self.core.figures.watch_event_loop()));
        work.keepers.spawn(scope.wrap(self.core.metrics.keep_up()));
    }

    /// Ends what watches over the service; names what did not end in time.
    async fn end_keepers(&self, until: Instant) -> Vec<String> {
        let mut keepers = std::mem::take(&mut self.work().keepers);
        if timeout_at(until, keepers.shutdown()).await.is_ok() {
            return Vec::new();
        }
        // They only wait, so one that is still there is held up by a resource: in `health`, or by a restart.
        self.core.running.names().into_iter().filter(|name| !is_work(name)).collect()
    }

    /// Waits for running ticks; names those that did not end in time.
    fn end_timers(&self, until: Instant) -> impl Future<Output = Vec<String>> {
        let mut timers = std::mem::take(&mut self.work().timers);
        async move {
            let all = async { while timers.join_next().await.is_some() {} };
            if timeout_at(until, all).await.is_ok() {
                return Vec::new();
            }
            // The names are read before the ticks are aborted.
            self.core.tasks.running_timers().map(|name| format!("timer `{name}`")).collect()
        }
    }

    /// Ends tasks and threads; names those that did not end in time.
    async fn end_work(&self, until: Instant) -> Vec<String> {
        self.core.work_ends.trigger();
        let (mut tasks, threads) = {
            let mut work = self.work();
            (std::mem::take(&mut work.tasks), std::mem::take(&mut work.threads))
        };
        let all = async {
            while tasks.join_next().await.is_some() {}
            for end in threads {
                let _ = end.await;
            }
        };
        if timeout_at(until, all).await.is_ok() {
            return Vec::new();
        }
        let names = self.core.running.names().into_iter().filter(|name| is_work(name)).collect();
        // A task that blocks its thread cannot be waited for.
        tasks.abort_all();
        names
    }

    /// Stops resources for a restart, dependents first; failures are only told.
    pub(crate) async fn stop_for_restart(self: &Arc<Self>, selection: &[usize]) {
        for phase in Phase::STOPPING {
            let is_selected = self.select(selection, phase);
            let budget = self.core.lifecycle.restart_stop_timeout;
            match timeout(budget, self.walk(phase, is_selected)).await {
                Ok(failures) => {
                    for Failure { what, error } in failures {
                        tracing::warn!("{what} before its restart: {error:#}");
                    }
                }
                Err(_) => tracing::warn!("phase {phase} of a restart was cut off after {}", for_people(budget)),
            }
        }
        for &at in selection {
            let node = &self.nodes[at];
            self.core.resources[at].background.end().await;
            self.core.resources[at].prepared.end().await;
            node.is_open.store(false, Ordering::Release);
            node.is_started.store(false, Ordering::Release);
            node.is_prepared.store(false, Ordering::Release);
        }
    }

    /// Starts resources again, dependencies first.
    ///
    /// # Errors
    /// The first failure; nothing of the selection is left running then.
    pub(crate) async fn start_for_restart(self: &Arc<Self>, selection: &[usize]) -> Result<()> {
        for phase in Phase::STARTING {
            let is_selected = self.select(selection, phase);
            let mut failures = self.walk(phase, is_selected).await;
            if !failures.is_empty() {
                let Failure { what, error } = failures.remove(0);
                self.stop_for_restart(selection).await;
                return Err(error.context(what));
            }
        }
        Ok(())
    }

    fn select(&self, selection: &[usize], phase: Phase) -> Vec<bool> {
        let mut is_selected = vec![false; self.nodes.len()];
        for &at in selection {
            is_selected[at] = true;
        }
        for (is_selected, takes_part) in is_selected.iter_mut().zip(self.participants(phase)) {
            *is_selected &= takes_part;
        }
        is_selected
    }

    pub(crate) fn resource(&self, at: usize) -> &ErasedResource {
        &self.nodes[at].resource
    }

    pub(crate) fn is_started(&self, at: usize) -> bool {
        self.nodes[at].is_started.load(Ordering::Acquire)
    }

    fn work(&self) -> std::sync::MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a name on the list of what runs is a task's, a timer's or a thread's.
fn is_work(name: &str) -> bool {
    name.starts_with("task `") || name.starts_with("thread `") || name.starts_with("timer `")
}

async fn node_ended(core: &Core, at: usize) {
    core.resources[at].background.end().await;
}
