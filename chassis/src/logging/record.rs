//! One log record, borrowed from whoever says it.

use std::time::SystemTime;

use tracing_core::Level;

use super::value::Value;
use crate::unit::Ids;

/// A line said directly, past the front ends: what the runtime and a resource use where nanoseconds count.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// How much it matters.
    pub level: Level,
    /// What the levels in the settings are told by, such as `chassis::request`.
    pub target: &'a str,
    /// What happened.
    pub message: &'a str,
    /// The unit of work it belongs to.
    pub unit: Option<&'a Ids>,
    /// Everything else; the names are as in the settings of a log store: short, lower case, stable.
    pub fields: &'a [(&'static str, Value<'a>)],
}

/// What a format is given.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) time: SystemTime,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    /// File and line, where they are known and wanted.
    pub(crate) place: Option<(&'a str, u32)>,
    pub(crate) origin: &'a Origin,
    pub(crate) unit: Option<&'a Ids>,
    pub(crate) fields: &'a dyn Fields,
}

/// Which service of which deployment says it.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) service: Box<str>,
    pub(crate) deploy_name: Box<str>,
}

/// The message and the fields of a record, each walked as often as a format wants.
pub(crate) trait Fields {
    /// Gives the message, if there is one.
    fn message(&self, give: &mut dyn FnMut(Value<'_>));

    /// Gives every field but the message, in the order they were written.
    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>));
}

impl Fields for Line<'_> {
    fn message(&self, give: &mut dyn FnMut(Value<'_>)) {
        give(Value::Str(self.message));
    }

    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>)) {
        for (name, value) in self.fields {
            give(name, *value);
        }
    }
}
