//! Takes requests, and answers them.
//!
//! Several requests of one peer may be at work at the same time: each answer carries the envelope of its request. A peer
//! in lock step, as Python's is, sees no difference.

use std::sync::Arc;

use bytes::Bytes;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    task::coop::consume_budget,
};
use tokio_util::sync::CancellationToken;

use super::{
    arrival::Arrived,
    body::Body,
    faults::Faults,
    outbox::outbox,
    reply::{ReplyTo, WayBack},
    workflow::WorkflowId,
    zmtp::{Item, Peer, Role, Serve},
};
use crate::Result;

/// What is the same for all peers of a socket that takes messages.
#[derive(Debug, Clone)]
pub(super) struct Intaking {
    pub(super) inbox: mpsc::Sender<Arrived>,
    pub(super) faults: Arc<Faults>,
    /// Nothing is taken in any more.
    pub(super) closing: CancellationToken,
    /// What waits to be written is written, and then the connection ends.
    pub(super) finishing: CancellationToken,
    pub(super) high_water_mark: usize,
}

/// The socket that replies.
#[derive(Debug)]
pub(super) struct Replyer(pub(super) Intaking);

/// One of those who ask.
struct Asking<'a> {
    socket: &'a Intaking,
    way: Arc<WayBack>,
}

impl Serve for Replyer {
    async fn serve(&self, peer: Peer) -> Result<()> {
        let (answers, mut outbox) = outbox(self.0.high_water_mark, &self.0.finishing);
        let way = Arc::new(WayBack { answers, writer: Arc::downgrade(&peer.writer) });
        peer.serve(&mut Asking { socket: &self.0, way }, &mut outbox).await
    }
}

impl Role for Asking<'_> {
    async fn take(&mut self, item: Item) -> Result<()> {
        match item {
            Item::Command(..) => {}
            Item::TooLarge(parts, length) => {
                let wrong = format!("a request of {length} bytes is longer than `max_frame_size`");
                self.socket.faults.note(&wrong);
                if let Some((envelope, _)) = opened(parts) {
                    self.reply_to(envelope, None).refuse(&wrong);
                }
            }
            Item::Message(parts) => {
                let Some((envelope, body)) = opened(parts) else {
                    self.socket.faults.note("a request without its empty part is passed over");
                    return Ok(());
                };
                match body {
                    Some(frame) => self.ask(envelope, &frame).await,
                    None => {
                        let wrong = "a request has one part behind the empty one";
                        self.socket.faults.note(wrong);
                        self.reply_to(envelope, None).refuse(wrong);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Asking<'_> {
    async fn ask(&self, envelope: Vec<Bytes>, frame: &Bytes) {
        let mut arrived = match Arrived::parse(frame) {
            Ok(arrived) => arrived,
            Err(wrong) => {
                let wrong = format!("a request cannot be read: {wrong}");
                self.socket.faults.note(&wrong);
                let workflow_id = Body::parse(frame).ok().and_then(|body| body.workflow_id);
                let workflow_id = workflow_id.map(|id| WorkflowId::from(frame.slice_ref(id)));
                return self.reply_to(envelope, workflow_id).refuse(&wrong);
            }
        };
        let reply = self.reply_to(envelope, arrived.workflow_id.clone());
        if self.socket.closing.is_cancelled() {
            return drop(reply);
        }
        arrived.reply = Some(reply);
        // Once nobody takes it any more, it is dropped here, and says so.
        match self.socket.inbox.try_send(arrived) {
            // Those that are read together must not keep answers from being written.
            Ok(()) => consume_budget().await,
            Err(TrySendError::Full(arrived)) => drop(self.socket.inbox.send(arrived).await),
            Err(TrySendError::Closed(_)) => {}
        }
    }

    fn reply_to(&self, envelope: Vec<Bytes>, workflow_id: Option<WorkflowId>) -> ReplyTo {
        ReplyTo {
            way: Some(Arc::clone(&self.way)),
            envelope,
            workflow_id: workflow_id.unwrap_or_else(WorkflowId::nil),
            faults: Arc::clone(&self.socket.faults),
        }
    }
}

/// The envelope, which ends with an empty part, and what is behind it if that is one part.
fn opened(mut parts: Vec<Bytes>) -> Option<(Vec<Bytes>, Option<Bytes>)> {
    let length = parts.iter().position(Bytes::is_empty)? + 1;
    let body = if parts.len() == length + 1 { parts.pop() } else { None };
    parts.truncate(length);
    Some((parts, body))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::{pin::pin, sync::Weak};

    use futures_util::poll;

    use super::*;
    use crate::metrics::{Counter, MeterOptions, Metrics};

    #[tokio::test]
    async fn many_requests_that_are_there_already_let_others_work_between_them() {
        let (inbox, taken) = mpsc::channel(1_000);
        let (closing, finishing) = (CancellationToken::new(), CancellationToken::new());
        let (answers, _outbox) = outbox(1_000, &finishing);
        let malformed: Counter<()> = Metrics::new("prices").meter(MeterOptions::new("malformed", "Those.")).unwrap();
        let faults = Arc::new(Faults::new("a replyer".to_owned(), malformed.handle(&())));
        let socket = Intaking { inbox, faults, closing, finishing, high_water_mark: 1_000 };
        let way = Arc::new(WayBack { answers, writer: Weak::new() });
        let asking = Asking { socket: &socket, way };
        let frame = Bytes::from(rmp_serde::to_vec_named(&serde_json::json!({ "args": 1 })).unwrap());
        let mut all = pin!(async {
            for _ in 0..1_000 {
                asking.ask(vec![Bytes::new()], &frame).await;
            }
        });
        assert!(poll!(&mut all).is_pending());
        let at_once = taken.len();
        assert!((1..1_000).contains(&at_once), "{at_once}");
        all.await;
        assert_eq!(taken.len(), 1_000);
    }
}
