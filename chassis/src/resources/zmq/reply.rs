//! The way back to who asked.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;

use super::{
    arrival::CONTENT_TYPE,
    body::{self, Frame},
    faults::Faults,
    outbox::OutboxSender,
    workflow::WorkflowId,
    zmtp::Writer,
};
use crate::messaging::{Outgoing, known};

/// The way back to one of those who ask, held by each of its requests until it is answered.
#[derive(Debug)]
pub(super) struct WayBack {
    /// Answers that wait to be written.
    pub(super) answers: OutboxSender,
    pub(super) writer: Weak<Writer>,
}

/// The way back to who asked. Dropped without an answer it says so: a requester of the Python package waits for ever
/// otherwise.
pub(super) struct ReplyTo {
    pub(super) way: Option<Arc<WayBack>>,
    /// What stood in front of the request, up to the empty part; it is the address of the answer.
    pub(super) envelope: Vec<Bytes>,
    pub(super) workflow_id: WorkflowId,
    pub(super) faults: Arc<Faults>,
}

impl ReplyTo {
    /// Sends an answer, or what it says of a failure.
    pub(super) fn answer(mut self, answer: &Outgoing) {
        match answer.headers.get(known::ERROR) {
            Some(cause) => self.fail(cause, &said(&answer.body)),
            None if answer.content_type == CONTENT_TYPE => self.send(body::reply, &answer.body),
            None => {
                let wrong = format!("its answer is written in `{}`, and this wire is MessagePack", answer.content_type);
                self.faults.note(&wrong);
                self.fail("misconfigured", &wrong);
            }
        }
    }

    /// Says what is wrong with the request.
    pub(super) fn refuse(mut self, wrong: &str) {
        self.fail("crashed", wrong);
    }

    fn fail(&mut self, cause: &str, message: &str) {
        self.send(body::error_reply, &body::error(cause, message));
    }

    fn send(&mut self, frame: for<'a> fn(&'a [u8], &'a WorkflowId) -> Frame<'a>, value: &[u8]) {
        let Some(way) = self.way.take() else { return };
        let mut parts = std::mem::take(&mut self.envelope);
        let frame = frame(value, &self.workflow_id);
        let write = |writer: Arc<Writer>| writer.write_now(&parts, frame.length(), |out| frame.write(out));
        // The connection holds it as well. With other answers to come it is written together with them, and behind those
        // that wait: there are peers that tell answers by their order.
        let is_alone = Arc::strong_count(&way) == 2 && way.answers.is_written();
        if is_alone && way.writer.upgrade().is_some_and(write) {
            return;
        }
        parts.push(frame.bytes());
        match way.answers.try_send(parts) {
            // A caller that has gone is no failure.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.faults.note("an answer is dropped: who asked does not read what it is answered");
            }
        }
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if self.way.is_some() {
            self.fail("unavailable", "who replies stops, and has not begun");
        }
    }
}

impl std::fmt::Debug for ReplyTo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReplyTo({})", self.workflow_id.text().unwrap_or_default().escape_ascii())
    }
}

/// The text of an answer that tells of a failure.
fn said(body: &[u8]) -> String {
    let said = serde_json::from_slice::<serde_json::Value>(body).ok();
    let text = said.as_ref().and_then(|said| said.get("error")?.as_str());
    text.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
