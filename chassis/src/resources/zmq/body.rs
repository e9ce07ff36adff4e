//! What stands in a frame: arguments or what is returned, and the workflow id.

use bytes::{BufMut, Bytes};

use super::{pack, workflow::WorkflowId};

/// A frame, taken apart; each part but the topic as the MessagePack that came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Body<'a> {
    pub(super) topic: Option<&'a [u8]>,
    pub(super) args: Option<&'a [u8]>,
    pub(super) return_args: Option<&'a [u8]>,
    pub(super) error: Option<&'a [u8]>,
    pub(super) workflow_id: Option<&'a [u8]>,
}

impl<'a> Body<'a> {
    /// Takes a frame apart. Keys may stand in any order, and others beside them are passed over.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(frame: &'a [u8]) -> Result<Self, &'static str> {
        let mut body = Self::default();
        let mut at = 0;
        if let Some((topic, end)) = pack::text(frame) {
            body.topic = Some(topic.as_bytes());
            at = end;
        }
        let (entries, head) = pack::map(&frame[at..]).ok_or("it is no map in MessagePack")?;
        at += head;
        for _ in 0..entries {
            let text = pack::text_bytes(&frame[at..]);
            let cut_off = "it is cut off, or no MessagePack";
            at += text.map_or_else(|| pack::length(&frame[at..]), |(_, end)| Some(end)).ok_or(cut_off)?;
            let length = pack::length(&frame[at..]).ok_or(cut_off)?;
            let value = &frame[at..at + length];
            at += length;
            let place = match text {
                Some((b"args", _)) => &mut body.args,
                Some((b"return_args", _)) => &mut body.return_args,
                Some((b"error", _)) => &mut body.error,
                Some((b"workflow_id", _)) => &mut body.workflow_id,
                _ => continue,
            };
            *place = Some(value);
        }
        if at == frame.len() { Ok(body) } else { Err("there is something behind it") }
    }
}

/// A request, a publication or a push: `{"args": …, "workflow_id": …}`, behind its topic if it has one.
pub(super) fn call<'a>(topic: Option<&'a str>, args: &'a [u8], workflow_id: &'a WorkflowId) -> Frame<'a> {
    Frame { topic, head: ARGS, value: args, workflow_id }
}

/// A reply: `{"return_args": …, "workflow_id": …}`.
pub(super) fn reply<'a>(return_args: &'a [u8], workflow_id: &'a WorkflowId) -> Frame<'a> {
    Frame { topic: None, head: RETURN_ARGS, value: return_args, workflow_id }
}

/// A reply that tells of a failure: `{"error": {"cause": …, "message": …}, "workflow_id": …}`. A requester of the Python
/// package fails by it at once, instead of waiting for ever.
pub(super) fn error_reply<'a>(error: &'a [u8], workflow_id: &'a WorkflowId) -> Frame<'a> {
    Frame { topic: None, head: ERROR, value: error, workflow_id }
}

/// What an error reply says.
pub(super) fn error(cause: &str, message: &str) -> Vec<u8> {
    let mut error = vec![0x82];
    for text in ["cause", cause, "message", message] {
        pack::write_text(&mut error, text);
    }
    error
}

/// Cause and message of an error reply; that of another kind is shown as far as it is text.
pub(super) fn error_text(error: &[u8]) -> (String, String) {
    let (mut cause, mut message) = (None, pack::text(error).map(|(text, _)| text.to_owned()));
    if let Some((entries, mut at)) = pack::map(error) {
        for _ in 0..entries {
            let Some((key, key_end)) = error.get(at..).and_then(pack::text) else { break };
            let Some(value) = error.get(at + key_end..) else { break };
            let text = pack::text(value).map(|(text, _)| text.to_owned());
            match key {
                "cause" => cause = text,
                "message" => message = text,
                _ => {}
            }
            let Some(length) = pack::length(value) else { break };
            at += key_end + length;
        }
    }
    let known = |text: Option<String>, otherwise: &str| text.unwrap_or_else(|| otherwise.to_owned());
    (known(cause, "crashed"), known(message, "an error of a kind that is not known here"))
}

/// A frame that is going to be written.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    topic: Option<&'a str>,
    /// What is in front of the value.
    head: &'static [u8],
    value: &'a [u8],
    workflow_id: &'a WorkflowId,
}

/// A map of two entries, up to the value of the first one.
const ARGS: &[u8] = b"\x82\xa4args";
const RETURN_ARGS: &[u8] = b"\x82\xabreturn_args";
const ERROR: &[u8] = b"\x82\xa5error";
/// The key of the second one.
const WORKFLOW_ID: &[u8] = b"\xabworkflow_id";

