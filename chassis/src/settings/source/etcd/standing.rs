//! What the thread knows of etcd, and those who wait for it.

use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use etcd_client::{Event, WatchResponse};
use tokio::sync::watch;

use super::{
    options::Options,
    tree::{Keys, is_setting},
};
use crate::{
    Health,
    settings::{
        accepted::Sieve,
        origin::Origin,
        problem::{Problem, Problems},
        source::{Changes, Layer},
    },
};

/// How the first read ended.
#[derive(Debug, Clone)]
pub(super) enum First {
    Read,
    /// The settings are those of a file, which the problem warns of.
    Cached(Problem),
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
    version: watch::Sender<u64>,
    /// The version that was given last.
    given_version: AtomicU64,
    /// What is to be written to the cache.
    pub(super) to_keep: watch::Sender<Option<Accepted>>,
}

/// Settings that a service has accepted.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) keys: Arc<Keys>,
    /// Lets through what may be kept of them.
    pub(super) sieve: Arc<Sieve>,
}

#[derive(Debug, Default)]
struct Known {
    first: Option<First>,
    keys: Arc<Keys>,
    /// What was given last, where somebody keeps it.
    given: Option<Arc<Keys>>,
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
        let is_other = *known.keys != keys;
        known.keys = Arc::new(keys);
        let is_first = known.first.is_none();
        known.first = Some(First::Read);
        drop(known);
        self.first.notify_all();
        if is_other && !is_first {
            self.version.send_modify(|version| *version += 1);
        }
    }

    /// Takes over what a watch says, all of it at once for whoever reads.
    pub(super) fn apply(&self, answer: &WatchResponse, prefix: &str) {
        let changed = answer.events().iter().filter_map(Event::kv);
        let mut changed = changed.filter(|kv| is_setting(kv.key(), prefix)).peekable();
        if changed.peek().is_none() {
            return;
        }
        let mut known = self.known();
        let keys = Arc::make_mut(&mut known.keys);
        for kv in changed {
            // A key that is gone has no version; the kind of an event may be one that is not known here.
            if kv.version() == 0 {
                keys.delete(kv.key());
            } else {
                keys.put(kv.key().to_vec(), kv.value(), kv.mod_revision());
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

    /// The start goes on with what is in a file.
    pub(super) fn use_cache(&self, keys: Keys, warning: Problem) {
        let mut known = self.known();
        known.keys = Arc::new(keys);
        known.first = Some(First::Cached(warning));
        drop(known);
        self.first.notify_all();
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

    /// What is known, as settings; remembered where somebody will want to keep it.
    pub(super) fn layer(&self, options: &Options, problems: &mut Problems) -> Layer {
        let mut known = self.known();
        let keys = Arc::clone(&known.keys);
        self.given_version.store(*self.version.borrow(), Ordering::Relaxed);
        let is_read = matches!(known.first, Some(First::Read));
        known.given = (options.cache_file.is_some() && is_read).then(|| Arc::clone(&keys));
        drop(known);
        keys.layer(&options.prefix, problems)
    }

    /// Tells of everything that differs from what was given last, as long as it is polled.
    pub(super) async fn follow(self: Arc<Self>, changes: Changes) {
        let mut version = self.version.subscribe();
        if *version.borrow_and_update() != self.given_version.load(Ordering::Relaxed) {
            changes.notify();
        }
        while version.changed().await.is_ok() {
            changes.notify();
        }
    }

    /// What was given last has been accepted: it is good enough to be kept.
    pub(super) fn keep(&self, sieve: impl FnOnce() -> Sieve) {
        let given = self.known().given.take();
        if let Some(keys) = given {
            self.to_keep.send_replace(Some(Accepted { keys, sieve: Arc::new(sieve()) }));
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
