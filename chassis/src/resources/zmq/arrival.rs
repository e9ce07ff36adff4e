//! A message that has arrived.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    body::Body,
    reply::ReplyTo,
    workflow::{Workflow, WorkflowId},
};
use crate::messaging::{Headers, Incoming, known};

/// A message as it was read. It becomes a [`Call`] where it is handled: memory that one thread takes and another one gives
/// back makes the two wait for each other.
#[derive(Debug)]
pub(super) struct Arrived {
    args: Bytes,
    topic: Option<Bytes>,
    pub(super) workflow_id: Option<WorkflowId>,
    pub(super) reply: Option<ReplyTo>,
}

/// A message to be handled, with who waits for its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) message: Arc<Incoming>,
    pub(super) reply: Option<ReplyTo>,
}

/// An id is copied out of the memory of a longer body.
const LONG: usize = 32 << 10;

/// What bodies are on this wire.
pub(super) const CONTENT_TYPE: &str = "application/msgpack";

impl Arrived {
    /// The message of a frame.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn parse(frame: &Bytes) -> Result<Self, &'static str> {
        let body = Body::parse(frame)?;
        let lent = |part| frame.slice_ref(part);
        let args = body.args.map(lent).ok_or("it has no `args`")?;
        let workflow_id = body.workflow_id.map(lent).map(WorkflowId::from);
        Ok(Self { args, topic: body.topic.map(lent), workflow_id, reply: None })
    }
}

impl From<Arrived> for Call {
    fn from(arrived: Arrived) -> Self {
        let Arrived { args, topic, workflow_id, reply } = arrived;
        // Work that goes on after this message keeps its workflow, but not the memory of a long body.
        let workflow_id = workflow_id.map(|id| if args.len() > LONG { id.by_itself() } else { id });
        let workflow = Workflow::of(workflow_id);
        let message = Incoming {
            content_type: Some(CONTENT_TYPE.into()),
            headers: Headers::of_known(known::WORKFLOW_ID, workflow.text().clone()),
            key: topic,
            origin: Some(Arc::new(workflow)),
            ..Incoming::new(args)
        };
        Self { message: Arc::new(message), reply }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn work_that_goes_on_keeps_the_memory_of_short_bodies_only() {
        for (length, keeps) in [(100, true), (LONG + 1, false)] {
            let body = serde_json::json!({ "args": "x".repeat(length), "workflow_id": "wf-1" });
            let frame = Bytes::from(rmp_serde::to_vec_named(&body).unwrap());
            let call = Call::from(Arrived::parse(&frame).unwrap());
            drop(frame);
            let message = Arc::into_inner(call.message).unwrap();
            let _goes_on = message.origin;
            drop(message.headers);
            assert_eq!(!message.body.is_unique(), keeps, "{length}");
        }
    }
}
