//! The settings of all meters, `system.resources.metrics`.

use std::{collections::BTreeMap, time::Duration};

use super::series::DEFAULT_MAX_SERIES;

/// `system.resources.metrics`.
#[derive(Debug, Clone, chassis_macros::SettingsSchema)]
#[settings(default)]
pub struct MetricsSettings {
    /// How often windows move on, and exporters that send are sent to.
    pub collect_frequency: Duration,
    /// How many series one meter may have before further label values are counted together as `other`.
    pub max_series: usize,
    /// Upper bounds of a histogram's ranges, by the name of the histogram; in place of those in the code.
    pub buckets: BTreeMap<String, Vec<f64>>,
}

impl Default for MetricsSettings {
    fn default() -> Self {
        Self { collect_frequency: Duration::from_secs(10), max_series: DEFAULT_MAX_SERIES, buckets: BTreeMap::new() }
    }
}
