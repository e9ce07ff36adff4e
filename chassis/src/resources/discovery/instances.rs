//! The handle of one service: its instances as they are known now.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use super::{
    Instance, Picked,
    choice::{Target, least_in_flight, round_robin},
};
use crate::{Error, Result};

/// The instances of one service; see [`Discovery::service`](super::Discovery::service). Cheap to clone.
#[derive(Clone)]
pub struct Instances {
    watched: Arc<Watched>,
    news: watch::Receiver<Known>,
}

/// One service, shared by all who look for it.
pub(super) struct Watched {
    pub(super) name: String,
    known: watch::Sender<Known>,
    turn: AtomicUsize,
}

/// What is known of a service.
#[derive(Clone, Default)]
struct Known {
    /// By id; `None` before etcd has answered for the first time.
    targets: Option<Arc<Vec<Target>>>,
}

impl Instances {
    pub(super) fn of(watched: Arc<Watched>) -> Self {
        let news = watched.known.subscribe();
        Self { watched, news }
    }

    /// The name of the service.
    pub fn service(&self) -> &str {
        &self.watched.name
    }

    /// All instances, ordered by their ids; none before etcd has answered.
    pub fn instances(&self) -> Vec<Arc<Instance>> {
        self.watched.targets().iter().map(|target| Arc::clone(&target.instance)).collect()
    }

    /// One instance after the other, whatever they do.
    ///
    /// # Errors
    /// When no instance is known; the cause is [`Unavailable`](crate::Cause::Unavailable).
    pub fn pick(&self) -> Result<Picked> {
        self.choose(round_robin)
    }

    /// The instance to which the fewest exchanges of this process are in flight: those whose [`Picked`] is still kept,
    /// whichever way it was picked.
    ///
    /// # Errors
    /// As [`pick`](Self::pick).
    pub fn pick_least_in_flight(&self) -> Result<Picked> {
        self.choose(least_in_flight)
    }

    /// Waits for a change of the list since this handle was made or has last waited. Quick changes may be one; the last
    /// of them is never missed. Completes never again once the service has stopped.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn changed(&mut self) {
        if self.news.changed().await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until at least one instance is known.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait(&self) {
        let mut news = self.news.clone();
        // The sender is kept by this handle.
        let _ = news.wait_for(|known| known.targets.as_ref().is_some_and(|targets| !targets.is_empty())).await;
    }

    fn choose(&self, choice: fn(&[Target], usize) -> Option<&Target>) -> Result<Picked> {
        let turn = self.watched.turn.fetch_add(1, Ordering::Relaxed);
        choice(&self.watched.targets(), turn).map(Picked::new).ok_or_else(|| self.none())
    }

    fn none(&self) -> Error {
        let name = &self.watched.name;
        let what = match self.watched.known.borrow().targets {
            Some(_) => format!("no instance of the service `{name}` is registered"),
            None => format!("no instance of the service `{name}` is known: etcd has not answered yet"),
        };
        Error::unavailable(Error::msg(what))
    }
}

impl Watched {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), known: watch::Sender::default(), turn: AtomicUsize::new(fastrand::usize(..)) }
    }

    fn targets(&self) -> Arc<Vec<Target>> {
        self.known.borrow().targets.clone().unwrap_or_default()
    }

    /// Takes over all instances there are; those that were known keep their counters.
    pub(super) fn replace(&self, instances: &BTreeMap<String, Instance>) {
        self.known.send_if_modified(|known| {
            let before = known.targets.clone().unwrap_or_default();
            let same = before.len() == instances.len()
                && before.iter().zip(instances.values()).all(|(target, instance)| *target.instance == *instance);
            if same && known.targets.is_some() {
                return false;
            }
            let target = |instance: &Instance| {
                let mut target = Target::new(instance.clone());
                // Both are ordered by their ids.
                if let Ok(at) = before.binary_search_by(|known| known.instance.id.cmp(&instance.id)) {
                    target.in_flight = Arc::clone(&before[at].in_flight);
                }
                target
            };
            known.targets = Some(Arc::new(instances.values().map(target).collect()));
            true
        });
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorities: Vec<String> = self.instances().iter().map(|instance| instance.authority()).collect();
        write!(f, "Instances({}: {})", self.service(), authorities.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ids: &[&str]) -> BTreeMap<String, Instance> {
        ids.iter().map(|id| ((*id).to_owned(), Instance::parse(id, b"a:1").unwrap())).collect()
    }

    #[tokio::test]
    async fn a_change_is_told_once_and_what_stays_keeps_its_count() {
        let watched = Arc::new(Watched::new("prices"));
        let mut handle = Instances::of(Arc::clone(&watched));
        let error = handle.pick().unwrap_err();
        assert!(error.is_unavailable() && error.to_string().contains("not answered"), "{error}");
        watched.replace(&told(&[]));
        handle.changed().await;
        assert!(handle.pick().unwrap_err().to_string().contains("`prices` is registered"));
        watched.replace(&told(&["1"]));
        handle.wait().await;
        let one = handle.pick().unwrap();
        watched.replace(&told(&["1", "2"]));
        handle.changed().await;
        assert_eq!((one.in_flight(), handle.instances().len()), (1, 2));
        assert_eq!(handle.pick_least_in_flight().unwrap().id, "2");
        watched.replace(&told(&["1", "2"]));
        assert!(!handle.news.has_changed().unwrap());
    }
}
