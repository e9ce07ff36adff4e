//! What a service counts and measures, and how that gets out.
//!
//! Meters are fields marked `#[meter]`, or made by [`Metrics::meter`] in a resource. A meter is the same object wherever it is made with
//! the same name, type, unit and labels. Names are `<service>_<name>`, by the conventions of Prometheus.
//!
//! ```
//! use chassis::metrics::{Counter, Format, MeterOptions, Metrics};
//!
//! # fn main() -> chassis::Result<()> {
//! let metrics = Metrics::new("orders");
//! let placed: Counter = metrics.meter(MeterOptions::new("placed", "Orders placed."))?;
//! placed.inc();
//! assert_eq!(metrics.get("placed", &[]), Some(1.0));
//! assert!(metrics.render(Format::Text).contains("orders_placed_total 1\n"));
//! # Ok(())
//! # }
//! ```

pub mod framework;
mod labels;
mod meter;
mod name;
mod options;
mod registry;
pub mod reporter;
mod series;
mod settings;
mod snapshot;
mod stripes;

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use self::{registry::Registry, reporter::Reporter};
use crate::error::Result;

/// Makes [`Labels`](trait@Labels) of a struct with one named field per label, and label values of the variants of an enum.
///
/// A name is changed by `#[label(rename = "…")]` on the field or variant.
///
/// ```
/// use chassis::metrics::Labels;
///
/// #[derive(Labels)]
/// struct ByOutcome {
///     outcome: Outcome,
///     #[label(rename = "type")]
///     kind: &'static str,
/// }
///
/// #[derive(Labels)]
/// enum Outcome {
///     Shipped,
///     OutOfStock, // out_of_stock
/// }
/// ```
pub use chassis_macros::Labels;
/// Records how long a function or method takes, also when it fails, panics or is cancelled.
///
/// The argument is a [`Histogram`] or [`Summary`] without labels, or a series of one with labels; a bare name is a field of `self`.
///
/// ```
/// use chassis::metrics::{Histogram, timed};
///
/// #[derive(Default)]
/// struct Orders {
///     latency: Histogram,
/// }
///
/// impl Orders {
///     #[timed(self.latency)]
///     async fn price(&self) -> u32 {
///         12
///     }
/// }
/// ```
pub use chassis_macros::timed;

#[doc(inline)]
pub use self::{
    labels::{LONGEST_VALUE, LabelValue, LabelValues, Labels},
    meter::{
        counter::{Counter, CounterHandle},
        gauge::{Gauge, GaugeHandle, Tracked},
        histogram::{Histogram, HistogramHandle},
        quantity::Quantity,
        summary::{Summary, SummaryHandle},
        timing::{Observe, Timing},
    },
    options::{Meter, MeterOptions},
    reporter::prometheus::Format,
    settings::MetricsSettings,
    snapshot::{Kind, LabelPairs, MeterSnapshot, Sample, SeriesSnapshot, Snapshot, Value},
};

/// All meters of one service; a cheap handle.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
}

impl Metrics {
    /// No meters yet.
    pub fn new(service: &str) -> Self {
        Self(Arc::new(Inner { registry: Registry::new(service) }))
    }

    /// Follows the settings: the cap on series at once, buckets for meters made from now on.
    pub fn configure(&self, settings: MetricsSettings) {
        self.registry().configure(settings);
    }

    /// The meter of this name: a new one, or the one that is there already.
    ///
    /// # Errors
    /// The name belongs to a meter of another type, unit or other labels; or the options make no sense.
    pub fn meter<M: Meter>(&self, options: MeterOptions) -> Result<M> {
        M::register(self, options)
    }

    /// What all meters say now.
    pub fn snapshot(&self) -> Snapshot {
        let mut meters = self.registry().snapshot(Instant::now());
        meters.sort_by(|one, other| one.name.cmp(&other.name));
        Snapshot { meters }
    }

    /// One number, by its exported name or the name without the service and `_total`; for tests.
    ///
    /// Of a histogram or summary it is `<name>_count`, `<name>_sum`, or a bucket or quantile by its label.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let snapshot = self.snapshot();
        let service = name::sanitized(self.registry().service());
        snapshot.get(name, labels).or_else(|| snapshot.get(&format!("{service}_{name}"), labels))
    }

    /// Everything as text for Prometheus.
    pub fn render(&self, format: Format) -> String {
        let mut out = String::new();
        format.report(&self.snapshot(), &mut out);
        out
    }

    /// What has to happen every `collect_frequency`: the windows of summaries move on.
    pub fn upkeep(&self) {
        self.registry().upkeep(Instant::now());
    }

    fn registry(&self) -> &Registry {
        &self.0.registry
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("service", &self.registry().service()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
