//! The id by which all calls that come of one call are found: as it came, and what further calls are given.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

use super::{pack, uuid::Uuid};

/// A workflow id as MessagePack: echoed exactly as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WorkflowId(Bytes);

impl WorkflowId {
    /// None.
    pub(super) fn nil() -> Self {
        Self(Bytes::from_static(pack::NIL))
    }

    /// A UUID, as its map: what a first call has.
    pub(super) fn of_uuid(uuid: Uuid) -> Self {
        /// As many as they are: more would have to be kept beside them.
        const LENGTH: usize = 56;
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.push(0x82);
        pack::write_text(&mut bytes, "__uuid__");
        bytes.push(0xc3);
        pack::write_text(&mut bytes, "as_str");
        pack::write_text(&mut bytes, str::from_utf8(&uuid.text()).unwrap_or_default());
        Self(bytes.into())
    }

    /// A text: what further calls have.
    pub(super) fn of_text(text: &str) -> Self {
        let mut bytes = Vec::new();
        pack::write_text(&mut bytes, text);
        Self(bytes.into())
    }

    /// As MessagePack.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As Python's `str` would write it; `None` for nothing at all, and for what has no such form here.
    pub(super) fn text(&self) -> Option<String> {
        self.read().map(|(text, _)| String::from_utf8_lossy(&text).into_owned())
    }

    /// That text, and the UUID that it is, or that it begins with.
    fn read(&self) -> Option<(Bytes, Option<Uuid>)> {
        if let Some((text, _)) = pack::text(&self.0) {
            let uuid = text.get(..36).and_then(|text| text.parse().ok());
            return (!text.is_empty()).then(|| (self.0.slice_ref(text.as_bytes()), uuid));
        }
        if let Some(number) = pack::integer(&self.0) {
            return (number != 0).then(|| (number.to_string().into(), None));
        }
        let text = self.text_of_uuid()?;
        let uuid: Uuid = text.parse().ok()?;
        let is_written_so = !text.bytes().any(|byte| byte.is_ascii_uppercase());
        let text = if is_written_so { self.0.slice_ref(text.as_bytes()) } else { uuid.to_string().into() };
        Some((text, Some(uuid)))
    }

    /// What stands in the map of a UUID.
    fn text_of_uuid(&self) -> Option<&str> {
        let (_, head) = pack::map(&self.0)?;
        let mut at = head;
        let mut previous = "";
        while at < self.0.len() {
            let part = self.0.get(at..)?;
            let text = pack::text(part).map(|(text, _)| text);
            if previous == "as_str" {
                return text;
            }
            previous = text.unwrap_or_default();
            at += pack::length(part)?;
        }
        None
    }
}

impl From<Bytes> for WorkflowId {
    fn from(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

/// The calls made by one handler for one message: the first has the id that came, the next ones `<id>_1`, `<id>_2`, …
#[derive(Debug)]
pub(super) struct Workflow {
    id: WorkflowId,
    text: Bytes,
    uuid: Option<Uuid>,
    calls: AtomicU64,
}

impl Workflow {
    /// Of a message that came with this id, or without one.
    pub(super) fn of(id: Option<&WorkflowId>) -> Self {
        let calls = AtomicU64::new(0);
        if let Some((id, (text, uuid))) = id.and_then(|id| Some((id, id.read()?))) {
            return Self { id: id.clone(), text, uuid, calls };
        }
        let uuid = Uuid::new();
        Self { id: WorkflowId::of_uuid(uuid), text: uuid.to_string().into(), uuid: Some(uuid), calls }
    }

    /// The id in words, for logs.
    pub(super) fn text(&self) -> &Bytes {
        &self.text
    }

    /// The UUID that it is, or begins with.
    pub(super) fn uuid(&self) -> Option<Uuid> {
        self.uuid
    }

    /// The id of the next call.
    pub(super) fn call(&self) -> WorkflowId {
        match self.calls.fetch_add(1, Ordering::Relaxed) {
            0 => self.id.clone(),
            call => WorkflowId::of_text(&format!("{}_{call}", String::from_utf8_lossy(&self.text))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const UUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn the_first_call_has_the_id_as_it_came_and_further_ones_a_number() {
        let came = WorkflowId::of_uuid(UUID.parse().unwrap());
        let workflow = Workflow::of(Some(&came));
        assert_eq!(workflow.call(), came);
        assert_eq!(workflow.call(), WorkflowId::of_text(&format!("{UUID}_1")));
        assert_eq!(workflow.call(), WorkflowId::of_text(&format!("{UUID}_2")));
        let further = Workflow::of(Some(&WorkflowId::of_text(&format!("{UUID}_1"))));
        assert_eq!(further.text(), format!("{UUID}_1").as_bytes());
        assert_eq!(further.call().text().unwrap(), format!("{UUID}_1"));
        assert_eq!(further.call().text().unwrap(), format!("{UUID}_1_1"));
        assert_eq!(further.uuid(), Some(UUID.parse().unwrap()));
    }

    #[test]
    fn a_message_without_an_id_begins_a_workflow_of_its_own() {
        for none in [None, Some(WorkflowId::nil()), Some(WorkflowId::of_text(""))] {
            let workflow = Workflow::of(none.as_ref());
            assert_eq!(workflow.text().len(), 36);
            let uuid = workflow.uuid().unwrap().to_string();
            assert_eq!((workflow.text(), workflow.call().text()), (&Bytes::from(uuid.clone()), Some(uuid)));
        }
    }

    #[test]
    fn a_uuid_is_the_map_of_the_python_package() {
        let id = WorkflowId::of_uuid(UUID.parse().unwrap());
        let value: serde_json::Value = rmp_serde::from_slice(id.bytes()).unwrap();
        assert_eq!(value, serde_json::json!({ "__uuid__": true, "as_str": UUID }));
        assert_eq!(id.text().as_deref(), Some(UUID));
        // In words it is as Python writes it, however it came.
        let loud = serde_json::json!({ "__uuid__": true, "as_str": UUID.to_uppercase() });
        let loud = WorkflowId::from(Bytes::from(rmp_serde::to_vec_named(&loud).unwrap()));
        assert_eq!(loud.text().as_deref(), Some(UUID));
    }

    #[test]
    fn ids_of_other_kinds_are_shown_as_python_does() {
        assert_eq!(WorkflowId::from(Bytes::from_static(&[0xcd, 0x01, 0x00])).text().as_deref(), Some("256"));
        assert_eq!(WorkflowId::from(Bytes::from_static(&[0x90])).text(), None);
    }
}
