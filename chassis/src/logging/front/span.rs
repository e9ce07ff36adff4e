//! The fields of a span, kept for the lines said inside it.

use std::{error::Error, fmt};

use tracing_core::field::{Field, Visit};

use crate::logging::value::{Chain, OwnedValue, Value};

/// Fields by name; a span gets them when it begins, and may be told more later.
#[derive(Debug, Default)]
pub(super) struct SpanFields(Vec<(&'static str, OwnedValue)>);

impl SpanFields {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, Value<'_>)> {
        self.0.iter().map(|(name, value)| (*name, value.borrow()))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(kept, _)| *kept == name)
    }

    fn put(&mut self, field: &Field, value: OwnedValue) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, kept)) => *kept = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

impl Visit for SpanFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, OwnedValue::Text(value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, OwnedValue::U64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, OwnedValue::I64(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, OwnedValue::F64(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, OwnedValue::Bool(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.put(field, OwnedValue::Text(Chain(value).to_string().into()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, OwnedValue::Text(format!("{value:?}").into()));
    }
}
