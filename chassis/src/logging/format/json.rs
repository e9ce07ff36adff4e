//! One JSON object per record; for log stores.

use std::fmt::Write;

use super::{
    escape::{self, Escaping},
    key_of, number, time,
};
use crate::logging::{record::Record, value::Value};

/// Appends the record, without a newline.
pub(super) fn write(buf: &mut Vec<u8>, record: &Record<'_>) {
    buf.extend_from_slice(br#"{"time":""#);
    time::write(buf, record.time);
    buf.extend_from_slice(br#"","level":""#);
    buf.extend_from_slice(record.level.as_str().as_bytes());
    buf.extend_from_slice(br#"","target":""#);
    escape::quoted(buf, record.target);
    buf.push(b'"');
    record.fields.message(&mut |message| {
        buf.extend_from_slice(br#","message":"#);
        text(buf, message);
    });
    buf.extend_from_slice(br#","service_name":""#);
    escape::quoted(buf, &record.origin.service);
    buf.extend_from_slice(br#"","deploy_name":""#);
    escape::quoted(buf, &record.origin.deploy_name);
    buf.push(b'"');
    if let Some(unit) = record.unit {
        buf.extend_from_slice(br#","req_id":""#);
        escape::quoted(buf, unit.request_id().as_str());
        buf.extend_from_slice(br#"","trace_id":""#);
        number::hex(buf, unit.trace().trace_id());
        buf.push(b'"');
        for (name, id) in unit.ids() {
            key(buf, name);
            text(buf, Value::Str(id));
        }
    }
    record.fields.each(&mut |name, field| {
        key(buf, name);
        value(buf, field);
    });
    if let Some((file, line)) = record.place {
        buf.extend_from_slice(br#","file":""#);
        escape::quoted(buf, file);
        buf.extend_from_slice(br#"","line":"#);
        number::unsigned(buf, line.into());
    }
    buf.push(b'}');
}

fn key(buf: &mut Vec<u8>, name: &str) {
    let (prefix, name) = key_of(name);
    buf.extend_from_slice(b",\"");
    buf.extend_from_slice(prefix.as_bytes());
    escape::quoted(buf, name);
    buf.extend_from_slice(b"\":");
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
        Value::F64(_) | Value::Str(_) | Value::Display(_) | Value::Debug(_) => text(buf, value),
    }
}

/// A value as a JSON string.
fn text(buf: &mut Vec<u8>, value: Value<'_>) {
    buf.push(b'"');
    match value {
        Value::Str(text) => escape::quoted(buf, text),
        other => {
            let _ = write!(Escaping { buf, is_quoted: true }, "{other:?}");
        }
    }
    buf.push(b'"');
}
