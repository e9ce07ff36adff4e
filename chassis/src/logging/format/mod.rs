//! How a record becomes a line; pure, and without allocation once the buffer is large enough.
//!
//! Whatever a field holds, a record is one line: control characters, terminal escapes and the characters that turn
//! text around on a screen are written as escapes, in every format.

mod escape;
mod json;
mod logfmt;
pub(super) mod number;
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
                Format::Json => json::pair(&mut buf, name, value),
                Format::Logfmt | Format::Text { .. } => logfmt::pair(&mut buf, name, *value),
            }
        }
        buf.into()
    }
}

/// Appends the first bytes of a block.
///
/// A copy of a fixed size is a few instructions; one of any size is a call.
#[inline]
fn head<const N: usize>(buf: &mut Vec<u8>, block: &[u8; N], length: usize) {
    let end = buf.len() + length;
    buf.extend_from_slice(block);
    buf.truncate(end);
}

#[cfg(test)]
mod tests;
