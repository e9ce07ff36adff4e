//! Who leads one method, as this replica sees it: between its work, which waits to be elected, and the candidacy.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Leadership;
use crate::tasks::TimerControl;

/// Who leads one method, as this replica sees it.
pub(crate) struct Office {
    /// The timer that is steered by it; a task waits by itself.
    timer: Option<Arc<TimerControl>>,
    state: Mutex<State>,
    /// Tells everybody who waits that the state is another one.
    news: watch::Sender<()>,
}

/// Who leads a method, as it stands in etcd.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leader {
    /// Its fencing token.
    pub token: u64,
    /// The instance of the service.
    pub instance: String,
    /// The name of its machine.
    pub host: String,
    /// When it was elected, RFC 3339.
    pub since: String,
}

#[derive(Default)]
struct State {
    /// The term of this replica.
    term: Option<Leadership>,
    /// Who leads, as far as is known.
    leader: Option<Leader>,
    /// Whether work of the method runs here.
    is_at_work: bool,
    /// Nothing of it begins here any more.
    is_closed: bool,
    /// It is left to other replicas.
    is_resigned: bool,
}

impl Office {
    pub(super) fn new(timer: Option<Arc<TimerControl>>) -> Arc<Self> {
        Arc::new(Self { timer, state: Mutex::default(), news: watch::Sender::new(()) })
    }

    /// Waits until this replica leads.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn elected(&self) -> Leadership {
        self.wait_for(|state| {
            let term = state.term.as_ref().filter(|_| !state.is_closed);
            term.filter(|term| term.is_valid()).cloned()
        })
        .await
    }

    /// Notes that work begins in this term, until the guard is dropped; `None` when the term is over.
    pub(crate) fn begin(self: &Arc<Self>, term: &Leadership) -> Option<Shift> {
        let mut state = self.state();
        let is_current = state.term.as_ref().is_some_and(|current| current.is(term));
        if state.is_closed || !is_current || !term.is_valid() {
            return None;
        }
        state.is_at_work = true;
        Some(Shift(Arc::clone(self)))
    }

    /// Leaves it to other replicas, for as long as this one lives.
    pub(crate) fn resign(&self) {
        self.change(|state| state.is_resigned = true);
    }

    /// Who leads, as far as is known.
    pub(crate) fn leader(&self) -> Option<Leader> {
        self.state().leader.clone()
    }

    /// Changes the state, and tells it.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let done = change(&mut self.state());
        self.news.send_replace(());
        done
    }

    /// The first answer of `pick`.
    async fn wait_for<T>(&self, pick: impl Fn(&mut State) -> Option<T>) -> T {
        let mut news = self.news.subscribe();
        loop {
            if let Some(picked) = pick(&mut self.state()) {
                return picked;
            }
            // The sender is this office's own.
            let _ = news.changed().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the candidacy says and asks.
#[cfg_attr(not(feature = "etcd"), expect(dead_code, reason = "nobody is elected without etcd"))]
impl Office {
    /// The term of this replica, if it has one.
    pub(super) fn term(&self) -> Option<Leadership> {
        self.state().term.clone()
    }

    /// This replica leads from now on.
    pub(super) fn elect(&self, term: Leadership, leader: Leader) {
        self.change(|state| (state.term, state.leader) = (Some(term.clone()), Some(leader)));
        if let Some(timer) = &self.timer {
            timer.lead(Some(term));
        }
    }

    /// This replica does not lead, but somebody else or nobody; gives back the term that is over by that.
    pub(super) fn stand_by(&self, leader: Option<Leader>) -> Option<Leadership> {
        let term = self.change(|state| {
            state.leader = leader;
            state.term.take()
        })?;
        term.end();
        if let Some(timer) = &self.timer {
            timer.lead(None);
        }
        Some(term)
    }

    /// Whether it is left to others.
    pub(super) fn is_resigned(&self) -> bool {
        self.state().is_resigned
    }

    /// Waits until it is left to others.
    pub(super) async fn resigned(&self) {
        self.wait_for(|state| state.is_resigned.then_some(())).await;
    }

    /// Waits until no work of it runs here, and lets none begin any more.
    pub(super) async fn close(&self) {
        self.wait_for(|state| {
            state.is_closed |= !state.is_at_work;
            state.is_closed.then_some(())
        })
        .await;
    }
}

/// Work of a method that is led here, under way until it is dropped.
pub(crate) struct Shift(Arc<Office>);

impl Drop for Shift {
    fn drop(&mut self) {
        self.0.change(|state| state.is_at_work = false);
    }
}
