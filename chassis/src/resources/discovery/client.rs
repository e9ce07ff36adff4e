//! `Discovery` as the service's code sees it, and what its parts share.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use super::instances::{Instances, Watched};
use crate::Health;

/// Finds the instances of other services.
///
/// A resource: `#[resource] discovery: Discovery`. Settings and behaviour are those of the [module](super).
#[derive(Debug, Default)]
pub struct Discovery {
    pub(super) shared: Arc<Shared>,
}

/// What the handles and the background work share.
#[derive(Default)]
pub(super) struct Shared {
    services: Mutex<BTreeMap<String, Arc<Watched>>>,
    /// A service was asked for that was not known.
    pub(super) asked: Notify,
    /// Services that cannot be followed at the moment, and why.
    lost: Mutex<BTreeMap<String, String>>,
}

impl Discovery {
    /// The instances of the service with this name: what is known now, and what becomes of it.
    ///
    /// The first call for a name begins to watch it, and returns before etcd has answered: see
    /// [`wait`](Instances::wait). It is watched until the service stops.
    pub fn service(&self, name: &str) -> Instances {
        let mut services = self.shared.services();
        let watched = match services.get(name) {
            Some(watched) => Arc::clone(watched),
            None => {
                let watched = Arc::new(Watched::new(name));
                services.insert(name.to_owned(), Arc::clone(&watched));
                self.shared.asked.notify_one();
                watched
            }
        };
        Instances::of(watched)
    }
}

impl Shared {
    pub(super) fn services(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Watched>>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A service cannot be followed; the health tells it, once.
    pub(super) fn lost(&self, service: &str, why: &str) {
        tracing::debug!("the instances of `{service}` cannot be followed in etcd: {why}");
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), why.to_owned());
    }

    /// A service is followed, maybe again.
    pub(super) fn found(&self, service: &str) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).remove(service);
    }

    /// Nothing is followed any more.
    pub(super) fn ended(&self) {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn health(&self) -> Health {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.values().next().map_or_else(Health::pass, |why| {
            Health::warn(format!("the instances of other services are those known last, etcd is lost: {why}"))
        })
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.services().keys()).finish()
    }
}
