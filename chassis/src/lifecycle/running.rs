//! What is at work right now.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What is at work right now, by name: the list a forced exit and a passed deadline report.
#[derive(Default)]
pub(crate) struct Running {
    names: Mutex<BTreeMap<u64, String>>,
    next: AtomicU64,
}

impl Running {
    /// Puts a name on the list until the guard is dropped.
    pub(crate) fn enter(self: &Running, name: String) -> RunningGuard<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().insert(id, name);
        RunningGuard { list: self, id }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a name on the list of what is at work.
pub(crate) struct RunningGuard<'a> {
    list: &'a Running,
    id: u64,
}

impl Drop for RunningGuard<'_> {
    fn drop(&mut self) {
        self.list.lock().remove(&self.id);
    }
}
