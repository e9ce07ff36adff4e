//! What the thread knows of etcd, and those who wait for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::tree::Keys;
use crate::settings::{
    origin::Origin,
    problem::{Problem, Problems},
    source::Layer,
};

/// How the first read ended.
#[derive(Debug, Clone)]
pub(super) enum First {
    Read,
    GaveUp(Vec<Problem>),
}

/// What the thread knows of etcd.
#[derive(Debug, Default)]
pub(super) struct Standing {
    known: Mutex<Known>,
    first: Condvar,
    /// Counts what was known at some time: it changes with every difference.
    pub(super) version: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Known {
    first: Option<First>,
    keys: Keys,
}

impl Standing {
    /// Waits until the thread has read the tree or has given up.
    pub(super) fn wait_for_first(&self) -> First {
        let known = self.first.wait_while(self.known(), |known| known.first.is_none());
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.first.clone().unwrap_or(First::Read)
    }

    /// Replaces everything by what was just read; whether that is a difference.
    pub(super) fn replace(&self, keys: Keys) -> bool {
        let mut known = self.known();
        let is_other = known.keys != keys;
        known.keys = keys;
        let is_first = !matches!(known.first, Some(First::Read));
        known.first = Some(First::Read);
        drop(known);
        self.first.notify_all();
        if is_other && !is_first {
            self.version.send_modify(|version| *version += 1);
        }
        is_other
    }

    /// Changes some keys, all of them at once for whoever reads.
    pub(super) fn change(&self, change: impl FnOnce(&mut Keys)) {
        change(&mut self.known().keys);
        self.version.send_modify(|version| *version += 1);
    }

    /// The start is over without a tree.
    pub(super) fn give_up(&self, problems: Vec<Problem>) {
        self.known().first.get_or_insert(First::GaveUp(problems));
        self.first.notify_all();
    }

    /// Nobody will read any more.
    pub(super) fn end(&self) {
        self.give_up(vec![Problem::of_source(Origin::named("etcd"), "reading it was ended")]);
    }

    /// What is known, as settings.
    pub(super) fn layer(&self, prefix: &str, problems: &mut Problems) -> Layer {
        self.known().keys.layer(prefix, problems)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
