//! A number that goes up and down.

use std::{
    fmt,
    marker::PhantomData,
    ops::Deref,
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
        registry::Registry,
        series::{Family, Series},
        snapshot::{Kind, Value},
        stripes::{Striped, Total},
    },
    quantity::Quantity,
};
use crate::error::Result;

/// Says how much there is of something now; exported as `<service>_<name>`.
///
/// Without labels it is set by itself, with labels through [`with`](Gauge::with). A [`Default`] gauge works and is exported by
/// nobody.
pub struct Gauge<L = ()> {
    only: GaugeHandle,
    family: Arc<Family<GaugeHandle>>,
    // Covariant, so that labels may be borrowed although the meter says `'static`.
    labels: PhantomData<fn() -> L>,
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

impl<L: Labels> Gauge<L> {
    /// The series for these label values.
    #[inline]
    pub fn with(&self, labels: &L) -> &GaugeHandle {
        self.family.with(labels)
    }

    /// The series for these label values, to be kept.
    pub fn handle(&self, labels: &L) -> GaugeHandle {
        self.with(labels).clone()
    }
}

impl Deref for Gauge<()> {
    type Target = GaugeHandle;

    #[inline]
    fn deref(&self) -> &GaugeHandle {
        &self.only
    }
}

impl<L> From<Arc<Family<GaugeHandle>>> for Gauge<L> {
    fn from(family: Arc<Family<GaugeHandle>>) -> Self {
        Self { only: family.only().clone(), family, labels: PhantomData }
    }
}

impl<L: Labels> Meter for Gauge<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
}

impl<L: Labels> RegisterIn for Gauge<L> {
    fn register_in(registry: &Registry, options: MeterOptions) -> Result<Self> {
        registry.family(options, L::NAMES).map(Self::from)
    }
}

impl<L: Labels> Default for Gauge<L> {
    fn default() -> Self {
        Arc::new(Family::detached(L::NAMES)).into()
    }
}

impl<L> Clone for Gauge<L> {
    fn clone(&self) -> Self {
        self.family.clone().into()
    }
}

impl<L> fmt::Debug for Gauge<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauge").field(&self.family.description.name).finish()
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
