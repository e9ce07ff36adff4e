//! What one meter is called and how it counts; what `#[meter(…)]` says about a field.

use std::{borrow::Cow, time::Duration};

use super::{
    Metrics,
    meter::{histogram, quantity::Quantity, summary},
    name,
    registry::Registry,
    snapshot::Kind,
};
use crate::error::{Error, Result};

/// How a meter is made: its name and help, and what differs from the defaults.
///
/// ```
/// use chassis::metrics::{Histogram, MeterOptions, Metrics};
///
/// # fn main() -> chassis::Result<()> {
/// let metrics = Metrics::new("orders");
/// let options = MeterOptions::new("latency", "How long pricing takes.").unit("seconds").buckets([0.001, 0.01, 0.1]);
/// let latency: Histogram = metrics.meter(options)?; // orders_latency_seconds
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct MeterOptions {
    pub(super) name: Cow<'static, str>,
    pub(super) help: Cow<'static, str>,
    pub(super) has_no_prefix: bool,
    pub(super) unit: Option<Cow<'static, str>>,
    pub(super) buckets: Option<Vec<f64>>,
    pub(super) quantiles: Option<Vec<f64>>,
    pub(super) window: Option<Duration>,
    pub(super) max_series: Option<usize>,
}

impl MeterOptions {
    /// A meter that is exported as `<service>_<name>`, with one sentence about it.
    pub fn new(name: impl Into<Cow<'static, str>>, help: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), help: help.into(), ..Self::default() }
    }

    /// Leaves the service out of the name, for figures that mean the same in every service.
    #[must_use]
    pub fn without_prefix(mut self) -> Self {
        self.has_no_prefix = true;
        self
    }

    /// What is measured, as a base unit (`seconds`, `bytes`, `ratio`, …); it becomes the end of the name.
    #[must_use]
    pub fn unit(mut self, unit: impl Into<Cow<'static, str>>) -> Self {
        self.unit = Some(unit.into());
        self
    }

    /// Upper bounds of a histogram's ranges, ascending; a last one without bound is added.
    #[must_use]
    pub fn buckets(mut self, bounds: impl IntoIterator<Item: Quantity>) -> Self {
        self.buckets = Some(bounds.into_iter().map(Quantity::amount).collect());
        self
    }

    /// The quantiles of a summary, each between 0 and 1.
    #[must_use]
    pub fn quantiles(mut self, quantiles: impl IntoIterator<Item: Quantity>) -> Self {
        self.quantiles = Some(quantiles.into_iter().map(Quantity::amount).collect());
        self
    }

    /// How far back the quantiles of a summary look.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// How many series there may be before new ones are counted together as `other`.
    #[must_use]
    pub fn max_series(mut self, max_series: usize) -> Self {
        self.max_series = Some(max_series);
        self
    }

    /// The full name for this service, and the unit in it.
    pub(super) fn full_name(&self, service: &str, kind: Kind) -> Result<(String, Option<String>)> {
        let unit = self.unit.as_deref().map(name::base_unit).transpose()?;
        let service = if self.has_no_prefix { "" } else { service };
        Ok((name::full_name(service, &self.name, unit.as_deref(), kind), unit))
    }

    pub(super) fn has_default_shape(&self) -> bool {
        self.buckets.is_none() && self.quantiles.is_none() && self.window.is_none()
    }

    /// What shapes the values of a histogram or summary, or why it cannot.
    pub(super) fn shape(&self) -> Result<Shape> {
        Ok(Shape {
            buckets: match &self.buckets {
                Some(bounds) => checked_bounds(bounds)?,
                None => histogram::DEFAULT_BUCKETS.to_vec(),
            },
            quantiles: match &self.quantiles {
                Some(quantiles) => checked_quantiles(quantiles)?,
                None => summary::DEFAULT_QUANTILES.to_vec(),
            },
            window: self.window.unwrap_or(summary::DEFAULT_WINDOW),
        })
    }
}

/// What the values of a histogram or summary are sorted into.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Shape {
    pub(super) buckets: Vec<f64>,
    pub(super) quantiles: Vec<f64>,
    pub(super) window: Duration,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            buckets: histogram::DEFAULT_BUCKETS.to_vec(),
            quantiles: summary::DEFAULT_QUANTILES.to_vec(),
            window: summary::DEFAULT_WINDOW,
        }
    }
}

/// A type that a `#[meter]` field can have. Its default is a meter that nothing exports.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a meter",
    label = "this field is marked `#[meter]`",
    note = "meters are `Counter`, `Gauge`, `Histogram` and `Summary`"
)]
pub trait Meter: Default {
    /// The meter of this name: a new one, or the one that is there already.
    ///
    /// # Errors
    /// The name belongs to a meter of another type, unit or other labels; or the options make no sense.
    fn register(metrics: &Metrics, options: MeterOptions) -> Result<Self>;
}

/// The same before there is a [`Metrics`], for the framework's own meters.
pub(super) trait RegisterIn: Sized {
    fn register_in(registry: &Registry, options: MeterOptions) -> Result<Self>;
}

pub(super) fn checked_bounds(bounds: &[f64]) -> Result<Vec<f64>> {
    let bounds = match bounds.split_last() {
        Some((last, rest)) if *last == f64::INFINITY => rest,
        _ => bounds,
    };
    let ascends = bounds.windows(2).all(|pair| pair[0] < pair[1]);
    if bounds.is_empty() || !ascends || !bounds.iter().all(|bound| bound.is_finite()) {
        return Err(Error::msg(format!("buckets must be finite and ascend, found {bounds:?}")));
    }
    Ok(bounds.to_vec())
}

fn checked_quantiles(quantiles: &[f64]) -> Result<Vec<f64>> {
    if quantiles.iter().all(|quantile| (0.0..=1.0).contains(quantile)) {
        return Ok(quantiles.to_vec());
    }
    Err(Error::msg(format!("quantiles are between 0 and 1, found {quantiles:?}")))
}
