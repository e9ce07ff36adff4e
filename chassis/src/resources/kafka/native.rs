//! What the client's Rust half does not tell of a message: read from its C half.

#![allow(unsafe_code, reason = "this is the module that reads what librdkafka holds")]

use std::{
    ffi::{CStr, c_void},
    ptr, slice,
};

use bytes::Bytes;
use rdkafka::{
    bindings::{rd_kafka_header_get_all, rd_kafka_message_headers, rd_kafka_message_status, rd_kafka_msg_status_t},
    message::BorrowedMessage,
    types::RDKafkaRespErr,
};

use crate::messaging::Headers;

/// The headers of a message. `BorrowedMessage::headers` panics at a name that is not UTF-8, which any peer may send; here
/// such a name is given with `U+FFFD` in it.
pub(super) fn headers(message: &BorrowedMessage<'_>) -> Headers {
    let mut headers = Headers::new();
    let mut list = ptr::null_mut();
    // SAFETY: the message is alive for as long as it is borrowed; what is written to `list` belongs to it.
    let found = unsafe { rd_kafka_message_headers(message.ptr(), &raw mut list) };
    if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || list.is_null() {
        return headers;
    }
    for at in 0.. {
        let (mut name, mut value, mut length) = (ptr::null(), ptr::null::<c_void>(), 0);
        // SAFETY: `list` belongs to the borrowed message. The function checks `at`, and writes to the three places
        // only pointers into the list, which nobody changes.
        let found = unsafe { rd_kafka_header_get_all(list, at, &raw mut name, &raw mut value, &raw mut length) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || name.is_null() {
            break;
        }
        // SAFETY: librdkafka ends every name with a zero byte when it reads it from the wire.
        let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
        let value = match value.is_null() {
            true => Bytes::new(),
            // SAFETY: the value is that many bytes, copied here before the message goes.
            false => Bytes::copy_from_slice(unsafe { slice::from_raw_parts(value.cast::<u8>(), length) }),
        };
        headers.set(&name, value);
    }
    headers
}

/// Whether a message that was not delivered may have been stored all the same.
pub(super) fn may_be_stored(message: &BorrowedMessage<'_>) -> bool {
    // SAFETY: the message is alive for as long as it is borrowed, and the function only reads it.
    let status = unsafe { rd_kafka_message_status(message.ptr()) };
    status != rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED
}
