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
    outage: Mutex<Outage>,
}

#[derive(Debug, Default)]
struct Outage {
    /// The roles of connections that are lost.
    lost: BTreeSet<Cow<'static, str>>,
    is_refusal_told: bool,
}

impl Links {
    /// The connections of the resource that this context was made for; all of them are up.
    pub fn new(cx: &Context) -> Self {
        Self { cx: cx.clone(), outage: Mutex::default() }
    }

    /// The connection of that role is lost.
    pub fn lost(&self, role: impl Into<Cow<'static, str>>, why: &str) {
        let mut outage = self.lock();
        if outage.lost.insert(role.into()) && outage.lost.len() == 1 {
            self.cx.report(Error::unavailable(Error::msg(why.to_owned())));
        }
    }

    /// A connection that is lost cannot be had again yet.
    pub fn still_lost(&self, why: &Error) {
        let outage = self.lock();
        if !outage.lost.is_empty() {
            self.cx.report(Error::unavailable(Error::msg(format!("{why:#}"))));
        }
    }

    /// The broker is there and refuses this service: it has to be told to somebody, for waiting alone helps nothing.
    pub fn refused(&self, why: &Error) {
        if !std::mem::replace(&mut self.lock().is_refusal_told, true) {
            tracing::error!("the broker of `{}` refuses this service, which goes on trying: {why:#}", self.cx.name());
        }
    }

    /// The connection of that role is there again, or nobody wants it any more.
    pub fn found(&self, role: &str) {
        let mut outage = self.lock();
        if outage.lost.remove(role) && outage.lost.is_empty() {
            outage.is_refusal_told = false;
            self.cx.report(Condition::Well);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Links").field("outage", &*self.lock()).finish()
    }
}