impl Frame<'_> {
    /// How long it is.
    pub(super) fn length(&self) -> usize {
        let topic = self.topic.map_or(0, pack::written_length);
        topic + self.head.len() + self.value.len() + WORKFLOW_ID.len() + self.workflow_id.length()
    }

    /// Writes it.
    pub(super) fn write(&self, out: &mut impl BufMut) {
        if let Some(topic) = self.topic {
            pack::write_text(out, topic);
        }
        out.put_slice(self.head);
        out.put_slice(self.value);
        out.put_slice(WORKFLOW_ID);
        self.workflow_id.write(out);
    }

    /// As it is written.
    pub(super) fn bytes(&self) -> Bytes {
        // What is exactly as long as it is needs no second piece of memory beside it.
        let mut bytes = Vec::with_capacity(self.length());
        self.write(&mut bytes);
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use proptest::prelude::*;
    use serde::{Deserialize, Serialize};

    use super::{
        super::{Decimal, Set},
        *,
    };

    /// What `service-framework` 0.0.20 was seen to send.
    const REQUEST: &str = "82a46172677384a5707269636582ab5f5f646563696d616c5f5fc3a661735f737472a4322e3235a371747904a47461677382a75f5f7365745f5fc3a576616c756591a17aa278739109ab776f726b666c6f775f6964a477662d31";
    const REPLY: &str = "82ab72657475726e5f6172677383a5746f74616c82ab5f5f646563696d616c5f5fc3a661735f737472a4392e3030a47461677382a75f5f7365745f5fc3a576616c756591a17aa278739109ab776f726b666c6f775f6964a477662d31";

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Quote {
        price: Decimal,
        qty: u32,
        tags: Set<String>,
        xs: Vec<u32>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Total {
        total: Decimal,
        tags: Set<String>,
        xs: Vec<u32>,
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Bytes {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_request_is_byte_for_byte_that_of_the_python_package() {
        let quote = Quote { price: decimal("2.25"), qty: 4, tags: Set(vec!["z".to_owned()]), xs: vec![9] };
        let args = rmp_serde::to_vec_named(&quote).unwrap();
        let workflow_id = WorkflowId::of_text("wf-1");
        let frame = call(None, &args, &workflow_id);
        assert_eq!((hex(&frame.bytes()), frame.length()), (REQUEST.to_owned(), REQUEST.len() / 2));
        let frame = unhex(REQUEST);
        let body = Body::parse(&frame).unwrap();
        assert_eq!(rmp_serde::from_slice::<Quote>(body.args.unwrap()).unwrap(), quote);
        assert_eq!(body.workflow_id, Some(&b"\xa4wf-1"[..]));
    }

    #[test]
    fn a_reply_is_byte_for_byte_that_of_the_python_package() {
        let total = Total { total: decimal("9.00"), tags: Set(vec!["z".to_owned()]), xs: vec![9] };
        let (total_args, workflow_id) = (rmp_serde::to_vec_named(&total).unwrap(), WorkflowId::of_text("wf-1"));
        let frame = reply(&total_args, &workflow_id);
        assert_eq!(hex(&frame.bytes()), REPLY);
        let frame = unhex(REPLY);
        let body = Body::parse(&frame).unwrap();
        assert_eq!(rmp_serde::from_slice::<Total>(body.return_args.unwrap()).unwrap(), total);
    }

    #[test]
    fn a_topic_stands_in_front_of_the_body() {
        let frame = call(Some("eu"), &[0x80], &WorkflowId::nil()).bytes();
        assert_eq!(&frame[..3], b"\xa2eu");
        let body = Body::parse(&frame).unwrap();
        assert_eq!((body.topic, body.args), (Some(&b"eu"[..]), Some(&[0x80_u8][..])));
    }

    #[test]
    fn keys_stand_in_any_order_and_among_others() {
        let frame = rmp_serde::to_vec_named(&serde_json::json!({ "workflow_id": "w", "more": [1, 2], "args": {} }));
        let frame = frame.unwrap();
        let body = Body::parse(&frame).unwrap();
        assert_eq!((body.args, body.workflow_id), (Some(&[0x80_u8][..]), Some(&b"\xa1w"[..])));
    }

    #[test]
    fn an_error_reply_is_read_again() {
        let frame = error_reply(&error("crashed", "no such price"), &WorkflowId::nil()).bytes();
        let error = Body::parse(&frame).unwrap().error.unwrap();
        assert_eq!(error_text(error), ("crashed".to_owned(), "no such price".to_owned()));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (frame, wrong) in [
            (&b""[..], "it is no map in MessagePack"),
            (b"\x93\x01\x02\x03", "it is no map in MessagePack"),
            (b"\x81\xa4args", "it is cut off, or no MessagePack"),
            (b"\x80\x80", "there is something behind it"),
        ] {
            assert_eq!(Body::parse(frame), Err(wrong));
        }
    }

    proptest! {
        #[test]
        fn garbage_is_never_a_panic(bytes: Vec<u8>) {
            let _ = Body::parse(&bytes);
            let _ = error_text(&bytes);
        }
    }
}
