//! The settings of all meters, `system.resources.metrics`.

use std::{collections::BTreeMap, time::Duration};

use super::{options::checked_bounds, series::DEFAULT_MAX_SERIES};
use crate::settings::SettingsSchema;

/// What is measured how, and who gets it; at `system.resources.metrics`.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default, check = Self::check)]
pub struct MetricsSettings {
    /// How often the windows of summaries move on, and exporters that send are sent to.
    #[setting(min = "100ms")]
    pub collect_frequency: Duration,
    /// How many series one meter may have before further label values are counted together as `other`.
    #[setting(min = 1)]
    pub max_series: usize,
    /// Upper bounds of a histogram's ranges, by the name of the histogram; in place of those in the code.
    pub buckets: BTreeMap<String, Vec<f64>>,
    /// The exporters.
    pub handlers: HandlersSettings,
}

/// The exporters; at `system.resources.metrics.handlers`.
#[derive(Debug, Clone, Default, SettingsSchema)]
#[settings(default)]
pub struct HandlersSettings {
    /// What Prometheus fetches from the status server.
    pub prometheus: PrometheusSettings,
}

/// At `system.resources.metrics.handlers.prometheus`.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct PrometheusSettings {
    /// Whether the status server answers at `/metrics`.
    pub enabled: bool,
}

impl MetricsSettings {
    fn check(&self) -> Result<(), String> {
        let check = |(name, bounds): (&String, &Vec<f64>)| {
            checked_bounds(bounds).map(|_| ()).map_err(|error| format!("histogram `{name}`: {error}"))
        };
        self.buckets.iter().try_for_each(check)
    }
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self {
            collect_frequency: Duration::from_secs(10),
            max_series: DEFAULT_MAX_SERIES,
            buckets: BTreeMap::new(),
            handlers: HandlersSettings::default(),
        }
    }
}

impl Default for PrometheusSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}
