//! What is known of every task, timer and thread of a service: the content of `/tasks`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::Group;
use crate::Error;

/// Tasks, timers and threads by name.
#[derive(Default)]
pub(crate) struct TaskTable {
    rows: Mutex<BTreeMap<&'static str, TaskRow>>,
    /// Work that tasks and hooks have spawned.
    pub(crate) background: Group,
}

/// What is known of one task, timer or thread.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskRow {
    /// `task`, `timer` or `thread`.
    pub kind: &'static str,
    /// `waiting`, `running`, `restarting`, `done`, `failed` or `stopped`.
    pub state: &'static str,
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
    /// When a timer is due next; known for calendar timers and started ones.
    pub next: Option<SystemTime>,
    /// Why it failed last.
    pub last_error: Option<String>,
}

impl TaskTable {
    pub(crate) fn add(&self, name: &'static str, kind: &'static str) {
        let row = TaskRow {
            kind,
            state: "waiting",
            runs: 0,
            failures: 0,
            restarts: 0,
            skipped: 0,
            last: None,
            next: None,
            last_error: None,
        };
        self.lock().insert(name, row);
    }

    pub(crate) fn state(&self, name: &str, state: &'static str) {
        self.change(name, |row| row.state = state);
    }

    /// Records the end of one run.
    pub(crate) fn ran(&self, name: &str, error: Option<&Error>) {
        self.change(name, |row| {
            row.runs += 1;
            row.last = Some(SystemTime::now());
            if let Some(error) = error {
                row.failures += 1;
                row.last_error = Some(format!("{error:#}"));
            }
        });
    }

    pub(crate) fn restarted(&self, name: &str) -> u64 {
        self.change(name, |row| {
            row.restarts += 1;
            row.state = "restarting";
            row.restarts
        })
        .unwrap_or_default()
    }

    pub(crate) fn skipped(&self, name: &str, ticks: u64) {
        self.change(name, |row| row.skipped += ticks);
    }

    pub(crate) fn next(&self, name: &str, next: Option<SystemTime>) {
        self.change(name, |row| row.next = next);
    }

    pub(crate) fn rows(&self) -> BTreeMap<&'static str, TaskRow> {
        self.lock().clone()
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut TaskRow) -> T) -> Option<T> {
        self.lock().get_mut(name).map(change)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, TaskRow>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
