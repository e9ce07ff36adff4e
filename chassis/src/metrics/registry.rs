//! All meters of one service by name, each name once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::time::Instant;

use super::{
    name,
    options::MeterOptions,
    series::{AnyFamily, Description, Family, Series},
    settings::MetricsSettings,
    snapshot::{Kind, MeterSnapshot, SeriesSnapshot, Value},
};
use crate::error::{Error, Result};

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
    pub(super) fn family<S: Series>(&self, mut options: MeterOptions, labels: &[&str]) -> Result<Arc<Family<S>>> {
        let (name, unit) = options
            .full_name(&self.service, S::KIND)
            .map_err(|error| error.context(format!("meter `{}` cannot be made", options.name)))?;
        let mut kept = self.kept();
        if let Some(bounds) = kept.settings.buckets.get(&*options.name).or_else(|| kept.settings.buckets.get(&name)) {
            options.buckets = Some(bounds.clone());
        }
        let description = describe(&options, &name, unit, labels, S::KIND)
            .map_err(|error| error.context(format!("meter `{name}` cannot be made")))?;

        if let Some((there, _)) = kept.families.get(&*name) {
            let difference = difference(&**there, S::KIND, &description, &options);
            return match (difference, there.clone().into_any().downcast()) {
                (None, Ok(family)) => Ok(family),
                (difference, _) => Err(Error::msg(format!(
                    "meter `{name}` exists already {}; give one of the two another name",
                    difference.unwrap_or_else(|| "with another type".to_owned())
                ))),
            };
        }

        let samples = name::sample_names(&name, S::KIND);
        if let Some((sample, owner)) = samples.iter().find_map(|sample| kept.samples.get_key_value(sample)) {
            return Err(Error::msg(format!(
                "meter `{name}` would be written as `{sample}`, which meter `{owner}` is; give one of the two another name"
            )));
        }
        let max_series = options.max_series.unwrap_or(kept.settings.max_series);
        let family = Arc::new(Family::<S>::new(description, max_series));
        let name = family.description.name.clone();
        kept.samples.extend(samples.into_iter().map(|sample| (sample, name.clone())));
        kept.families.insert(name, (family.clone(), options));
        Ok(family)
    }

    /// Follows the settings: the cap at once, buckets for meters that are made from now on.
    pub(super) fn configure(&self, settings: MetricsSettings) {
        let mut kept = self.kept();
        for (family, options) in kept.families.values() {
            family.set_max_series(options.max_series.unwrap_or(settings.max_series));
        }
        kept.settings = settings;
    }

    /// Whether a line of this name is one of ours.
    pub(super) fn owns(&self, sample: &str) -> bool {
        self.kept().samples.contains_key(sample)
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
        "" => format!("The {} `{}` of the service.", kind.as_str(), options.name),
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
