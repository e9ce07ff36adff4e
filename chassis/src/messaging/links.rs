//! Whether all connections of a broker are up, told once for all of them.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{Condition, Context, Error};

/// Whether all connections of a broker are up; one outage of all of them is one line in the log, and so is its end.
pub struct Links {
    cx: Context,
    lost: Mutex<BTreeSet<Cow<'static, str>>>,
}

impl Links {
    /// The connections of the resource that this context was made for; all of them are up.
    pub fn new(cx: &Context) -> Self {
        Self { cx: cx.clone(), lost: Mutex::default() }
    }

    /// The connection of that role is lost.
    pub fn lost(&self, role: impl Into<Cow<'static, str>>, why: &str) {
        let mut lost = self.lock();
        if lost.insert(role.into()) && lost.len() == 1 {
            self.cx.report(Error::unavailable(Error::msg(why.to_owned())));
        }
    }

    /// The connection of that role is there again, or nobody wants it any more.
    pub fn found(&self, role: &str) {
        let mut lost = self.lock();
        if lost.remove(role) && lost.is_empty() {
            self.cx.report(Condition::Well);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Cow<'static, str>>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("lost", &*self.lock()).finish()
    }
}
