//! Hands over what has arrived.

use std::sync::Arc;

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::DropGuard;

use super::{
    arrival::{Arrived, Call},
    held::Held,
};
use crate::{
    Result,
    messaging::{
        Incoming,
        engine::{Consumer, Delivered, Verdict},
    },
};

/// Takes messages for one handler.
#[derive(Debug)]
pub struct ZmqConsumer {
    pub(super) inbox: mpsc::Receiver<Arrived>,
    pub(super) held: Arc<Held>,
    /// At the end it waits for what is on its way; requests are refused instead.
    pub(super) takes_the_rest: bool,
    /// More than that do not come back before others are taken.
    pub(super) most_held: usize,
    /// Ends the socket with the consumer.
    pub(super) _socket: DropGuard,
}

/// A message that was handed over; dropped, it comes back.
#[derive(Debug)]
pub struct ZmqDelivered {
    call: Call,
    is_settled: bool,
    held: Arc<Held>,
}

impl ZmqConsumer {
    fn delivered(&self, call: impl Into<Call>) -> ZmqDelivered {
        ZmqDelivered { call: call.into(), is_settled: false, held: Arc::clone(&self.held) }
    }
}

impl Consumer for ZmqConsumer {
    type Delivered = ZmqDelivered;

    /// Once nothing is taken in any more, what has been sent is still handed over: there is nobody to give it back to.
    async fn next(&mut self) -> Option<Result<ZmqDelivered>> {
        loop {
            let is_end = self.held.closing.is_cancelled();
            let due = match self.held.take(is_end) {
                Ok(call) => return Some(Ok(self.delivered(call))),
                Err(due) => due,
            };
            if is_end {
                // The sockets end soon, and the inbox with them.
                let rest = if self.takes_the_rest { self.inbox.recv().await } else { self.inbox.try_recv().ok() };
                return rest.map(|arrived| Ok(self.delivered(arrived)));
            }
            let has_room = self.held.len() < self.most_held;
            // To wait for one of four costs more than a message that is here.
            if has_room && let Ok(arrived) = self.inbox.try_recv() {
                return Some(Ok(self.delivered(arrived)));
            }
            tokio::select! {
                arrived = self.inbox.recv(), if has_room => return arrived.map(|arrived| Ok(self.delivered(arrived))),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = self.held.news.notified() => {}
                () = self.held.closing.cancelled() => {}
            }
        }
    }
}

impl Delivered for ZmqDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.call.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        self.is_settled = true;
        let Call { message, reply } = &mut self.call;
        match verdict {
            Verdict::Done => {}
            Verdict::Answer(answer) => {
                if let Some(reply) = reply.take() {
                    reply.answer(&answer);
                }
            }
            Verdict::Again { .. } | Verdict::Back if self.held.closing.is_cancelled() => self.held.lose(),
            Verdict::Again { after, attempt } => {
                let message = Arc::new(Incoming { attempt, ..(**message).clone() });
                self.held.rest(Call { message, reply: reply.take() }, Instant::now() + after);
            }
            Verdict::Back => self.held.put_back(Call { message: Arc::clone(message), reply: reply.take() }),
        }
        Ok(())
    }
}

impl Drop for ZmqDelivered {
    fn drop(&mut self) {
        if !self.is_settled {
            let Call { message, reply } = &mut self.call;
            let message = Arc::new(Incoming { is_redelivered: true, ..(**message).clone() });
            self.held.put_back(Call { message, reply: reply.take() });
        }
    }
}
