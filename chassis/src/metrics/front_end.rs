//! What libraries record through the macros of the `metrics` crate.
//!
//! That crate has one recorder per process. Ours asks [`Scope`] which service the code works for, and hands on to the
//! recorder of that service, an unchanged `metrics-exporter-prometheus`. A handle that a library keeps stays with the
//! service that was current when it was made.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::{Metrics, exposition, name, snapshot::MeterSnapshot};
use crate::scope::Scope;

/// Makes the macros of the `metrics` crate reach the services; once per process.
///
/// Where the program has put a recorder of its own in place before, that one stays.
pub(crate) fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        if metrics::set_global_recorder(Router).is_err() {
            tracing::info!(
                "the program has its own recorder for the `metrics` crate, so the service exports nothing of it"
            );
        }
    });
}

/// The recorder of the process.
struct Router;

impl Router {
    fn with<T>(f: impl FnOnce(&PrometheusRecorder) -> T) -> Option<T> {
        Scope::with_current(|scope| f(scope.metrics().front_end().recorder()))
    }
}

impl Recorder for Router {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        Self::with(|recorder| recorder.describe_counter(name, unit, help));
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        Self::with(|recorder| recorder.describe_gauge(name, unit, help));
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, help: SharedString) {
        Self::with(|recorder| recorder.describe_histogram(name, unit, help));
    }

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        Self::with(|recorder| recorder.register_counter(key, metadata)).unwrap_or_else(Counter::noop)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        Self::with(|recorder| recorder.register_gauge(key, metadata)).unwrap_or_else(Gauge::noop)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        Self::with(|recorder| recorder.register_histogram(key, metadata)).unwrap_or_else(Histogram::noop)
    }
}

/// What libraries have recorded for one service.
#[derive(Default)]
pub(super) struct FrontEnd {
    /// Made when a library first records something.
    recorder: OnceLock<(PrometheusRecorder, PrometheusHandle)>,
    /// Names that were already reported as taken.
    refused: Mutex<HashSet<Arc<str>>>,
}

impl FrontEnd {
    fn recorder(&self) -> &PrometheusRecorder {
        let (recorder, _) = self.recorder.get_or_init(|| {
            let recorder = PrometheusBuilder::new().with_recommended_naming(true).build_recorder();
            let handle = recorder.handle();
            (recorder, handle)
        });
        recorder
    }

    /// Adds what libraries have recorded to the service's own meters, which keep their names.
    pub(super) fn add_to(&self, meters: &mut Vec<MeterSnapshot>) {
        let Some((_, handle)) = self.recorder.get() else { return };
        let mut owners: BTreeMap<String, Arc<str>> = BTreeMap::new();
        let mut own = |meter: &MeterSnapshot| {
            let samples = name::sample_names(&meter.name, meter.kind);
            if samples.iter().any(|sample| owners.contains_key(sample)) {
                return false;
            }
            owners.extend(samples.into_iter().map(|sample| (sample, meter.name.clone())));
            true
        };
        for meter in &*meters {
            own(meter);
        }
        let mut theirs = exposition::parse(&handle.render());
        theirs.sort_by(|one, other| one.name.cmp(&other.name));
        theirs.retain(|meter| {
            let is_free = own(meter);
            if !is_free && self.refused().insert(meter.name.clone()) {
                tracing::warn!(
                    meter = &*meter.name,
                    "a library records a meter whose name is taken, so it is not exported"
                );
            }
            is_free
        });
        meters.append(&mut theirs);
    }

    /// Takes in what has been recorded since the last time; otherwise it would pile up until the next scrape.
    pub(super) fn upkeep(&self) {
        if let Some((_, handle)) = self.recorder.get() {
            handle.run_upkeep();
        }
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, HashSet<Arc<str>>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Metrics {
    fn front_end(&self) -> &FrontEnd {
        &self.0.front_end
    }
}
