//! Events and spans of the `tracing` crate.

use std::{error::Error, fmt};

use tracing_core::{
    Event, Interest, LevelFilter, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use super::span::SpanFields;
use crate::{
    logging::{
        gate,
        record::Fields,
        value::{Chain, Value},
    },
    scope::Scope,
    unit::Ids,
};

/// The layer of the process: asks whom an event is for, and gives it to the logs of that service.
pub(crate) struct TracingRouter;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TracingRouter {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        gate::interest(*metadata.level(), metadata.target())
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        Scope::with_current(|scope| scope.logs().is_enabled(*metadata.level(), metadata.target())).unwrap_or(false)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(gate::most())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        if attributes.metadata().fields().is_empty() {
            return;
        }
        if let Some(span) = cx.span(id) {
            let mut fields = SpanFields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<SpanFields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let metadata = event.metadata();
        let place = metadata.file().zip(metadata.line());
        let said = Said { event, innermost: cx.event_span(event) };
        Scope::with_current(|scope| {
            let logs = scope.logs();
            // The call site's memory speaks for all services; a level that changes meanwhile is honoured here.
            if logs.is_enabled(*metadata.level(), metadata.target()) {
                logs.write(*metadata.level(), metadata.target(), place, Ids::current().as_deref(), &said);
            }
        });
    }
}

/// An event and the span it was said in.
struct Said<'a, S: LookupSpan<'a>> {
    event: &'a Event<'a>,
    innermost: Option<SpanRef<'a, S>>,
}

impl<'a, S: LookupSpan<'a>> Fields for Said<'a, S> {
    fn message(&self, give: &mut dyn FnMut(Value<'_>)) {
        self.event.record(&mut Visitor { wants_message: true, give: &mut |_, value| give(value) });
    }

    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>)) {
        self.event.record(&mut Visitor { wants_message: false, give });
        let Some(innermost) = &self.innermost else { return };
        for (depth, span) in innermost.scope().enumerate() {
            let extensions = span.extensions();
            let fields = extensions.get::<SpanFields>();
            for (name, value) in fields.into_iter().flat_map(SpanFields::iter) {
                if !self.is_said_closer(name, innermost, depth) {
                    give(name, value);
                }
            }
        }
    }
}

impl<'a, S: LookupSpan<'a>> Said<'a, S> {
    /// Whether the event, or a span closer to it, has a field of that name: it hides the outer one.
    fn is_said_closer(&self, name: &str, innermost: &SpanRef<'a, S>, depth: usize) -> bool {
        let has = |span: SpanRef<'a, S>| span.extensions().get::<SpanFields>().is_some_and(|fields| fields.has(name));
        name == "message"
            || self.event.metadata().fields().field(name).is_some()
            || innermost.scope().take(depth).any(has)
    }
}

/// Walks the values of an event: the message alone, or all but the message.
struct Visitor<'a> {
    wants_message: bool,
    give: &'a mut dyn FnMut(&str, Value<'_>),
}

impl Visitor<'_> {
    fn visit(&mut self, field: &Field, value: Value<'_>) {
        if (field.name() == "message") == self.wants_message {
            (self.give)(field.name(), value);
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.visit(field, Value::Str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.visit(field, Value::U64(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.visit(field, Value::I64(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.visit(field, Value::F64(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.visit(field, Value::Bool(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.visit(field, Value::Display(&Chain(value)));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.visit(field, Value::Debug(value));
    }
}
