//! All meters of one service by name, each name once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::{
    meter::observed::{Observed, Read},
    name,
    options::MeterOptions,
    series::{AnyFamily, Description, Family, Series},
    settings::MetricsSettings,
    snapshot::{Kind, MeterSnapshot, SeriesSnapshot, Value},
};
use crate::error::{Error, Result, ResultExt};

/// The meters of a service.
pub(super) struct Registry {
    service: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    families: BTreeMap<Arc<str>, (Arc<dyn AnyFamily>, MeterOptions)>,
    /// Whose the names of written lines are: `x_count` cannot be a gauge beside the histogram `x`.
    samples: BTreeMap<String, Arc<str>>,
    settings: MetricsSettings,
}

impl Registry {
    pub(super) fn new(service: &str) -> Self {
        Self { service: service.to_owned(), kept: Mutex::default() }
    }

    pub(super) fn service(&self) -> &str {
        &self.service
    }

    /// The family of this name: a new one, or the one that is there and is the same.
    pub(super) fn family<S: Series>(&self, options: MeterOptions, labels: &[&str]) -> Result<Arc<Family<S>>> {
        let make =
            |description, max_series| -> Arc<dyn AnyFamily> { Arc::new(Family::<S>::new(description, max_series)) };
        let (full_name, family) = self.keep(options, labels, S::KIND, make)?;
        family.into_any().downcast().map_err(|_| exists(&full_name, "with values that are read from elsewhere"))
    }

    /// A meter whose value is read from elsewhere; one that is there is read from the new place from now on.
    pub(super) fn observed(&self, options: MeterOptions, kind: Kind, read: Read) -> Result<()> {
        let make = |description, _| -> Arc<dyn AnyFamily> { Arc::new(Observed::new(description, kind)) };
        let (full_name, family) = self.keep(options, &[], kind, make)?;
        match family.into_any().downcast::<Observed>() {
            Ok(observed) => observed.read_from(read),
            Err(_) => return Err(exists(&full_name, "with values of its own")),
        }
        Ok(())
    }

    fn keep(
        &self,
        mut options: MeterOptions,
        labels: &[&str],
        kind: Kind,
        make: impl FnOnce(Description, usize) -> Arc<dyn AnyFamily>,
    ) -> Result<(Arc<str>, Arc<dyn AnyFamily>)> {
        let (name, unit) = options
            .full_name(&self.service, kind)
            .with_context(|| format!("meter `{}` cannot be made", options.name))?;
        let mut kept = self.kept();
        if let Some(bounds) = kept.settings.buckets.get(&*options.name).or_else(|| kept.settings.buckets.get(&name)) {
            options.buckets = Some(bounds.clone());
        }
        let description =
            describe(&options, &name, unit, labels, kind).with_context(|| format!("meter `{name}` cannot be made"))?;

        if let Some((there, _)) = kept.families.get(&*name) {
            return match difference(&**there, kind, &description, &options) {
                None => Ok((description.name, there.clone())),
                Some(difference) => Err(exists(&name, &difference)),
            };
        }

        let samples = name::sample_names(&name, kind);
        if let Some((sample, owner)) = samples.iter().find_map(|sample| kept.samples.get_key_value(sample)) {
            return Err(Error::msg(format!(
                "meter `{name}` would be written as `{sample}`, which meter `{owner}` is; {WAY_OUT}"
            )));
        }
        let name = description.name.clone();
        let family = make(description, options.max_series.unwrap_or(kept.settings.max_series));
        kept.samples.extend(samples.into_iter().map(|sample| (sample, name.clone())));
        kept.families.insert(name.clone(), (family.clone(), options));
        Ok((name, family))
    }

    /// Follows the settings: the cap at once, buckets for meters that are made from now on.
    pub(super) fn configure(&self, settings: MetricsSettings) {
        let mut kept = self.kept();
        for (family, options) in kept.families.values() {
            family.set_max_series(options.max_series.unwrap_or(settings.max_series));
        }
        kept.settings = settings;
    }

