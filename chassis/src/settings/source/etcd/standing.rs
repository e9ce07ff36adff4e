//! What the thread knows of etcd, and those who wait for it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use etcd_client::{Event, WatchResponse};
use tokio::sync::watch;

use super::tree::Keys;
use crate::{
    Health,
    settings::{
        origin::Origin,
        problem::{Problem, Problems},
        source::Layer,
    },
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
    /// Why etcd is away, if it is. By itself: a probe must not wait for a large tree.
    lost: Mutex<Option<String>>,
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

    /// Replaces everything by what was just read.
    pub(super) fn replace(&self, keys: Keys) {
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
    }

    /// Takes over what a watch says, all of it at once for whoever reads.
    pub(super) fn apply(&self, answer: &WatchResponse) {
        if answer.events().is_empty() {
            return;
        }
        let mut known = self.known();
        for kv in answer.events().iter().filter_map(Event::kv) {
            // A key that is gone has no version; the kind of an event may be one that is not known here.
            if kv.version() == 0 {
                known.keys.delete(kv.key());
            } else {
                known.keys.put(kv.key().to_vec(), kv.value(), kv.mod_revision());
            }
        }
        drop(known);
        self.version.send_modify(|version| *version += 1);
    }

    /// Says why etcd is away, or that it is not.
    pub(super) fn lost(&self, why: Option<String>) {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    /// Why etcd is away, if it is.
    pub(super) fn health(&self) -> Health {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.as_ref().map_or_else(Health::pass, Health::warn)
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
