//! How a record becomes a line; pure, and without allocation once the buffer is large enough.
//!
//! Whatever a field holds, a record is one line: control characters, terminal escapes and the characters that turn
//! text around on a screen are written as escapes, in every format.

mod escape;
mod json;
mod logfmt;
mod number;
mod text;
mod time;

pub use self::time::timestamp;
use super::record::Record;

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
}

/// The name under which a field is written: its own, unless a key of every line would then stand there twice.
///
/// The second part goes in front of it.
fn key_of(name: &str) -> (&'static str, &str) {
    let is_taken = matches!(
        name,
        "time" | "level" | "target" | "message" | "service_name" | "deploy_name" | "req_id" | "trace_id"
    );
    (if is_taken { "field_" } else { "" }, name)
}

#[cfg(test)]
mod tests;
