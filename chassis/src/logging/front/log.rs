//! Records of the `log` crate.

use log::{Metadata, Record};
use tracing_core::Level;

use crate::{
    logging::{record::Fields, value::Value},
    scope::Scope,
    unit::Ids,
};

/// The logger of the process.
pub(crate) struct LogRouter;

impl log::Log for LogRouter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = level(metadata.level());
        Scope::with_current(|scope| scope.logs().is_enabled(level, metadata.target())).unwrap_or(false)
    }

    fn log(&self, record: &Record<'_>) {
        let level = level(record.level());
        Scope::with_current(|scope| {
            let logs = scope.logs();
            if logs.is_enabled(level, record.target()) {
                let place = record.file().zip(record.line());
                logs.write(level, record.target(), place, Ids::current().as_deref(), &Said(record));
            }
        });
    }

    fn flush(&self) {}
}

/// A record is a message and nothing else.
struct Said<'a>(&'a Record<'a>);

impl Fields for Said<'_> {
    fn message(&self, give: &mut dyn FnMut(Value<'_>)) {
        give(Value::Display(self.0.args()));
    }

    fn each(&self, _: &mut dyn FnMut(&str, Value<'_>)) {}
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARN,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}