    pub(super) fn settings(&self) -> MetricsSettings {
        self.kept().settings.clone()
    }

    pub(super) fn snapshot(&self, now: Instant) -> Vec<MeterSnapshot> {
        let families = self.families();
        let overflowed: Vec<_> = families.iter().filter(|family| family.overflowed() > 0).map(overflow_of).collect();
        let mut meters: Vec<_> = families.iter().map(|family| family.snapshot(now)).collect();
        if !overflowed.is_empty() {
            meters.push(MeterSnapshot {
                name: "chassis_metrics_overflow".into(),
                help: "Times a meter had no room for another series and counted it as `other`.".into(),
                unit: None,
                kind: Kind::Counter,
                series: overflowed,
            });
        }
        meters
    }

    pub(super) fn upkeep(&self, now: Instant) {
        self.families().iter().for_each(|family| family.upkeep(now));
    }

    /// Outside of the lock, so that a scrape holds nobody up.
    fn families(&self) -> Vec<Arc<dyn AnyFamily>> {
        self.kept().families.values().map(|(family, _)| family.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const WAY_OUT: &str = "give one of the two another name";

fn exists(name: &str, difference: &str) -> Error {
    Error::msg(format!("meter `{name}` exists already {difference}; {WAY_OUT}"))
}

fn describe(
    options: &MeterOptions,
    name: &str,
    unit: Option<String>,
    labels: &[&str],
    kind: Kind,
) -> Result<Description> {
    let labels: Vec<String> = labels.iter().map(|label| name::sanitized(label)).collect();
    let reserved = match kind {
        Kind::Histogram => Some("le"),
        Kind::Summary => Some("quantile"),
        Kind::Counter | Kind::Gauge => None,
    };
    for (position, label) in labels.iter().enumerate() {
        if Some(label.as_str()) == reserved || label.starts_with("__") {
            return Err(Error::msg(format!(
                "label `{label}` is reserved on a {}; give it another name",
                kind.as_str()
            )));
        }
        if labels[..position].contains(label) {
            return Err(Error::msg(format!("label `{label}` is there twice")));
        }
    }
    let help = match options.help.trim() {
        "" => format!("The {} `{}`.", kind.as_str(), options.name),
        help => help.to_owned(),
    };
    Ok(Description {
        name: name.into(),
        help: help.into(),
        unit: unit.map(Into::into),
        labels,
        shape: options.shape()?,
    })
}

/// What keeps two meters of one name from being the same, said about the one that is there.
fn difference(there: &dyn AnyFamily, kind: Kind, new: &Description, options: &MeterOptions) -> Option<String> {
    let old = there.description();
    if there.kind() != kind {
        return Some(format!("as a {}, not a {}", there.kind().as_str(), kind.as_str()));
    }
    if old.labels != new.labels {
        return Some(format!("with the labels [{}], not [{}]", old.labels.join(", "), new.labels.join(", ")));
    }
    if old.unit != new.unit {
        let name =
            |unit: &Option<Arc<str>>| unit.as_deref().map_or("no unit".into(), |unit| format!("the unit `{unit}`"));
        return Some(format!("with {}, not {}", name(&old.unit), name(&new.unit)));
    }
    // Who says nothing about the shape takes it as it is.
    let same_shape = options.has_default_shape() || old.shape == new.shape;
    (!same_shape).then(|| "with other buckets, quantiles or window".to_owned())
}

#[expect(clippy::cast_precision_loss, reason = "exporters send doubles")]
fn overflow_of(family: &Arc<dyn AnyFamily>) -> SeriesSnapshot {
    SeriesSnapshot {
        labels: Arc::new([("meter".to_owned(), family.description().name.to_string())]),
        value: Value::Counter(family.overflowed() as f64),
    }
}
