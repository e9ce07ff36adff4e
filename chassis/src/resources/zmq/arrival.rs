//! A message that has arrived, and what its handler's own calls are known by.

use std::{
    collections::HashMap,
    num::{NonZeroU64, NonZeroU128},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::{
    body::Body,
    reply::ReplyTo,
    uuid::Uuid,
    workflow::{Workflow, WorkflowId},
};
use crate::{
    messaging::{Headers, Incoming, known},
    unit::{self, TraceContext},
};

/// A message that has arrived, with who waits for its answer.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) message: Arc<Incoming>,
    pub(super) reply: Option<ReplyTo>,
    /// As long as it is here, calls of its handler are part of its workflow.
    pub(super) _at_work: AtWork,
}

/// The workflows of the messages that are here, by the span that stands for each of them.
///
/// The wire has no trace. The unit of work of a handler is given one: its trace is the UUID of the workflow, and its parent
/// is a span made up for this one message. By that span the calls of the handler find their way here.
#[derive(Debug, Clone, Default)]
pub(super) struct Workflows(Arc<Mutex<Spans>>);

type Spans = HashMap<u64, Arc<Workflow>, RandomState>;

/// Takes a workflow from the list when the message has gone.
#[derive(Debug)]
pub(super) struct AtWork {
    workflows: Workflows,
    span: u64,
}

/// What bodies are on this wire.
pub(super) const CONTENT_TYPE: &str = "application/msgpack";

impl Workflows {
    /// The message of a body.
    pub(super) fn arrive(&self, args: Bytes, body: Body, reply: Option<ReplyTo>) -> Arrived {
        let workflow = Workflow::of(body.workflow_id.as_ref());
        let span = NonZeroU64::MIN | fastrand::u64(..);
        // No UUID, no trace to go on with: then a trace begins here.
        let trace = workflow.uuid().and_then(|uuid| NonZeroU128::new(uuid.as_u128()));
        let trace = trace.unwrap_or_else(|| NonZeroU128::MIN | fastrand::u128(..));
        let trace = TraceContext::of_span(trace, span);
        let trace = Bytes::copy_from_slice(&trace.traceparent());
        let mut headers = Headers::new();
        headers.set_known(known::WORKFLOW_ID, workflow.text().clone());
        headers.set_known(known::TRACE, trace);
        let message =
            Incoming { content_type: Some(CONTENT_TYPE.into()), headers, key: body.topic, ..Incoming::new(args) };
        let span = span.get();
        self.lock().insert(span, Arc::new(workflow));
        Arrived { message: Arc::new(message), reply, _at_work: AtWork { workflows: self.clone(), span } }
    }

    /// The id of a call that is made now: the next one of the message that is handled here; in other work one made of its
    /// trace, so that both are found by the same digits; otherwise a new one.
    pub(super) fn call(&self) -> WorkflowId {
        let Some(trace) = unit::current_trace() else { return WorkflowId::of_uuid(Uuid::new()) };
        let workflow = trace.parent_id().and_then(|span| self.lock().get(&span).cloned());
        workflow.map_or_else(|| WorkflowId::of_uuid(Uuid::from(trace.trace_id())), |workflow| workflow.call())
    }

    fn lock(&self) -> MutexGuard<'_, Spans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.workflows.lock().remove(&self.span);
    }
}
