//! A number that only goes up.

use std::{fmt, marker::PhantomData, ops::Deref, sync::Arc};

use tokio::time::Instant;

use super::super::{
    Metrics,
    labels::Labels,
    options::{Meter, MeterOptions, RegisterIn, Shape},
    registry::Registry,
    series::{Family, Series},
    snapshot::{Kind, Value},
    stripes::{Count, Striped},
};
use crate::error::Result;

/// Counts what happens; exported as `<service>_<name>_total`.
///
/// Without labels it counts by itself, with labels through [`with`](Counter::with). A [`Default`] counter works
/// and is exported by nobody, so that a service can be put together in a test.
pub struct Counter<L = ()> {
    only: CounterHandle,
    family: Arc<Family<CounterHandle>>,
    // Covariant, so that labels may be borrowed although the meter says `'static`.
    labels: PhantomData<fn() -> L>,
}

/// One series of a [`Counter`], to be kept where counting has to be quick.
#[derive(Clone)]
pub struct CounterHandle(Arc<Striped<Count>>);

impl CounterHandle {
    /// Counts one.
    #[inline]
    pub fn inc(&self) {
        self.add(1);
    }

    /// Counts `amount` at once.
    #[inline]
    pub fn add(&self, amount: u64) {
        self.0.add(amount);
    }

    /// How much has been counted.
    pub fn get(&self) -> u64 {
        self.0.iter().map(Count::get).fold(0, u64::wrapping_add)
    }
}

impl<L: Labels> Counter<L> {
    /// The series for these label values.
    #[inline]
    pub fn with(&self, labels: &L) -> &CounterHandle {
        self.family.with(labels)
    }

    /// The series for these label values, to be kept.
    pub fn handle(&self, labels: &L) -> CounterHandle {
        self.with(labels).clone()
    }
}

impl Deref for Counter<()> {
    type Target = CounterHandle;

    #[inline]
    fn deref(&self) -> &CounterHandle {
        &self.only
    }
}

impl<L> From<Arc<Family<CounterHandle>>> for Counter<L> {
    fn from(family: Arc<Family<CounterHandle>>) -> Self {
        Self { only: family.only().clone(), family, labels: PhantomData }
    }
}

impl<L: Labels> Meter for Counter<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
}

impl<L: Labels> RegisterIn for Counter<L> {
    fn register_in(registry: &Registry, options: MeterOptions) -> Result<Self> {
        registry.family(options, L::NAMES).map(Self::from)
    }
}

impl<L: Labels> Default for Counter<L> {
    fn default() -> Self {
        Arc::new(Family::detached(L::NAMES)).into()
    }
}

impl<L> Clone for Counter<L> {
    fn clone(&self) -> Self {
        self.family.clone().into()
    }
}

impl<L> fmt::Debug for Counter<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.family.description.name).finish()
    }
}

impl fmt::Debug for CounterHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CounterHandle").field(&self.get()).finish()
    }
}

impl Series for CounterHandle {
    const KIND: Kind = Kind::Counter;

    fn new(_shape: &Shape) -> Self {
        Self(Arc::new(Striped::new(Count::default())))
    }

    #[expect(clippy::cast_precision_loss, reason = "exporters send doubles")]
    fn read(&self, _now: Instant) -> Value {
        Value::Counter(self.get() as f64)
    }
}
