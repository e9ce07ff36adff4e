//! What is known of every task, timer and thread of a service: the content of `/tasks`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use super::{Group, moment};
use crate::{Error, leadership::Leader};

/// Tasks, timers and threads by name; complete before the start.
#[derive(Default)]
pub(crate) struct TaskTable {
    cells: BTreeMap<&'static str, Arc<TaskCell>>,
    /// Work that tasks and hooks have spawned.
    pub(crate) background: Group,
}

/// What is known of one task, timer or thread, as it is now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskRow {
    /// `task`, `timer` or `thread`.
    pub kind: &'static str,
    /// Where it is in its life.
    pub state: TaskState,
    /// How often it has run to an end.
    pub runs: u64,
    /// How many of these runs failed.
    pub failures: u64,
    /// How often it was restarted.
    pub restarts: u64,
    /// How many ticks were skipped, because the one before was still running or the process was held up.
    pub skipped: u64,
    /// When it last ended.
    pub last: Option<SystemTime>,
    /// When a timer is due next.
    pub next: Option<SystemTime>,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// Who leads it, as far as this replica knows; for what runs on one replica only.
    pub leader: Option<Leader>,
}

/// Where a task, timer or thread is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum TaskState {
    /// It was not started yet, or is a timer between two ticks.
    Waiting = 0,
    /// It runs.
    Running = 1,
    /// It failed and is about to be started again.
    Restarting = 2,
    /// It ended as it should.
    Done = 3,
    /// It failed and is not started again.
    Failed = 4,
    /// It was ended by the stop.
    Stopped = 5,
    /// Another replica is leader, or nobody.
    Standby = 6,
}

impl TaskState {
    const ALL: [TaskState; 7] = [
        TaskState::Waiting,
        TaskState::Running,
        TaskState::Restarting,
        TaskState::Done,
        TaskState::Failed,
        TaskState::Stopped,
        TaskState::Standby,
    ];

    /// The word for it on the status server.
    pub fn as_str(self) -> &'static str {
        match self {
            TaskState::Waiting => "waiting",
            TaskState::Running => "running",
            TaskState::Restarting => "restarting",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
            TaskState::Stopped => "stopped",
            TaskState::Standby => "standby",
        }
    }
}

/// The live figures of one task, timer or thread; a tick costs a few relaxed stores.
#[derive(Debug)]
pub(crate) struct TaskCell {
    kind: &'static str,
    state: AtomicU8,
    runs: AtomicU64,
    failures: AtomicU64,
    restarts: AtomicU64,
    skipped: AtomicU64,
    /// Nanoseconds since 1970; 0 is never.
    last: AtomicU64,
    next: AtomicU64,
    last_error: Mutex<Option<String>>,
}

impl TaskCell {
    fn new(kind: &'static str) -> Self {
        Self {
            kind,
            state: AtomicU8::new(TaskState::Waiting as u8),
            runs: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
            last: AtomicU64::new(0),
            next: AtomicU64::new(0),
            last_error: Mutex::new(None),
        }
    }

    pub(crate) fn enter(&self, state: TaskState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Records the end of one run, at that time.
    pub(crate) fn ran(&self, error: Option<&Error>, at: SystemTime) {
        self.ran_at(error, moment::unix(at));
    }

    /// The same, in nanoseconds since 1970.
    pub(super) fn ran_at(&self, error: Option<&Error>, unix: u64) {
        // Whoever runs it is the only one to count: a load and a store, no locked instruction.
        self.runs.store(self.runs.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.last.store(unix, Ordering::Relaxed);
        if let Some(error) = error {
            self.failures.fetch_add(1, Ordering::Relaxed);
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{error:#}"));
        }
    }

    /// Counts a restart; gives back how many there were.
    pub(crate) fn restarted(&self) -> u64 {
        self.enter(TaskState::Restarting);
        self.restarts.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn skipped(&self, ticks: u64) {
        self.skipped.fetch_add(ticks, Ordering::Relaxed);
    }

    /// When it is due next, in nanoseconds since 1970; 0 is never.
    pub(super) fn next(&self, unix: u64) {
        self.next.store(unix, Ordering::Relaxed);
    }

    fn row(&self) -> TaskRow {
        let state = usize::from(self.state.load(Ordering::Relaxed));
        TaskRow {
            kind: self.kind,
            state: TaskState::ALL.get(state).copied().unwrap_or(TaskState::Failed),
            runs: self.runs.load(Ordering::Relaxed),
            failures: self.failures.load(Ordering::Relaxed),
            restarts: self.restarts.load(Ordering::Relaxed),
            skipped: self.skipped.load(Ordering::Relaxed),
            last: time(self.last.load(Ordering::Relaxed)),
            next: time(self.next.load(Ordering::Relaxed)),
            last_error: self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            leader: None,
        }
    }
}

impl TaskTable {
    pub(crate) fn add(&mut self, name: &'static str, kind: &'static str) {
        self.cells.insert(name, Arc::new(TaskCell::new(kind)));
    }

    /// The figures of a task; of one that is not listed, figures that nobody sees.
    pub(crate) fn cell(&self, name: &str) -> Arc<TaskCell> {
        self.cells.get(name).map_or_else(|| Arc::new(TaskCell::new("task")), Arc::clone)
    }

    pub(crate) fn rows(&self) -> BTreeMap<&'static str, TaskRow> {
        self.cells.iter().map(|(name, cell)| (*name, cell.row())).collect()
    }

    /// The timers whose ticks run.
    pub(crate) fn running_timers(&self) -> impl Iterator<Item = &'static str> {
        let is_running = |cell: &TaskCell| cell.state.load(Ordering::Relaxed) == TaskState::Running as u8;
        self.cells.iter().filter(move |(_, cell)| cell.kind == "timer" && is_running(cell)).map(|(name, _)| *name)
    }

    /// One that has failed for good.
    pub(crate) fn failed(&self) -> Option<&'static str> {
        let is_failed = |cell: &TaskCell| cell.state.load(Ordering::Relaxed) == TaskState::Failed as u8;
        self.cells.iter().find(|(_, cell)| is_failed(cell)).map(|(name, _)| *name)
    }
}

fn time(unix: u64) -> Option<SystemTime> {
    (unix > 0).then(|| moment::time(unix))
}
