//! For people in front of a terminal: time, level, target and message in columns, then the fields as in logfmt.

use std::fmt::Write;

use tracing_core::Level;

use super::{
    escape::{self, Escaping},
    logfmt::{self, key},
};
use crate::logging::{field_name::Name, record::Record, value::Value};

const DIM: &[u8] = b"\x1b[2m";
const RESET: &[u8] = b"\x1b[0m";

/// Appends the record, without a newline.
pub(super) fn write(buf: &mut Vec<u8>, record: &Record<'_>, color: bool) {
    let mut paper = Paper { buf, color };
    paper.dimmed(|buf| buf.extend_from_slice(record.time.as_bytes()));
    paper.level(record.level);
    paper.dimmed(|buf| {
        escape::bare(buf, record.target);
        buf.push(b':');
    });
    record.said.message(|message| {
        paper.buf.push(b' ');
        match message {
            Value::Str(text) => escape::bare(paper.buf, text),
            other => {
                let _ = write!(Escaping { buf: paper.buf, is_quoted: false }, "{other:?}");
            }
        }
    });
    record.said.each(|name, value| paper.field(name, value));
    if let Some(unit) = record.unit {
        for (name, id) in unit.ids() {
            paper.field(Name::Any(name), Value::Str(id));
        }
        paper.pair(b" req_id=", Value::Str(unit.request_id().as_str()));
        paper.dimmed(|buf| buf.extend_from_slice(b" trace_id="));
        paper.buf.extend_from_slice(unit.trace().trace_id_text());
    }
    paper.dimmed(|buf| buf.extend_from_slice(&record.origin.logfmt));
    if let Some((file, line)) = record.place {
        paper.pair(b" file=", Value::Str(file));
        paper.pair(b" line=", Value::U64(line.into()));
    }
}

/// The buffer, and whether it is for a screen with colours.
struct Paper<'a> {
    buf: &'a mut Vec<u8>,
    color: bool,
}

impl Paper<'_> {
    fn level(&mut self, level: Level) {
        let (name, color): (&[u8], &[u8]) = match level {
            Level::ERROR => (b"ERROR", b"\x1b[31m"),
            Level::WARN => (b" WARN", b"\x1b[33m"),
            Level::INFO => (b" INFO", b"\x1b[32m"),
            Level::DEBUG => (b"DEBUG", b"\x1b[34m"),
            _ => (b"TRACE", b"\x1b[35m"),
        };
        self.buf.push(b' ');
        self.painted(color, |buf| buf.extend_from_slice(name));
        self.buf.push(b' ');
    }

    fn field(&mut self, name: Name<'_>, value: Value<'_>) {
        self.dimmed(|buf| key(buf, name));
        logfmt::value(self.buf, value);
    }

    /// A field that has its place in every line.
    fn pair(&mut self, key: &[u8], value: Value<'_>) {
        self.dimmed(|buf| buf.extend_from_slice(key));
        logfmt::value(self.buf, value);
    }

    fn dimmed(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.painted(DIM, write);
    }

    fn painted(&mut self, color: &[u8], write: impl FnOnce(&mut Vec<u8>)) {
        if self.color {
            self.buf.extend_from_slice(color);
        }
        write(self.buf);
        if self.color {
            self.buf.extend_from_slice(RESET);
        }
    }
}
