//! Whether all connections of a broker are up, told once for all of them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Condition as Told, Context, Error};

/// Whether all connections of a broker are up; one outage of all of them is one line in the log, and so is its end.
pub(super) struct Condition {
    cx: Context,
    lost: Mutex<BTreeSet<&'static str>>,
}

impl Condition {
    pub(super) fn new(cx: &Context) -> Self {
        Self { cx: cx.clone(), lost: Mutex::default() }
    }

    /// The connection of that role is lost.
    pub(super) fn lost(&self, role: &'static str, why: &str) {
        let mut lost = self.lock();
        if lost.insert(role) && lost.len() == 1 {
            self.cx.report(Error::unavailable(Error::msg(why)));
        }
    }

    /// The connection of that role is there again.
    pub(super) fn found(&self, role: &'static str) {
        let mut lost = self.lock();
        if lost.remove(role) && lost.is_empty() {
            self.cx.report(Told::Well);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<&'static str>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
