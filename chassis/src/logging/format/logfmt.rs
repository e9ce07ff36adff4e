//! `key=value` pairs with the keys of the JSON format; quoted only where needed, as JSON strings.

use std::{fmt::Write, net::IpAddr};

use super::{
    escape::{self, Escaping},
    head, number,
};
use crate::logging::{
    field_name::{Name, is_taken},
    record::Record,
    value::Value,
};

/// Appends the record, without a newline.
pub(super) fn write(buf: &mut Vec<u8>, record: &Record<'_>) {
    buf.extend_from_slice(b"time=\"");
    buf.extend_from_slice(record.time.as_bytes());
    buf.extend_from_slice(b"\" level=");
    buf.extend_from_slice(record.level.as_str().as_bytes());
    pair(buf, "target", Value::Str(record.target));
    record.said.message(|message| pair(buf, "message", message));
    buf.extend_from_slice(&record.origin.logfmt);
    if let Some(unit) = record.unit {
        pair(buf, "req_id", Value::Str(unit.request_id().as_str()));
        buf.extend_from_slice(b" trace_id=");
        buf.extend_from_slice(unit.trace().trace_id_text());
        for (name, id) in unit.ids() {
            field(buf, Name::Any(name), Value::Str(id));
        }
    }
    record.said.each(|name, value| field(buf, name, value));
    if let Some((file, line)) = record.place {
        pair(buf, "file", Value::Str(file));
        pair(buf, "line", Value::U64(line.into()));
    }
}

/// Appends ` key=value`.
fn field(buf: &mut Vec<u8>, name: Name<'_>, field: Value<'_>) {
    key(buf, name);
    value(buf, field);
}

/// Appends ` key=value` for a key of every line.
pub(super) fn pair(buf: &mut Vec<u8>, name: &str, field: Value<'_>) {
    buf.push(b' ');
    buf.extend_from_slice(name.as_bytes());
    buf.push(b'=');
    value(buf, field);
}

/// Appends ` key=`. A key has no quotes: what cannot stand in it becomes `_`.
pub(super) fn key(buf: &mut Vec<u8>, name: Name<'_>) {
    let name = match name {
        Name::Known(name) => {
            let (name, length) = name.logfmt();
            return head(buf, name, length);
        }
        Name::Any("") => "_",
        Name::Any(name) => name,
    };
    buf.extend_from_slice(if is_taken(name) { b" field_" } else { b" " });
    let start = buf.len();
    buf.extend_from_slice(name.as_bytes());
    for byte in &mut buf[start..] {
        if !is_bare(*byte) {
            *byte = b'_';
        }
    }
    buf.push(b'=');
}

pub(super) fn value(buf: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::U64(number) => number::unsigned(buf, number),
        Value::I64(number) => number::signed(buf, number),
        Value::Bool(true) => buf.extend_from_slice(b"true"),
        Value::Bool(false) => buf.extend_from_slice(b"false"),
        Value::Millis(span) => number::millis(buf, span),
        Value::Str(text) if !text.is_empty() && text.bytes().all(is_bare) => buf.extend_from_slice(text.as_bytes()),
        Value::Str(text) => {
            buf.push(b'"');
            escape::quoted(buf, text);
            buf.push(b'"');
        }
        Value::Ip(IpAddr::V4(address)) => number::ipv4(buf, address),
        Value::F64(_) | Value::Ip(_) | Value::Display(_) | Value::Debug(_) => formatted(buf, value),
    }
}

/// Whether quotes are needed is known only after the value has been written: they are taken away again if not.
fn formatted(buf: &mut Vec<u8>, value: Value<'_>) {
    let start = buf.len();
    buf.push(b'"');
    let _ = write!(Escaping { buf, is_quoted: true }, "{value:?}");
    let text = &buf[start + 1..];
    if !text.is_empty() && text.iter().copied().all(is_bare) {
        buf.remove(start);
    } else {
        buf.push(b'"');
    }
}

/// What needs no quotes anywhere logfmt is read.
fn is_bare(byte: u8) -> bool {
    const BARE: [bool; 256] = {
        let mut bare = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            let letter = byte as u8;
            bare[byte] =
                letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'.' | b'_' | b'/' | b'@' | b'^' | b'+');
            byte += 1;
        }
        bare
    };
    BARE[usize::from(byte)]
}
