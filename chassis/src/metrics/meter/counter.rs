//! A number that only goes up.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use super::{
    super::{
        Metrics,
        labels::Labels,
        options::{Meter, MeterOptions, RegisterIn, Shape},
        series::Series,
        snapshot::{Kind, Value},
        stripes::{Count, Striped},
    },
    labelled::{Labelled, labelled},
};
use crate::error::Result;

/// Counts what happens; exported as `<service>_<name>_total`.
///
/// Without labels it is used by itself, with labels through [`with`](Counter::with). A [`Default`] one works and is
/// exported by nobody, so that a service can be put together in a test.
pub struct Counter<L = ()>(Labelled<CounterHandle, L>);

labelled!(Counter of CounterHandle);

impl<L: Labels> Meter for Counter<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
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
