//! How many units of work a service has under way, and how those before ended.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::kind::{Kind, Outcome};
use crate::metrics::{
    CounterHandle, Metrics,
    framework::{Framework, WorkFigures},
};

/// The figures of one service, by kind; a kind that is never used has none.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    common: [OnceLock<OfKind>; Kind::TARGETS.len() - 1],
    others: Mutex<Vec<(&'static str, Arc<OfKind>)>>,
}

impl Figures {
    /// Work of that kind begins; it is in flight until its end.
    pub(super) fn begin(&self, kind: Kind, metrics: &Metrics) {
        self.with(kind, metrics, |figures| figures.work.in_flight().inc());
    }

    /// Work of that kind has ended.
    pub(super) fn end(&self, kind: Kind, metrics: &Metrics, outcome: Outcome) {
        self.with(kind, metrics, |figures| {
            figures.work.in_flight().dec();
            figures.outcome(outcome).inc();
        });
    }

    fn with<T>(&self, kind: Kind, metrics: &Metrics, f: impl FnOnce(&OfKind) -> T) -> T {
        match kind {
            Kind::Other(word) => f(&self.other(word, metrics)),
            kind => f(self.common[kind.place()].get_or_init(|| OfKind::new(kind, metrics))),
        }
    }

    fn other(&self, word: &'static str, metrics: &Metrics) -> Arc<OfKind> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, figures)) = others.iter().find(|(known, _)| *known == word) {
            return Arc::clone(figures);
        }
        let figures = Arc::new(OfKind::new(Kind::Other(word), metrics));
        others.push((word, Arc::clone(&figures)));
        figures
    }
}

#[derive(Debug)]
struct OfKind {
    work: WorkFigures,
    /// In the order of [`Outcome::ALL`].
    outcomes: [OnceLock<CounterHandle>; Outcome::ALL.len()],
}

impl OfKind {
    fn new(kind: Kind, metrics: &Metrics) -> Self {
        Self { work: Framework::new(metrics).work(kind.as_str()), outcomes: Default::default() }
    }

    fn outcome(&self, outcome: Outcome) -> &CounterHandle {
        self.outcomes[outcome as usize].get_or_init(|| self.work.outcome(outcome.as_str()))
    }
}
