//! What all parts of one running service share: its states, events, tasks and the wish to stop.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::mpsc;

use super::{Clock, EventKind, Events, Graph, Phase, Running, Shutdown, settings::LifecycleSettings};
use crate::{
    error::{Cause, Error},
    leadership::Offices,
    metrics::{Metrics, framework::Framework},
    resource::{Erased, ErasedResource, Health, State},
    scope::Scope,
    settings::{Settings, Source},
    tasks::{Group, TaskTable, TimerControl},
};

/// Who the service is.
pub(crate) struct About {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) about: &'static str,
    /// Tells this process's instance of the service from its others.
    pub(crate) instance: String,
    pub(crate) started: SystemTime,
}

/// How far the service as a whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Stage {
    Starting = 0,
    Running = 1,
    Stopping = 2,
    Stopped = 3,
}

/// Why a service stops.
#[derive(Debug, Clone)]
pub(crate) enum StopReason {
    Signal(i32),
    Asked,
    Done(&'static str),
    Failed(String),
}

/// Something that went wrong and decides the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What failed, such as "resource `db` failed in `start`".
    pub(crate) what: String,
    pub(crate) error: Error,
}

/// What a running resource says of itself.
pub(crate) struct Report {
    pub(crate) resource: usize,
    /// Which life of the resource it comes from; one of an earlier life is stale.
    pub(crate) life: u64,
    pub(crate) news: News,
}

/// The content of a [`Report`].
pub(crate) enum News {
    /// It says that something is wrong, and goes on.
    Failed(Error),
    /// Some of its background work is gone because of this.
    Ended(Error),
    /// It works again.
    Well,
}

/// One resource as the rest of the service sees it.
pub(crate) struct ResourceCell {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) is_critical: bool,
    /// Part of the chassis, not a field of the service.
    pub(crate) is_builtin: bool,
    state: AtomicU8,
    pub(crate) restarts: AtomicU64,
    /// Grows with every start.
    pub(crate) life: AtomicU64,
    /// Work that ends after `stop`.
    pub(crate) background: Group,
    /// Work that ends after `post_stop`.
    pub(crate) prepared: Group,
    shared: Mutex<ResourceShared>,
}

struct ResourceShared {
    since: SystemTime,
    health: Health,
    last_error: Option<String>,
    history: std::collections::VecDeque<(SystemTime, State)>,
}

/// How many changes of state are kept of each resource.
const HISTORY: usize = 32;

impl ResourceCell {
    pub(crate) fn new(name: &'static str, about: &'static str, is_critical: bool, is_builtin: bool) -> Self {
        Self {
            name,
            about,
            is_critical,
            is_builtin,
            state: AtomicU8::new(State::NotStarted as u8),
            restarts: AtomicU64::new(0),
            life: AtomicU64::new(0),
            background: Group::default(),
            prepared: Group::default(),
            shared: Mutex::new(ResourceShared {
                since: SystemTime::now(),
                health: Health::pass(),
                last_error: None,
                history: std::collections::VecDeque::new(),
            }),
        }
    }

    pub(crate) fn state(&self) -> State {
        State::from_number(self.state.load(Ordering::Acquire)).unwrap_or(State::Failed)
    }

    pub(crate) fn since(&self) -> SystemTime {
        self.lock().since
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().health.clone()
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.lock().last_error.clone()
    }

    pub(crate) fn history(&self) -> Vec<(SystemTime, State)> {
        self.lock().history.iter().copied().collect()
    }

    fn lock(&self) -> MutexGuard<'_, ResourceShared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all parts of one running service share.
pub(crate) struct Core {
    pub(crate) about: About,
    pub(crate) scope: Arc<Scope>,
    pub(crate) settings: Settings,
    /// Where the settings come from; some are followed for as long as they are kept.
    pub(crate) sources: Vec<Box<dyn Source>>,
    pub(crate) lifecycle: LifecycleSettings,
    pub(crate) metrics: Metrics,
    pub(crate) figures: Framework,
    pub(crate) events: Events,
    pub(crate) graph: Graph,
    pub(crate) resources: Vec<ResourceCell>,
    pub(crate) tasks: TaskTable,
    pub(crate) timers: BTreeMap<&'static str, Arc<TimerControl>>,
    pub(crate) offices: Offices,
    pub(crate) args: Option<Box<dyn Any + Send + Sync>>,
    pub(crate) clock: Clock,
    pub(crate) running: Running,
    /// Triggered when the stop begins.
    pub(crate) stop_asked: Shutdown,
    /// Triggered when tasks and threads are to end.
    pub(crate) work_ends: Shutdown,
    pub(crate) reports: mpsc::UnboundedSender<Report>,
    /// The resources themselves; weak, because a resource may keep a context, and with it this.
    pub(crate) erased: OnceLock<Vec<Weak<dyn Erased>>>,
    stage: AtomicU8,
    has_run: AtomicBool,
    reason: OnceLock<StopReason>,
    failures: Mutex<Vec<Failure>>,
    /// Why the newest settings are not in force.
    refused: Mutex<Option<String>>,
}

/// What is needed to make a [`Core`].
pub(crate) struct CoreParts {
    pub(crate) about: About,
    pub(crate) scope: Arc<Scope>,
    pub(crate) settings: Settings,
    pub(crate) sources: Vec<Box<dyn Source>>,
    pub(crate) lifecycle: LifecycleSettings,
    pub(crate) metrics: Metrics,
    pub(crate) figures: Framework,
    pub(crate) graph: Graph,
    pub(crate) resources: Vec<ResourceCell>,
    pub(crate) tasks: TaskTable,
    pub(crate) timers: BTreeMap<&'static str, Arc<TimerControl>>,
    pub(crate) offices: Offices,
    pub(crate) args: Option<Box<dyn Any + Send + Sync>>,
    pub(crate) clock: Clock,
}

impl Core {
    pub(crate) fn new(parts: CoreParts) -> (Arc<Self>, mpsc::UnboundedReceiver<Report>) {
        let (reports, received) = mpsc::unbounded_channel();
        let CoreParts {
            about,
            scope,
            settings,
            sources,
            lifecycle,
            metrics,
            figures,
            graph,
            resources,
            tasks,
            timers,
            offices,
            args,
            clock,
        } = parts;
        let core = Self {
            about,
            scope,
            settings,
            sources,
            lifecycle,
            metrics,
            figures,
            events: Events::new(),
            graph,
            resources,
            tasks,
            timers,
            offices,
            args,
            clock,
            running: Running::default(),
            stop_asked: Shutdown::new(),
            work_ends: Shutdown::new(),
            reports,
            erased: OnceLock::new(),
            stage: AtomicU8::new(Stage::Starting as u8),
            has_run: AtomicBool::new(false),
            reason: OnceLock::new(),
            failures: Mutex::default(),
            refused: Mutex::default(),
        };
        (Arc::new(core), received)
    }

