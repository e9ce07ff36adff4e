//! Takes the resources, hooks, tasks and timers of a service through their life.

mod change;
mod check;
mod restart;
mod step;
mod work;

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::task::TaskTracker;

use self::work::{Work, is_work};
use super::{
    Core, EventKind, Failure, Phase, Report, Stage, StopReason, graph::Walk, settings::ResourceLifecycle, signal,
};
use crate::{
    Context, Result,
    blueprint::{Run, When},
    leadership::Candidacy,
    lifecycle::Place,
    resource::ErasedResource,
    settings::Tree,
    tasks::{TaskPlan, ThreadPlan, TimerPlan},
};

/// A hook of the service, ready to run.
pub(crate) struct HookPlan {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) phase: Phase,
    pub(crate) resource: Option<&'static str>,
    pub(crate) run: Run,
}

/// What an engine runs; the resources are in the order of the core's cells.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) resources: Vec<(ErasedResource, ResourceLifecycle)>,
    pub(crate) hooks: Vec<HookPlan>,
    pub(crate) tasks: Vec<TaskPlan>,
    pub(crate) timers: Vec<TimerPlan>,
    pub(crate) threads: Vec<ThreadPlan>,
    pub(crate) candidacy: Option<Candidacy>,
}

/// The engine of one service.
pub(crate) struct Engine {
    core: Arc<Core>,
    nodes: Vec<Node>,
    /// Hooks around a phase of all resources.
    phase_hooks: HashMap<(When, Phase), Vec<HookPlan>>,
    work: Mutex<Work>,
    /// The settings that resources read at the earliest: what is set from then on, they may not have seen.
    started_with: OnceLock<Tree>,
    /// The steps under way: one that was cut off while it blocked its thread goes on for a while.
    steps: TaskTracker,
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
        let Plan { resources, hooks, tasks, timers, threads, candidacy } = plan;
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
        let work = Work {
            planned_tasks: tasks,
            planned_threads: threads,
            planned_timers: timers,
            planned_candidacy: candidacy,
            ..Work::default()
        };
        Arc::new(Self {
            core,
            nodes,
            phase_hooks,
            work: Mutex::new(work),
            started_with: OnceLock::new(),
            steps: TaskTracker::new(),
        })
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
            if phase == Phase::Start {
                let _ = self.started_with.set(self.core.settings.tree());
            }
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
        self.start_candidacy();
        self.start_keepers(reports);
        self.core.enter(Stage::Running);
        self.core.settings.accepted(&self.core.sources);
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
        let budget = core.lifecycle.stop_timeout.get();
        core.stop_asked.set_deadline(began + budget);
        core.work_ends.set_deadline(began + budget);
        let mut abandoned = self.end_keepers(began + budget.mul_f64(0.1)).await;
        // What a start that was given up has begun is over, one way or the other, before it is asked what was started.
        self.steps.close();
        if timeout_at(began + budget.mul_f64(0.1), self.steps.wait()).await.is_err() {
            abandoned.extend(core.running.names().into_iter().filter(|name| !is_work(name)));
        }
        for control in core.timers.values() {
            control.end();
        }
        // Each part of the stop leaves something for the next ones, whatever it did with its own.
        let drained_by = began + budget.mul_f64(0.8);
        let tasks_by = began + budget.mul_f64(0.9);
        let stopped_by = began + budget.mul_f64(0.97);
        self.stop_phase(Phase::Close, drained_by, &mut abandoned).await;
        let ticks = self.end_timers(drained_by);
        let mut late_ticks = Vec::new();
        let drain = self.stop_phase(Phase::Drain, drained_by, &mut abandoned);
        let ((), ()) = tokio::join!(drain, async { late_ticks = ticks.await });
        abandoned.append(&mut late_ticks);
        abandoned.append(&mut self.end_work(tasks_by).await);
        self.end_candidacy(stopped_by).await;
        self.stop_phase(Phase::Stop, stopped_by, &mut abandoned).await;
        if timeout_at(stopped_by, core.tasks.background.end()).await.is_err() {
            abandoned.push("background work of the service".to_owned());
        }
        self.stop_phase(Phase::PostStop, began + budget, &mut abandoned).await;
        core.sources.iter().for_each(|source| source.end());

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
                steps.spawn(self.steps.track_future(scope.wrap(async move { (at, engine.step(at, phase).await) })));
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

    pub(crate) fn resource(&self, at: usize) -> &ErasedResource {
        &self.nodes[at].resource
    }

    /// The settings that every resource has seen.
    pub(crate) fn started_with(&self) -> Tree {
        self.started_with.get().cloned().unwrap_or_else(|| self.core.settings.tree())
    }

    pub(crate) fn is_started(&self, at: usize) -> bool {
        self.nodes[at].is_started.load(Ordering::Acquire)
    }
}
