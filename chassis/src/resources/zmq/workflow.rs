//! The id by which all calls that come of one call are found: as it came, and what further calls are given.

use std::{
    num::{NonZeroU64, NonZeroU128},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{BufMut, Bytes};

use super::{pack, uuid::Uuid};
use crate::unit::{Ids, Origin, RequestId, TraceContext};

/// A workflow id: echoed exactly as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkflowId(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// What a first call has.
    Uuid(Uuid),
    /// Any value in MessagePack.
    Value(Bytes),
}

/// What stands in front of the text of a UUID, in the map that the Python package writes of it.
const UUID_HEAD: &[u8] = b"\x82\xa8__uuid__\xc3\xa6as_str\xd9\x24";

impl WorkflowId {
    /// That of a call that is made now: the next one of the message that is handled here; in other work one made of its
    /// trace, so that both are found by the same digits; otherwise a new one.
    pub(super) fn of_call() -> Self {
        let Some(ids) = Ids::current() else { return Self::of_uuid(Uuid::new()) };
        let made_of_trace = || Self::of_uuid(Uuid::from(ids.trace().trace_id()));
        ids.origin::<Workflow>().map_or_else(made_of_trace, Workflow::call)
    }

    /// None.
    pub(super) fn nil() -> Self {
        Self(Form::Value(Bytes::from_static(pack::NIL)))
    }

    /// A UUID: what a first call has.
    pub(super) fn of_uuid(uuid: Uuid) -> Self {
        Self(Form::Uuid(uuid))
    }

    /// A text: what further calls have.
    pub(super) fn of_text(text: &str) -> Self {
        let mut bytes = Vec::new();
        pack::write_text(&mut bytes, text);
        Self(Form::Value(bytes.into()))
    }

    /// In memory of its own.
    pub(super) fn by_itself(self) -> Self {
        match self.0 {
            Form::Uuid(_) => self,
            Form::Value(bytes) => Self(Form::Value(Bytes::copy_from_slice(&bytes))),
        }
    }

    /// How long it is as MessagePack.
    pub(super) fn length(&self) -> usize {
        match &self.0 {
            Form::Uuid(_) => UUID_HEAD.len() + Uuid::LENGTH,
            Form::Value(bytes) => bytes.len(),
        }
    }

    /// Writes it as MessagePack.
    pub(super) fn write(&self, out: &mut impl BufMut) {
        match &self.0 {
            Form::Uuid(uuid) => {
                out.put_slice(UUID_HEAD);
                out.put_slice(&uuid.text());
            }
            Form::Value(bytes) => out.put_slice(bytes),
        }
    }

    /// As Python's `str` would write it; `None` for nothing at all, and for what has no such form here.
    pub(super) fn text(&self) -> Option<Bytes> {
        let bytes = match &self.0 {
            Form::Uuid(uuid) => return Some(Bytes::copy_from_slice(&uuid.text())),
            Form::Value(bytes) => bytes,
        };
        if bytes.strip_prefix(UUID_HEAD).is_some_and(Uuid::is_plain) {
            return Some(bytes.slice(UUID_HEAD.len()..));
        }
        if let Some((text, _)) = pack::text(bytes) {
            return (!text.is_empty()).then(|| bytes.slice_ref(text.as_bytes()));
        }
        if let Some(number) = pack::integer(bytes) {
            return (number != 0).then(|| number.to_string().into());
        }
        let uuid: Uuid = text_of_uuid(bytes)?.parse().ok()?;
        Some(uuid.to_string().into())
    }
}

/// What stands in the map of a UUID.
fn text_of_uuid(bytes: &[u8]) -> Option<&str> {
    let (_, head) = pack::map(bytes)?;
    let mut at = head;
    let mut previous = "";
    while at < bytes.len() {
        let part = bytes.get(at..)?;
        let text = pack::text(part).map(|(text, _)| text);
        if previous == "as_str" {
            return text;
        }
        previous = text.unwrap_or_default();
        at += pack::length(part)?;
    }
    None
}

impl From<Bytes> for WorkflowId {
    fn from(bytes: Bytes) -> Self {
        Self(Form::Value(bytes))
    }
}

/// The calls made by one handler for one message: the first has the id that came, the next ones `<id>_1`, `<id>_2`, …
#[derive(Debug)]
pub(super) struct Workflow {
    id: WorkflowId,
    text: Bytes,
    /// The trace it goes on in; one for all attempts.
    trace: OnceLock<TraceContext>,
    calls: AtomicU64,
}

impl Workflow {
    /// Of a message that came with this id, or without one.
    pub(super) fn of(id: Option<WorkflowId>) -> Self {
        let (trace, calls) = (OnceLock::new(), AtomicU64::new(0));
        if let Some((text, id)) = id.and_then(|id| Some((id.text()?, id))) {
            return Self { id, text, trace, calls };
        }
        let uuid = Uuid::new();
        Self { id: WorkflowId::of_uuid(uuid), text: uuid.to_string().into(), trace, calls }
    }

