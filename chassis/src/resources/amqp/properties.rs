//! Messages as AMQP has them: headers in a table, the rest in properties.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use lapin::{
    BasicProperties,
    message::Delivery,
    types::{AMQPValue, ByteArray, FieldTable, LongString, ShortString},
};

use super::names::short;
use crate::{
    Result,
    messaging::{Incoming, Outgoing, known},
};

/// Where the key of a message is: AMQP has no place for it.
const KEY: &str = "x-key";
/// What the broker notes of a message that has rested.
const DEATH: &str = "x-death";

/// The properties of a message that is kept in memory, or on disk.
///
/// # Errors
/// A name or a content type that is too long.
pub(super) fn outgoing(message: &Outgoing, is_kept: bool) -> Result<BasicProperties> {
    let mut table = FieldTable::default();
    for (name, value) in message.headers.iter() {
        table.insert(short(name.to_owned())?, field(value));
    }
    if let Some(key) = &message.key {
        table.insert(KEY.into(), field(key));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut properties =
        BasicProperties::default().with_delivery_mode(if is_kept { 2 } else { 1 }).with_timestamp(now.as_secs());
    if !table.inner().is_empty() {
        properties = properties.with_headers(table);
    }
    if !message.content_type.is_empty() {
        properties = properties.with_content_type(short(message.content_type.clone().into_owned())?);
    }
    Ok(properties)
}

/// A message as it came.
pub(super) fn incoming(delivery: &mut Delivery) -> Arc<Incoming> {
    let properties = &delivery.properties;
    let mut message = Incoming::new(std::mem::take(&mut delivery.data));
    let content_type = properties.content_type().as_ref().map(ShortString::as_str);
    message.content_type = content_type.filter(|said| !said.is_empty()).map(|said| said.to_owned().into());
    message.is_redelivered = delivery.redelivered;
    message.sent_at = properties.timestamp().and_then(|time| UNIX_EPOCH.checked_add(Duration::from_secs(time)));
    for (name, value) in properties.headers().iter().flat_map(|table| table.inner()) {
        let Some(value) = text(value) else { continue };
        match name.as_str() {
            KEY => message.key = Some(value),
            known::ATTEMPT => message.attempt = number(&value).unwrap_or(1),
            name => message.headers.set(name, value),
        }
    }
    Arc::new(message)
}

/// The properties of the same message for its next attempt.
pub(super) fn again(properties: &BasicProperties, attempt: u32) -> BasicProperties {
    let headers = properties.headers().clone().unwrap_or_default();
    let kept = headers.inner().iter().filter(|(name, _)| ![DEATH, known::ATTEMPT].contains(&name.as_str()));
    let mut table = FieldTable::from(
        kept.map(|(name, value)| (name.clone(), value.clone())).collect::<std::collections::BTreeMap<_, _>>(),
    );
    table.insert(known::ATTEMPT.into(), AMQPValue::LongString(attempt.to_string().into()));
    // How long it is wanted is in its deadline; it must not be gone while it rests.
    let mut again = BasicProperties::default().with_headers(table).with_delivery_mode(2);
    if let Some(content_type) = properties.content_type() {
        again = again.with_content_type(content_type.clone());
    }
    if let Some(timestamp) = properties.timestamp() {
        again = again.with_timestamp(*timestamp);
    }
    if let Some(correlation) = properties.correlation_id() {
        again = again.with_correlation_id(correlation.clone());
    }
    if let Some(reply_to) = properties.reply_to() {
        again = again.with_reply_to(reply_to.clone());
    }
    again
}

/// A value: text where it is text, which every client understands.
fn field(value: &Bytes) -> AMQPValue {
    match str::from_utf8(value) {
        Ok(_) => AMQPValue::LongString(LongString::from(value.to_vec())),
        Err(_) => AMQPValue::ByteArray(ByteArray::from(value.to_vec())),
    }
}

/// A value as bytes; numbers and the like as text. Tables and arrays are for brokers, not for services.
fn text(value: &AMQPValue) -> Option<Bytes> {
    Some(match value {
        AMQPValue::LongString(text) => Bytes::copy_from_slice(text.as_bytes()),
        AMQPValue::ByteArray(bytes) => Bytes::copy_from_slice(bytes.as_slice()),
        AMQPValue::ShortString(text) => text.as_str().to_owned().into(),
        AMQPValue::Boolean(value) => value.to_string().into(),
        AMQPValue::ShortShortInt(value) => value.to_string().into(),
        AMQPValue::ShortShortUInt(value) => value.to_string().into(),
        AMQPValue::ShortInt(value) => value.to_string().into(),
        AMQPValue::ShortUInt(value) => value.to_string().into(),
        AMQPValue::LongInt(value) => value.to_string().into(),
        AMQPValue::LongUInt(value) => value.to_string().into(),
        AMQPValue::LongLongInt(value) => value.to_string().into(),
        AMQPValue::Float(value) => value.to_string().into(),
        AMQPValue::Double(value) => value.to_string().into(),
        AMQPValue::Timestamp(value) => value.to_string().into(),
        AMQPValue::Void => Bytes::new(),
        AMQPValue::DecimalValue(_) | AMQPValue::FieldArray(_) | AMQPValue::FieldTable(_) => return None,
    })
}

fn number(value: &[u8]) -> Option<u32> {
    str::from_utf8(value).ok()?.trim().parse().ok().filter(|attempt| *attempt > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn delivered(properties: BasicProperties) -> Delivery {
        let mut delivery = Delivery::mock(1, "".into(), "q".into(), false, b"body".to_vec());
        delivery.properties = properties;
        delivery
    }

    #[test]
    fn what_is_sent_arrives() {
        let mut sent = Outgoing::new("body", "application/json");
        sent.headers.set("colour", "grün");
        sent.headers.set("raw", Bytes::from_static(b"\xff\x00"));
        sent.key = Some(Bytes::from_static(b"k"));
        let came = incoming(&mut delivered(outgoing(&sent, true).unwrap()));
        assert_eq!((&*came.body, came.content_type.as_deref()), (&b"body"[..], Some("application/json")));
        assert_eq!(came.headers.get("colour"), Some("grün"));
        assert_eq!(came.headers.bytes("raw").map(|raw| &**raw), Some(&b"\xff\x00"[..]));
        assert_eq!((came.key.as_deref(), came.attempt), (Some(&b"k"[..]), 1));
        assert!(came.sent_at.is_some());
    }

    #[test]
    fn numbers_of_others_are_text_and_their_tables_are_left_out() {
        let mut table = FieldTable::default();
        table.insert("n".into(), AMQPValue::LongInt(-7));
        table.insert("b".into(), AMQPValue::Boolean(true));
        table.insert(DEATH.into(), AMQPValue::FieldTable(FieldTable::default()));
        let came = incoming(&mut delivered(BasicProperties::default().with_headers(table)));
        assert_eq!((came.headers.get("n"), came.headers.get("b")), (Some("-7"), Some("true")));
        assert_eq!(came.headers.len(), 2);
    }

    #[test]
    fn the_next_attempt_is_the_same_message_with_its_number() {
        let mut sent = Outgoing::new("body", "text/x");
        sent.headers.set("colour", "red");
        let first = outgoing(&sent, false).unwrap().with_reply_to("r".into()).with_expiration("5".into());
        let second = again(&again(&first, 2), 3);
        assert_eq!((second.reply_to().as_ref().unwrap().as_str(), second.expiration()), ("r", &None));
        let came = incoming(&mut delivered(second));
        assert_eq!((came.attempt, came.headers.get("colour"), came.headers.len()), (3, Some("red"), 1));
    }
}