    /// The resource with this name.
    pub(crate) fn erased(&self, name: &str) -> Option<ErasedResource> {
        let at = self.resources.iter().position(|cell| cell.name == name)?;
        self.erased.get()?.get(at)?.upgrade()
    }

    pub(crate) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Starting,
            1 => Stage::Running,
            2 => Stage::Stopping,
            _ => Stage::Stopped,
        }
    }

    /// Moves on; a stage never comes back.
    pub(crate) fn enter(&self, stage: Stage) {
        if stage == Stage::Running {
            self.has_run.store(true, Ordering::Release);
        }
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// Whether the start has succeeded, whatever came then.
    pub(crate) fn has_run(&self) -> bool {
        self.has_run.load(Ordering::Acquire)
    }

    /// Asks for a stop; the first reason is the one that is told.
    pub(crate) fn stop(&self, reason: StopReason) {
        let _ = self.reason.set(reason);
        self.stop_asked.trigger();
    }

    /// Records a failure that decides the exit code, and asks for a stop because of it.
    pub(crate) fn fail(&self, what: String, error: Error) {
        let reason = StopReason::Failed(format!("{what}: {error:#}"));
        self.record_failure(what, error);
        self.stop(reason);
    }

    pub(crate) fn record_failure(&self, what: String, error: Error) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(Failure { what, error });
    }

    pub(crate) fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().cloned()
    }

    /// Notes why the newest settings are not in force; whether that is another reason than before.
    pub(crate) fn refuse(&self, why: Option<String>) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = *refused != why;
        *refused = why;
        is_news
    }

    /// Why the newest settings are not in force.
    pub(crate) fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Moves a resource to another state; an illegal way is a bug of the engine and ignored in production.
    pub(crate) fn set_state(&self, at: usize, to: State) {
        let cell = &self.resources[at];
        let from = {
            let mut shared = cell.lock();
            let from = cell.state();
            if from == to {
                return;
            }
            if let Err(error) = from.to(to) {
                debug_assert!(false, "resource `{}`: {error}", cell.name);
                return;
            }
            cell.state.store(to as u8, Ordering::Release);
            shared.since = SystemTime::now();
            if shared.history.len() == HISTORY {
                shared.history.pop_front();
            }
            let since = shared.since;
            shared.history.push_back((since, to));
            from
        };
        self.figures.resource_state(cell.name, to as u8);
        self.events.emit(EventKind::State { resource: cell.name, from, to });
    }

    /// Notes how a resource is; whether that is another grade than before.
    pub(crate) fn set_health(&self, at: usize, health: Health) -> bool {
        let cell = &self.resources[at];
        let is_changed = {
            let mut shared = cell.lock();
            let before = std::mem::replace(&mut shared.health, health.clone());
            before.status() != health.status()
        };
        if is_changed {
            self.events.emit(EventKind::Health {
                resource: cell.name,
                status: health.status(),
                output: health.output().map(str::to_owned),
            });
        }
        is_changed
    }

    pub(crate) fn set_last_error(&self, at: usize, error: &Error) {
        self.resources[at].lock().last_error = Some(format!("{error:#}"));
    }

    /// The exit code for what has failed so far.
    pub(crate) fn exit_code(failures: &[Failure]) -> u8 {
        let worst = |cause| failures.iter().any(|failure| failure.error.cause() == cause);
        // A misconfiguration explains the rest, and a crash weighs more than a peer that is away.
        [Cause::Misconfigured, Cause::Crashed, Cause::Unavailable]
            .into_iter()
            .find(|&cause| worst(cause))
            .map_or(0, Cause::exit_code)
    }
}

/// What a step of a phase is called in reports.
pub(crate) fn step_name(resource: &str, phase: Phase) -> String {
    format!("`{resource}` ({phase})")
}

/// A duration for people: `10s`, `1.5s`, `200ms`.
pub(crate) fn for_people(duration: Duration) -> String {
    if duration >= Duration::from_secs(1) {
        format!("{}s", (duration.as_millis() as f64 / 1000.0 * 10.0).round() / 10.0)
    } else {
        format!("{}ms", duration.as_millis())
    }
}
