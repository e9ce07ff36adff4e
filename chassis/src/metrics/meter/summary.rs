//! Quantiles of the last minutes, with sum and count since the start.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    super::{
        Metrics,
        labels::Labels,
        options::{Meter, MeterOptions, RegisterIn, Shape},
        series::Series,
        snapshot::{Kind, Value},
        stripes::{Count, Striped, Total},
    },
    labelled::{Labelled, labelled},
    quantity::Quantity,
    sketch::{Counts, Sketch, quantile, since},
    timing::timed_methods,
};
use crate::error::Result;

/// The quantiles a summary tells.
pub(crate) const DEFAULT_QUANTILES: &[f64] = &[0.5, 0.9, 0.95, 0.99];
/// How far back they look.
pub(crate) const DEFAULT_WINDOW: Duration = Duration::from_secs(600);
/// The window moves on in so many steps.
const STEPS: u32 = 10;

/// Quantiles of the last minutes; exported as `<service>_<name>` with `quantile`, `_sum` and `_count`.
///
/// For one instance it says more than a [`Histogram`](super::histogram::Histogram), because no ranges have to be
/// guessed; over many instances quantiles cannot be added up. They are right within one per cent.
///
/// Without labels it is used by itself, with labels through [`with`](Summary::with). A [`Default`] one works and is
/// exported by nobody, so that a service can be put together in a test.
pub struct Summary<L = ()>(Labelled<SummaryHandle, L>);

labelled!(Summary of SummaryHandle);

impl<L: Labels> Meter for Summary<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
}

/// One series of a [`Summary`], to be kept where recording has to be quick.
#[derive(Clone)]
pub struct SummaryHandle(Arc<Core>);

struct Core {
    quantiles: Box<[f64]>,
    count: Striped<Count>,
    sum: Striped<Total>,
    /// Counts since the start: recording reads no clock.
    sketch: Sketch,
    window: Mutex<Window>,
}

impl SummaryHandle {
    /// Records a value. What is not a number is not recorded.
    #[inline]
    pub fn record(&self, value: impl Quantity) {
        let value = value.amount();
        if !value.is_nan() {
            self.0.sketch.count(value);
            self.0.count.add(1);
            self.0.sum.add(value);
        }
    }

    timed_methods!();

    /// How many values have been recorded since the start.
    pub fn count(&self) -> u64 {
        self.0.count.iter().map(Count::get).sum()
    }

    /// The sum of all values since the start.
    pub fn sum(&self) -> f64 {
        self.0.sum.iter().map(Total::get).sum()
    }

    /// The value that the share `share` of the window's values does not exceed, or nothing if the window is empty.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let counts = self.0.sketch.counts();
        let value = quantile(&self.window().counts(Instant::now(), &counts), share);
        (!value.is_nan()).then_some(value)
    }

    fn window(&self) -> std::sync::MutexGuard<'_, Window> {
        self.0.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What had been counted at some moments, the last of them at most one window ago but for the first.
struct Window {
    length: Duration,
    moments: VecDeque<(Instant, Arc<Counts>)>,
}

impl Window {
    /// What came in during the window.
    ///
    /// The window moves on whenever it is looked at, which the service does at every `collect_frequency`.
    fn counts(&mut self, now: Instant, counts: &Counts) -> Counts {
        let age = |moment: &(Instant, Arc<Counts>)| now.saturating_duration_since(moment.0);
        while self.moments.get(1).is_some_and(|second| age(second) >= self.length) {
            self.moments.pop_front();
        }
        let window = self.moments.front().map_or_else(Vec::new, |(_, before)| since(before, counts));
        let step = self.length / STEPS;
        if self.moments.back().is_none_or(|last| age(last) >= step) {
            let same = self.moments.back().map(|(_, last)| last).filter(|last| ***last == *counts);
            let counts = same.map_or_else(|| Arc::new(counts.clone()), Arc::clone);
            self.moments.push_back((now, counts));
        }
        window
    }
}

impl fmt::Debug for SummaryHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SummaryHandle").field("count", &self.count()).field("sum", &self.sum()).finish()
    }
}

impl Series for SummaryHandle {
    const KIND: Kind = Kind::Summary;

    fn new(shape: &Shape) -> Self {
        Self(Arc::new(Core {
            quantiles: shape.quantiles.as_slice().into(),
            count: Striped::new(Count::default()),
            sum: Striped::new(Total::default()),
            sketch: Sketch::new(),
            window: Mutex::new(Window {
                length: shape.window,
                moments: VecDeque::from([(Instant::now(), Arc::default())]),
            }),
        }))
    }

    fn read(&self, now: Instant) -> Value {
        let counts = self.0.sketch.counts();
        let window = self.window().counts(now, &counts);
        Value::Summary {
            quantiles: self.0.quantiles.iter().map(|share| (*share, quantile(&window, *share))).collect(),
            sum: self.sum(),
            count: self.count(),
        }
    }

    fn upkeep(&self, now: Instant) {
        let counts = self.0.sketch.counts();
        self.window().counts(now, &counts);
    }
}
