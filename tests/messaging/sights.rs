//! What handlers have seen, for tests to wait for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chassis::messaging::Headers;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

/// One call of a handler.
#[derive(Debug, Clone)]
pub(crate) struct Sight {
    pub(crate) who: String,
    pub(crate) id: u64,
    pub(crate) attempt: u32,
    pub(crate) at: Instant,
    pub(crate) headers: Headers,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) content_type: Option<String>,
    pub(crate) trace: Option<String>,
}

/// All of them, in their order; a clone sees the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sights(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    list: Mutex<Vec<Sight>>,
    count: watch::Sender<usize>,
    is_released: watch::Sender<bool>,
    /// Handlers at work now, and at most.
    at_work: Mutex<(usize, usize)>,
}

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

impl Sights {
    pub(crate) fn add(&self, sight: Sight) {
        self.0.list.lock().unwrap().push(sight);
        self.0.count.send_modify(|count| *count += 1);
    }

    pub(crate) fn all(&self) -> Vec<Sight> {
        self.0.list.lock().unwrap().clone()
    }

    /// How often each message was seen.
    pub(crate) fn counts(&self) -> BTreeMap<u64, usize> {
        let mut counts = BTreeMap::new();
        for sight in self.all() {
            *counts.entry(sight.id).or_default() += 1;
        }
        counts
    }

    /// Waits until a condition holds of what was seen.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&[Sight]) -> bool) -> Vec<Sight> {
        let mut count = self.0.count.subscribe();
        let wait = count.wait_for(|_| holds(&self.0.list.lock().unwrap()));
        let is_in_time = timeout(PATIENCE, wait).await.is_ok();
        assert!(is_in_time, "{what} did not happen; seen: {:?}", self.counts());
        self.all()
    }

    /// Waits until that many calls were seen.
    pub(crate) async fn calls(&self, count: usize) -> Vec<Sight> {
        self.until(&format!("{count} calls"), |seen| seen.len() >= count).await
    }

    /// Waits until that many messages were seen, however often each.
    pub(crate) async fn messages(&self, count: usize) -> Vec<Sight> {
        let distinct =
            |seen: &[Sight]| seen.iter().map(|sight| sight.id).collect::<std::collections::BTreeSet<_>>().len();
        self.until(&format!("{count} messages"), |seen| distinct(seen) >= count).await
    }

    pub(crate) fn begin(&self) {
        let mut at_work = self.0.at_work.lock().unwrap();
        at_work.0 += 1;
        at_work.1 = at_work.1.max(at_work.0);
    }

    pub(crate) fn end(&self) {
        self.0.at_work.lock().unwrap().0 -= 1;
    }

    /// Lets those go on who wait.
    pub(crate) fn release(&self) {
        self.0.is_released.send_replace(true);
    }

    pub(crate) async fn released(&self) {
        self.0.is_released.subscribe().wait_for(|is_released| *is_released).await.unwrap();
    }

    /// How many handlers are at work.
    pub(crate) fn at_work(&self) -> usize {
        self.0.at_work.lock().unwrap().0
    }

    /// How many handlers were at work at the same time, at most.
    pub(crate) fn most_at_work(&self) -> usize {
        self.0.at_work.lock().unwrap().1
    }
}
