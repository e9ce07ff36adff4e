//! One JSON object per record; for log stores.

use std::{fmt::Write, net::IpAddr};

use super::{
    escape::{self, Escaping},
    head, number,
};
use crate::logging::{
    field_name::{FieldName, is_taken},
    record::{Record, Said},
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
    match record.said {
        Said::Directly(line) => {
            buf.extend_from_slice(br#","message":""#);
            escape::quoted(buf, line.message);
            buf.push(b'"');
        }
        Said::Visited(fields) => fields.message(&mut |message| {
            buf.extend_from_slice(br#","message":"#);
            text(buf, &message);
        }),
    }
    buf.extend_from_slice(&record.origin.json);
    if let Some(unit) = record.unit {
        buf.extend_from_slice(br#","req_id":""#);
        // No character of it needs an escape.
        let (id, length) = unit.request_id().padded();
        head(buf, id, length);
        buf.extend_from_slice(br#"","trace_id":""#);
        buf.extend_from_slice(unit.trace().trace_id_text());
        buf.push(b'"');
        for (name, id) in unit.ids() {
            field(buf, name, &Value::Str(id));
        }
    }
    match record.said {
        Said::Directly(line) => {
            for (name, value) in line.fields {
                known_field(buf, name, value);
            }
        }
        Said::Visited(fields) => fields.each(&mut |name, value| field(buf, name, &value)),
    }
    if let Some((file, line)) = record.place {
        buf.extend_from_slice(br#","file":""#);
        escape::quoted(buf, file);
        buf.extend_from_slice(br#"","line":"#);
        number::unsigned(buf, line.into());
    }
    buf.push(b'}');
}

/// Appends `,"key":value`. What stands in canonical lines is written in place; the rest is a call away.
#[inline(always)]
fn known_field(buf: &mut Vec<u8>, name: &FieldName, value: &Value<'_>) {
    let (name, length) = name.json();
    match *value {
        Value::Str(text) => {
            // With the quote that stands behind the key.
            head(buf, name, length + 1);
            escape::quoted(buf, text);
            buf.push(b'"');
        }
        _ => {
            head(buf, name, length);
            match *value {
                Value::U64(number) => number::unsigned(buf, number),
                Value::Millis(span) => number::millis(buf, span),
                _ => self::value(buf, value),
            }
        }
    }
}

/// The same with a name of anybody's choice.
#[inline(never)]
fn field(buf: &mut Vec<u8>, name: &str, value: &Value<'_>) {
    buf.extend_from_slice(if is_taken(name) { b",\"field_" } else { b",\"" });
    escape::quoted(buf, name);
    buf.extend_from_slice(b"\":");
    self::value(buf, value);
}

/// Appends `,"key":value` for a key of every line.
pub(super) fn pair(buf: &mut Vec<u8>, name: &str, value: &Value<'_>) {
    buf.extend_from_slice(b",\"");
    escape::quoted(buf, name);
    buf.extend_from_slice(b"\":");
    self::value(buf, value);
}

#[inline]
fn value(buf: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::U64(number) => number::unsigned(buf, number),
        Value::Millis(span) => number::millis(buf, span),
        Value::I64(_) | Value::F64(_) | Value::Bool(_) => literal(buf, value),
        Value::Str(_) | Value::Ip(_) | Value::Display(_) | Value::Debug(_) => text(buf, value),
    }
}

/// A value as a JSON string.
#[inline]
fn text(buf: &mut Vec<u8>, value: &Value<'_>) {
    buf.push(b'"');
    match *value {
        Value::Str(text) => escape::quoted(buf, text),
        Value::Ip(IpAddr::V4(address)) => number::ipv4(buf, address),
        _ => formatted(buf, value),
    }
    buf.push(b'"');
}

#[inline(never)]
fn literal(buf: &mut Vec<u8>, value: &Value<'_>) {
    match *value {
        Value::I64(number) => number::signed(buf, number),
        Value::Bool(true) => buf.extend_from_slice(b"true"),
        Value::Bool(false) => buf.extend_from_slice(b"false"),
        Value::F64(number) if number.is_finite() => formatted(buf, value),
        _ => text(buf, value),
    }
}

#[inline(never)]
fn formatted(buf: &mut Vec<u8>, value: &Value<'_>) {
    let _ = write!(Escaping { buf, is_quoted: true }, "{value:?}");
}
