//! One JSON object per record; for log stores.

use std::{fmt::Write, net::IpAddr};

use super::{
    escape::{self, Escaping},
    is_taken, number,
};
use crate::logging::{
    record::{Name, Record},
    value::Value,
};

/// Appends the record, without a newline.
pub(super) fn write(buf: &mut Vec<u8>, record: &Record<'_>) {
    buf.extend_from_slice(br#"{"time":""#);
    buf.extend_from_slice(record.time.as_bytes());
    buf.extend_from_slice(br#"","level":""#);
    buf.extend_from_slice(record.level.as_str().as_bytes());
    buf.extend_from_slice(br#"","target":""#);
    escape::quoted(buf, record.target);
    buf.push(b'"');
    record.said.message(|message| {
        buf.extend_from_slice(br#","message":"#);
        text(buf, message);
    });
    buf.extend_from_slice(&record.origin.json);
    if let Some(unit) = record.unit {
        buf.extend_from_slice(br#","req_id":""#);
        // No character of it needs an escape.
        buf.extend_from_slice(unit.request_id().as_bytes());
        buf.extend_from_slice(br#"","trace_id":""#);
        number::hex(buf, unit.trace().trace_id());
        buf.push(b'"');
        for (name, id) in unit.ids() {
            field(buf, Name::Any(name), Value::Str(id));
        }
    }
    record.said.each(|name, value| field(buf, name, value));
    if let Some((file, line)) = record.place {
        buf.extend_from_slice(br#","file":""#);
        escape::quoted(buf, file);
        buf.extend_from_slice(br#"","line":"#);
        number::unsigned(buf, line.into());
    }
    buf.push(b'}');
}

fn field(buf: &mut Vec<u8>, name: Name<'_>, value: Value<'_>) {
    buf.extend_from_slice(b",\"");
    match name {
        Name::Known(name) => buf.extend_from_slice(name.as_bytes()),
        Name::Any(name) => {
            if is_taken(name) {
                buf.extend_from_slice(b"field_");
            }
            escape::quoted(buf, name);
        }
    }
    buf.extend_from_slice(b"\":");
    self::value(buf, value);
}

/// Appends `,"key":value`.
pub(super) fn pair(buf: &mut Vec<u8>, name: &str, value: Value<'_>) {
    buf.extend_from_slice(b",\"");
    escape::quoted(buf, name);
    buf.extend_from_slice(b"\":");
    self::value(buf, value);
}

fn value(buf: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::U64(number) => number::unsigned(buf, number),
        Value::I64(number) => number::signed(buf, number),
        Value::Bool(true) => buf.extend_from_slice(b"true"),
        Value::Bool(false) => buf.extend_from_slice(b"false"),
        Value::Millis(span) => number::millis(buf, span),
        Value::F64(number) if number.is_finite() => {
            let _ = write!(Escaping { buf, is_quoted: true }, "{value:?}");
        }
        Value::F64(_) | Value::Str(_) | Value::Ip(_) | Value::Display(_) | Value::Debug(_) => text(buf, value),
    }
}

/// A value as a JSON string.
fn text(buf: &mut Vec<u8>, value: Value<'_>) {
    buf.push(b'"');
    match value {
        Value::Str(text) => escape::quoted(buf, text),
        Value::Ip(IpAddr::V4(address)) => number::ipv4(buf, address),
        other => {
            let _ = write!(Escaping { buf, is_quoted: true }, "{other:?}");
        }
    }
    buf.push(b'"');
}
