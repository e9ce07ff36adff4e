//! What all meters of a service say at one moment; what reporters write and tests read.

use std::sync::Arc;

/// The types of meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Goes up only.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts values by fixed ranges.
    Histogram,
    /// Quantiles of the last minutes.
    Summary,
}

impl Kind {
    /// The word for it, as exporters write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        }
    }
}

/// The names and values that tell a series apart.
pub type LabelPairs = Arc<[(String, String)]>;

/// All meters of a service, ordered by name.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// One per meter.
    pub meters: Vec<MeterSnapshot>,
}

/// One meter with all its series.
#[derive(Debug, Clone)]
pub struct MeterSnapshot {
    /// The full name, without the `_total` of a counter.
    pub name: Arc<str>,
    /// One sentence about it.
    pub help: Arc<str>,
    /// What it is measured in, when that is part of the name.
    pub unit: Option<Arc<str>>,
    /// Its type.
    pub kind: Kind,
    /// One per set of label values.
    pub series: Vec<SeriesSnapshot>,
}

/// The value for one set of labels.
#[derive(Debug, Clone)]
pub struct SeriesSnapshot {
    /// What tells it from the other series of the meter.
    pub labels: LabelPairs,
    /// What it says.
    pub value: Value,
}

/// What a series says.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// How much it has gone up since the start.
    Counter(f64),
    /// How much it is now.
    Gauge(f64),
    /// How many values were at most as large as each bound.
    Histogram {
        /// Upper bound and cumulative count; the last bound is infinite.
        buckets: Vec<(f64, u64)>,
        /// The sum of all values.
        sum: f64,
    },
    /// Quantiles of the window; sum and count since the start.
    Summary {
        /// Quantile (0 to 1) and value; not a number when the window is empty.
        quantiles: Vec<(f64, f64)>,
        /// The sum of all values.
        sum: f64,
        /// How many values there were.
        count: u64,
    },
}

/// One number with its name and labels, the form in which every exporter sends it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// What follows the name of the meter: nothing, `_total`, `_bucket`, `_sum`, `_count`.
    pub suffix: &'static str,
    /// The labels of the series.
    pub labels: &'a LabelPairs,
    /// `le` with its bound, or `quantile` with its rank.
    pub extra: Option<(&'static str, f64)>,
    /// The number.
    pub value: f64,
}

impl SeriesSnapshot {
    /// Calls `each` with every number of the series.
    #[expect(clippy::cast_precision_loss, reason = "exporters send doubles")]
    pub fn samples<'a>(&'a self, mut each: impl FnMut(Sample<'a>)) {
        let labels = &self.labels;
        let mut give = |suffix, extra, value| each(Sample { suffix, labels, extra, value });
        match &self.value {
            Value::Counter(value) => give("_total", None, *value),
            Value::Gauge(value) => give("", None, *value),
            Value::Histogram { buckets, sum } => {
                for (bound, count) in buckets {
                    give("_bucket", Some(("le", *bound)), *count as f64);
                }
                give("_sum", None, *sum);
                give("_count", None, buckets.last().map_or(0.0, |(_, count)| *count as f64));
            }
            Value::Summary { quantiles, sum, count } => {
                for (quantile, value) in quantiles {
                    give("", Some(("quantile", *quantile)), *value);
                }
                give("_sum", None, *sum);
                give("_count", None, *count as f64);
            }
        }
    }
}

impl Snapshot {
    /// The number called `name` (as exported, or without `_total`) with exactly these labels, in any order.
    pub fn get(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut found = None;
        for meter in &self.meters {
            let Some(rest) = name.strip_prefix(&*meter.name) else { continue };
            for series in &meter.series {
                series.samples(|sample| {
                    let named = rest == sample.suffix || rest.is_empty() && sample.suffix == "_total";
                    if named && sample.has(labels) {
                        found = Some(sample.value);
                    }
                });
            }
        }
        found
    }
}

impl Sample<'_> {
    fn has(&self, labels: &[(&str, &str)]) -> bool {
        let own = self.labels.len() + usize::from(self.extra.is_some());
        own == labels.len()
            && labels.iter().all(|(name, value)| match self.extra {
                Some((extra, number)) if extra == *name => value.trim_start_matches('+').parse() == Ok(number),
                _ => self.labels.iter().any(|(own, text)| own == name && text == value),
            })
    }
}
