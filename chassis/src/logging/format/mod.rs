//! How a record becomes a line; pure, and without allocation once the buffer is large enough.
//!
//! Whatever a field holds, a record is one line: control characters, terminal escapes and the characters that turn
//! text around on a screen are written as escapes, in every format.

mod escape;
mod json;
mod logfmt;
mod number;
mod text;

use super::{record::Record, value::Value};

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text {
        /// Whether levels are coloured and names are dimmed.
        color: bool,
    },
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object.
    Json,
}

impl Format {
    /// Appends the record as one line, with its newline.
    pub(crate) fn write(self, buf: &mut Vec<u8>, record: &Record<'_>) {
        match self {
            Format::Text { color } => text::write(buf, record, color),
            Format::Logfmt => logfmt::write(buf, record),
            Format::Json => json::write(buf, record),
        }
        buf.push(b'\n');
    }

    /// Fields alone, as they stand in the middle of a line; their names are keys of every line.
    pub(crate) fn fields(self, fields: &[(&str, Value<'_>)]) -> Box<[u8]> {
        let mut buf = Vec::new();
        for (name, value) in fields {
            match self {
                Format::Json => json::pair(&mut buf, name, *value),
                Format::Logfmt | Format::Text { .. } => logfmt::pair(&mut buf, name, *value),
            }
        }
        buf.into()
    }
}

/// Whether every line has a key of that name already; a field of that name is written with `field_` in front.
pub(super) fn is_taken(name: &str) -> bool {
    match name.len() {
        4 => name == "time",
        5 => name == "level",
        6 => name == "target" || name == "req_id",
        7 => name == "message",
        8 => name == "trace_id",
        11 => name == "deploy_name",
        12 => name == "service_name",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
