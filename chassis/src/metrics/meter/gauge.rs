//! A number that goes up and down.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use tokio::time::Instant;

use super::{
    super::{
        Metrics,
        labels::Labels,
        options::{Meter, MeterOptions, RegisterIn, Shape},
        series::Series,
        snapshot::{Kind, Value},
        stripes::{Striped, Total},
    },
    labelled::{Labelled, labelled},
    quantity::Quantity,
};
use crate::error::Result;

/// Says how much there is of something now; exported as `<service>_<name>`.
///
/// Without labels it is used by itself, with labels through [`with`](Gauge::with). A [`Default`] one works and is
/// exported by nobody, so that a service can be put together in a test.
pub struct Gauge<L = ()>(Labelled<GaugeHandle, L>);

labelled!(Gauge of GaugeHandle);

impl<L: Labels> Meter for Gauge<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
}

/// One series of a [`Gauge`], to be kept.
#[derive(Clone)]
pub struct GaugeHandle(Arc<Core>);

struct Core {
    /// What was set, less what had been added by then, as the bits of a float.
    base: AtomicU64,
    added: Striped<Total>,
}

impl GaugeHandle {
    /// Makes it this much.
    #[inline]
    pub fn set(&self, value: impl Quantity) {
        self.0.base.store((value.amount() - self.added()).to_bits(), Relaxed);
    }

    /// One more.
    #[inline]
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// One less.
    #[inline]
    pub fn dec(&self) {
        self.add(-1.0);
    }

    /// So much more.
    #[inline]
    pub fn add(&self, amount: impl Quantity) {
        self.0.added.add(amount.amount());
    }

    /// So much less.
    #[inline]
    pub fn sub(&self, amount: impl Quantity) {
        self.0.added.add(-amount.amount());
    }

    /// One more, until the guard is dropped: what is being worked on right now.
    #[must_use = "the gauge goes down again when the guard is dropped"]
    pub fn track(&self) -> Tracked {
        self.inc();
        Tracked(self.clone())
    }

    /// How much it is.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.base.load(Relaxed)) + self.added()
    }

    fn added(&self) -> f64 {
        self.0.added.iter().map(Total::get).sum()
    }
}

/// Counts as one in a gauge for as long as it lives.
#[derive(Debug)]
pub struct Tracked(GaugeHandle);

impl Drop for Tracked {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl fmt::Debug for GaugeHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GaugeHandle").field(&self.get()).finish()
    }
}

impl Series for GaugeHandle {
    const KIND: Kind = Kind::Gauge;

    fn new(_shape: &Shape) -> Self {
        Self(Arc::new(Core { base: AtomicU64::default(), added: Striped::new(Total::default()) }))
    }

    fn read(&self, _now: Instant) -> Value {
        Value::Gauge(self.get())
    }
}
