//! The way back to who asked.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use tokio::sync::mpsc::error::TrySendError;

use super::{arrival::CONTENT_TYPE, body, faults::Faults, outbox::OutboxSender, workflow::WorkflowId, zmtp::Writer};
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
        let frame = match answer.headers.get(known::ERROR) {
            Some(cause) => body::error_reply(cause, &said(&answer.body), &self.workflow_id),
            None if answer.content_type == CONTENT_TYPE => body::reply(&answer.body, &self.workflow_id),
            None => {
                let wrong = format!("its answer is written in `{}`, and this wire is MessagePack", answer.content_type);
                self.faults.note(&wrong);
                body::error_reply("misconfigured", &wrong, &self.workflow_id)
            }
        };
        self.send(frame);
    }

    /// Says what is wrong with the request.
    pub(super) fn refuse(mut self, wrong: &str) {
        let frame = body::error_reply("crashed", wrong, &self.workflow_id);
        self.send(frame);
    }

    fn send(&mut self, frame: Bytes) {
        let Some(way) = self.way.take() else { return };
        let mut parts = std::mem::take(&mut self.envelope);
        parts.push(frame);
        // The connection holds it as well. With other answers to come it is written together with them, and behind those
        // that wait: there are peers that tell answers by their order.
        let is_alone = Arc::strong_count(&way) == 2 && way.answers.is_written();
        if is_alone && way.writer.upgrade().is_some_and(|writer| writer.write_now(&parts)) {
            return;
        }
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
            let frame = body::error_reply("unavailable", "who replies stops, and has not begun", &self.workflow_id);
            self.send(frame);
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
