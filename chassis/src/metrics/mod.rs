//! What a service counts and measures, and how that gets out.
//!
//! Meters are fields marked `#[meter]`, or made by [`Metrics::meter`] in a resource. A meter is the same object
//! wherever it is made with the same name, type, unit and labels. Names are `<service>_<name>`, by the conventions of
//! Prometheus.
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

mod exposition;
pub mod framework;
mod front_end;
mod labels;
mod meter;
mod name;
mod options;
mod process;
mod registry;
pub mod reporter;
mod series;
mod settings;
mod snapshot;
mod stripes;
mod thread_number;

use std::{fmt, sync::Arc};

use tokio::time::Instant;

pub(crate) use self::front_end::install;
#[doc(hidden)]
pub use self::meter::timing::time;
use self::{framework::Framework, front_end::FrontEnd, registry::Registry, reporter::Reporter};
use crate::error::Result;

/// Makes [`Labels`](trait@Labels) of a struct with one named field per label, and label values of the variants of an
/// enum.
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
/// The argument is a [`Histogram`] or [`Summary`] without labels, or a series of one with labels; a bare name is a
/// field of `self`.
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
    settings::{HandlersSettings, MetricsSettings, PrometheusSettings},
    snapshot::{Kind, LabelPairs, MeterSnapshot, Sample, SeriesSnapshot, Snapshot, Value},
};

/// All meters of one service; a cheap handle.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    framework: Framework,
    front_end: FrontEnd,
}

impl Metrics {
    /// The framework's own figures, and nothing of the service yet.
    pub fn new(service: &str) -> Self {
        let registry = Registry::new(service);
        let framework = Framework::register(&registry);
        Self(Arc::new(Inner { registry, framework, front_end: FrontEnd::default() }))
    }

    /// Follows the settings: the cap on series at once, buckets for meters made from now on.
    pub fn configure(&self, settings: MetricsSettings) {
        self.registry().configure(settings);
    }

    /// The settings it follows.
    pub fn settings(&self) -> MetricsSettings {
        self.registry().settings()
    }

    /// The meter of this name: a new one, or the one that is there already.
    ///
    /// # Errors
    /// The name belongs to a meter of another type, unit or other labels; or the options make no sense.
    pub fn meter<M: Meter>(&self, options: MeterOptions) -> Result<M> {
        M::register(self, options)
    }

    /// A gauge whose number is kept elsewhere and asked for when it is exported.
    ///
    /// Made again, for example by a resource that was restarted, it asks at the new place.
    ///
    /// # Errors
    /// As [`meter`](Metrics::meter).
    pub fn observe_gauge(&self, options: MeterOptions, read: impl Fn() -> f64 + Send + Sync + 'static) -> Result<()> {
        self.registry().observed(options, Kind::Gauge, Arc::new(read))
    }

    /// A counter whose number is kept elsewhere and asked for when it is exported.
    ///
    /// # Errors
    /// As [`meter`](Metrics::meter).
    pub fn observe_counter(&self, options: MeterOptions, read: impl Fn() -> f64 + Send + Sync + 'static) -> Result<()> {
        self.registry().observed(options, Kind::Counter, Arc::new(read))
    }

    /// The framework's own figures.
    pub fn framework(&self) -> &Framework {
        &self.0.framework
    }

    /// What all meters say now: those of the service, of the framework, of the process, and of libraries.
    pub fn snapshot(&self) -> Snapshot {
        let mut meters = self.registry().snapshot(Instant::now());
        meters.extend(process::snapshot());
        self.0.front_end.add_to(&mut meters);
        meters.sort_by(|one, other| one.name.cmp(&other.name));
        Snapshot { meters }
    }

    /// One number, by its exported name or the name without the service and `_total`; for tests.
    ///
    /// Of a histogram or summary it is `<name>_count`, `<name>_sum`, or a bucket or quantile by its label.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let snapshot = self.snapshot();
        let own_name = name::full_name(self.registry().service(), name, None, Kind::Gauge);
        snapshot.get(name, labels).or_else(|| snapshot.get(&own_name, labels))
    }

    /// Everything as text for Prometheus.
    pub fn render(&self, format: Format) -> String {
        let mut out = String::new();
        format.report(&self.snapshot(), &mut out);
        out
    }

    /// What has to happen now and then: the windows of summaries move on, what libraries have recorded is taken in.
    pub fn upkeep(&self) {
        self.registry().upkeep(Instant::now());
        self.0.front_end.upkeep();
    }

    /// Does the upkeep at every `collect_frequency`; runs for ever.
    pub fn keep_up(&self) -> impl Future<Output = ()> + Send + use<> {
        let metrics = self.clone();
        async move {
            loop {
                tokio::time::sleep(metrics.registry().settings().collect_frequency).await;
                metrics.upkeep();
            }
        }
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
