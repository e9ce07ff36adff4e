//! Logs of a service: levels, formats, sinks.
//!
//! Code of the service and of libraries logs through `tracing` or `log`; both arrive here, are routed to the service at
//! work, and become lines that carry the service, its deployment and the unit of work. What happens often, such as the
//! canonical line of a request, is said past the front ends as a [`Line`].

mod field_name;
mod format;
mod front;
mod gate;
mod levels;
mod logs;
mod record;
mod settings;
mod sink;
mod timestamp;
mod value;

pub use self::{
    field_name::FieldName,
    levels::{LogLevel, ROOT, UnknownLevel},
    logs::Logs,
    record::Line,
    settings::{LogFormat, LoggingSettings, Profile},
    timestamp::timestamp,
    value::{OwnedValue, Value},
};
pub(crate) use self::{
    front::{LogRouter, TracingRouter},
    gate::rebuild,
    record::Fields,
};
