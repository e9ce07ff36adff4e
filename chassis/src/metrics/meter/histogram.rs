//! Values counted by fixed ranges.

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
        stripes::{Stripe, Striped, add_alone, add_float, add_float_alone, try_add_float},
    },
    labelled::{Labelled, labelled},
    quantity::Quantity,
    timing::timed_methods,
};
use crate::error::Result;

/// Bounds in seconds that suit a request, those that OpenTelemetry recommends. With the sum and the last range they
/// fill two cache lines.
pub(crate) const DEFAULT_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Up to so many bounds, comparing with all of them is quicker than a search.
const COMPARED: usize = 32;
/// Cells in a line.
const CELLS: usize = 16;

/// Counts values by fixed ranges; exported as `<service>_<name>` with `_bucket`, `_sum` and `_count`.
///
/// Many instances of a service can be added up, which quantiles of a [`Summary`](super::summary::Summary) cannot.
///
/// Without labels it is used by itself, with labels through [`with`](Histogram::with). A [`Default`] one works and is
/// exported by nobody, so that a service can be put together in a test.
pub struct Histogram<L = ()>(Labelled<HistogramHandle, L>);

labelled!(Histogram of HistogramHandle);

impl<L: Labels> Meter for Histogram<L> {
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self> {
        Self::register_in(metrics.registry(), options)
    }
}

/// One series of a [`Histogram`], to be kept where recording has to be quick.
#[derive(Clone)]
pub struct HistogramHandle(Arc<Core>);

struct Core {
    bounds: Box<[f64]>,
    ranges: Striped<Ranges>,
}

impl HistogramHandle {
    /// Counts a value into its range. What is not a number is not recorded.
    #[inline]
    pub fn record(&self, value: impl Quantity) {
        let value = value.amount();
        if value.is_nan() {
            return;
        }
        let bounds = &*self.0.bounds;
        let range = if bounds.len() <= COMPARED {
            bounds.iter().map(|bound| usize::from(value > *bound)).sum()
        } else {
            bounds.partition_point(|bound| value > *bound)
        };
        self.0.ranges.add((range, value));
    }

    timed_methods!();

    /// How many values have been recorded.
    pub fn count(&self) -> u64 {
        self.0.ranges.iter().map(|ranges| (0..=self.0.bounds.len()).map(|range| ranges.get(range)).sum::<u64>()).sum()
    }

    /// The sum of all values.
    pub fn sum(&self) -> f64 {
        self.0.ranges.iter().map(Ranges::sum).sum()
    }
}

/// The sum, then a count per range, on cache lines of their own.
struct Ranges(Box<[Line]>);

#[derive(Default)]
#[repr(align(128))]
struct Line([AtomicU64; CELLS]);

impl Ranges {
    fn new(ranges: usize) -> Self {
        Self((0..(ranges + 1).div_ceil(CELLS)).map(|_| Line::default()).collect())
    }

    #[inline]
    fn cell(&self, place: usize) -> Option<&AtomicU64> {
        self.0.get(place / CELLS).map(|line| &line.0[place % CELLS])
    }

    fn get(&self, range: usize) -> u64 {
        self.cell(range + 1).map_or(0, |cell| cell.load(Relaxed))
    }

    fn sum(&self) -> f64 {
        self.cell(0).map_or(0.0, |cell| f64::from_bits(cell.load(Relaxed)))
    }
}

impl Stripe for Ranges {
    type Amount = (usize, f64);

    fn another(&self) -> Self {
        Self(self.0.iter().map(|_| Line::default()).collect())
    }

    #[inline]
    fn add_alone(&self, (range, value): (usize, f64)) {
        if let (Some(sum), Some(count)) = (self.cell(0), self.cell(range + 1)) {
            add_float_alone(sum, value);
            add_alone(count, 1);
        }
    }

    fn try_add(&self, (range, value): (usize, f64)) -> bool {
        let (Some(sum), Some(count)) = (self.cell(0), self.cell(range + 1)) else { return true };
        let is_added = try_add_float(sum, value);
        if is_added {
            count.fetch_add(1, Relaxed);
        }
        is_added
    }

    fn add(&self, (range, value): (usize, f64)) {
        if let (Some(sum), Some(count)) = (self.cell(0), self.cell(range + 1)) {
            add_float(sum, value);
            count.fetch_add(1, Relaxed);
        }
    }
}

impl fmt::Debug for HistogramHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistogramHandle").field("count", &self.count()).field("sum", &self.sum()).finish()
    }
}

impl Series for HistogramHandle {
    const KIND: Kind = Kind::Histogram;

    fn new(shape: &Shape) -> Self {
        let bounds: Box<[f64]> = shape.buckets.as_slice().into();
        let ranges = Striped::new(Ranges::new(bounds.len() + 1));
        Self(Arc::new(Core { bounds, ranges }))
    }

    fn read(&self, _now: Instant) -> Value {
        let Core { bounds, ranges } = &*self.0;
        let mut cumulative = 0;
        let buckets = bounds.iter().copied().chain([f64::INFINITY]).enumerate().map(|(range, bound)| {
            cumulative += ranges.iter().map(|ranges| ranges.get(range)).sum::<u64>();
            (bound, cumulative)
        });
        Value::Histogram { buckets: buckets.collect(), sum: self.sum() }
    }
}
