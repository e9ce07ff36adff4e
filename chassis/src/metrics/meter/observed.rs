//! A number that somebody else keeps, asked for when it is exported.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::time::Instant;

use super::super::{
    series::{AnyFamily, Description},
    snapshot::{Kind, MeterSnapshot, SeriesSnapshot, Value},
};

/// Where the number is.
pub(crate) type Read = Arc<dyn Fn() -> f64 + Send + Sync>;

/// A counter or gauge without labels whose number is kept elsewhere.
pub(crate) struct Observed {
    description: Description,
    kind: Kind,
    read: Mutex<Read>,
}

impl Observed {
    pub(crate) fn new(description: Description, kind: Kind) -> Self {
        Self { description, kind, read: Mutex::new(Arc::new(|| 0.0)) }
    }

    /// Asks there from now on; a restarted resource has new numbers.
    pub(crate) fn read_from(&self, read: Read) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = read;
    }
}

impl AnyFamily for Observed {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn description(&self) -> &Description {
        &self.description
    }

    fn snapshot(&self, _now: Instant) -> MeterSnapshot {
        // Outside of the lock: it is a stranger's code.
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let number = read();
        let value = if self.kind == Kind::Counter { Value::Counter(number) } else { Value::Gauge(number) };
        MeterSnapshot {
            name: self.description.name.clone(),
            help: self.description.help.clone(),
            unit: self.description.unit.clone(),
            kind: self.kind,
            series: vec![SeriesSnapshot { labels: Arc::new([]), value }],
        }
    }

    fn upkeep(&self, _now: Instant) {}

    fn set_max_series(&self, _max_series: usize) {}

    fn overflowed(&self) -> u64 {
        0
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