    /// The id in words, for logs.
    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// The UUID that it is, or begins with.
    fn uuid(&self) -> Option<Uuid> {
        str::from_utf8(self.text.get(..Uuid::LENGTH)?).ok()?.parse().ok()
    }

    /// The id of the next call.
    fn call(&self) -> WorkflowId {
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            0 => self.id.clone(),
            call => WorkflowId::of_text(&format!("{}_{call}", String::from_utf8_lossy(&self.text))),
        }
    }
}

/// The wire has no trace: that of the work is the UUID that its workflow is, or begins with; without one a trace begins here.
impl Origin for Workflow {
    fn ids(self: Arc<Self>) -> Ids {
        let text = String::from_utf8_lossy(&self.text);
        let trace = *self.trace.get_or_init(|| {
            let trace = self.uuid().and_then(|uuid| NonZeroU128::new(uuid.as_u128()));
            let of_uuid = |trace| TraceContext::of_span(trace, NonZeroU64::MIN | fastrand::u64(..));
            trace.map_or_else(TraceContext::new, of_uuid)
        });
        let ids = Ids::from_caller(RequestId::parse(&text), Some(trace)).with("workflow_id", &*text);
        drop(text);
        ids.with_origin(self)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn words(id: &WorkflowId) -> Option<String> {
        id.text().map(|text| String::from_utf8(text.into()).unwrap())
    }

    fn written(id: &WorkflowId) -> Bytes {
        let mut bytes = Vec::new();
        id.write(&mut bytes);
        bytes.into()
    }

    const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn the_first_call_has_the_id_as_it_came_and_further_ones_a_number() {
        let came = WorkflowId::of_uuid(UUID.parse().unwrap());
        let workflow = Workflow::of(Some(came.clone()));
        assert_eq!(workflow.call(), came);
        assert_eq!(workflow.call(), WorkflowId::of_text(&format!("{UUID}_1")));
        assert_eq!(workflow.call(), WorkflowId::of_text(&format!("{UUID}_2")));
        let further = Workflow::of(Some(WorkflowId::of_text(&format!("{UUID}_1"))));
        assert_eq!(further.text(), format!("{UUID}_1").as_bytes());
        assert_eq!(words(&further.call()).unwrap(), format!("{UUID}_1"));
        assert_eq!(words(&further.call()).unwrap(), format!("{UUID}_1_1"));
        assert_eq!(further.uuid(), Some(UUID.parse().unwrap()));
    }

    #[test]
    fn all_attempts_are_of_one_trace() {
        for id in [WorkflowId::of_text("wf-1"), WorkflowId::of_uuid(UUID.parse().unwrap())] {
            let workflow = Arc::new(Workflow::of(Some(id)));
            let [first, second] = [(); 2].map(|()| Arc::clone(&workflow).ids());
            assert_eq!(first.trace().trace_id(), second.trace().trace_id());
            assert_ne!(first.trace().span_id(), second.trace().span_id());
            assert!(std::ptr::eq(first.origin::<Workflow>().unwrap(), &*workflow));
        }
    }

    #[test]
    fn a_message_without_an_id_begins_a_workflow_of_its_own() {
        for none in [None, Some(WorkflowId::nil()), Some(WorkflowId::of_text(""))] {
            let workflow = Workflow::of(none);
            assert_eq!(workflow.text().len(), 36);
            let uuid = workflow.uuid().unwrap().to_string();
            assert_eq!((workflow.text().as_ref(), words(&workflow.call())), (uuid.as_bytes(), Some(uuid.clone())));
        }
    }

    #[test]
    fn a_uuid_is_the_map_of_the_python_package() {
        let id = WorkflowId::of_uuid(UUID.parse().unwrap());
        let value: serde_json::Value = rmp_serde::from_slice(&written(&id)).unwrap();
        assert_eq!(value, serde_json::json!({ "__uuid__": true, "as_str": UUID }));
        assert_eq!((words(&id).as_deref(), id.length()), (Some(UUID), written(&id).len()));
        assert_eq!(words(&written(&id).into()).as_deref(), Some(UUID));
        // In words it is as Python writes it, however it came.
        let loud = serde_json::json!({ "__uuid__": true, "as_str": UUID.to_uppercase() });
        let loud = WorkflowId::from(Bytes::from(rmp_serde::to_vec_named(&loud).unwrap()));
        assert_eq!(words(&loud).as_deref(), Some(UUID));
    }

    #[test]
    fn ids_of_other_kinds_are_shown_as_python_does() {
        assert_eq!(words(&WorkflowId::from(Bytes::from_static(&[0xcd, 0x01, 0x00]))).as_deref(), Some("256"));
        assert_eq!(WorkflowId::from(Bytes::from_static(&[0x90])).text(), None);
    }
}
