//! One log record, borrowed from whoever says it.

use tracing_core::Level;

use super::{
    field_name::{FieldName, Name},
    format::Format,
    timestamp::Timestamp,
    value::Value,
};
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
    /// Everything else.
    pub fields: &'a [(&'a FieldName, Value<'a>)],
}

/// What a format is given.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) time: Timestamp,
    pub(crate) level: Level,
    pub(crate) target: &'a str,
    /// File and line, where they are known and wanted.
    pub(crate) place: Option<(&'a str, u32)>,
    pub(crate) origin: &'a Origin,
    pub(crate) unit: Option<&'a Ids>,
    pub(crate) said: Said<'a>,
}

/// The message and the fields.
#[derive(Clone, Copy)]
pub(crate) enum Said<'a> {
    /// By our own code, whose names need no look: this is the way where nanoseconds count.
    Directly(&'a Line<'a>),
    /// Through a front end, or otherwise with names of anybody's choice.
    Visited(&'a dyn Fields),
}

impl Said<'_> {
    /// Gives the message, if there is one.
    pub(crate) fn message(&self, mut give: impl FnMut(Value<'_>)) {
        match self {
            Said::Directly(line) => give(Value::Str(line.message)),
            Said::Visited(fields) => fields.message(&mut give),
        }
    }

    /// Gives every field but the message, in the order they were written.
    pub(super) fn each(&self, mut give: impl FnMut(Name<'_>, Value<'_>)) {
        match self {
            Said::Directly(line) => {
                for (name, value) in line.fields {
                    give(Name::Known(name), *value);
                }
            }
            Said::Visited(fields) => fields.each(&mut |name, value| give(Name::Any(name), value)),
        }
    }
}

/// Which service of which deployment says it, as the formats write it.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(super) json: Box<[u8]>,
    pub(super) logfmt: Box<[u8]>,
}

impl Origin {
    /// Written once, so that a line copies it.
    pub(crate) fn new(service: &str, deploy_name: &str) -> Self {
        let fields = [("service_name", Value::Str(service)), ("deploy_name", Value::Str(deploy_name))];
        let [json, logfmt] = [Format::Json, Format::Logfmt].map(|format| format.fields(&fields));
        Self { json, logfmt }
    }
}

/// The message and the fields of a record, each walked as often as a format wants.
pub(crate) trait Fields {
    /// Gives the message, if there is one.
    fn message(&self, give: &mut dyn FnMut(Value<'_>));

    /// Gives every field but the message, in the order they were written.
    fn each(&self, give: &mut dyn FnMut(&str, Value<'_>));
}
