//! Messages that were taken from a queue, until they are settled.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lapin::{
    BasicProperties,
    types::{DeliveryTag, ShortString},
};
use tokio::time::{Instant, sleep};

use super::{
    acks::Acks,
    failure::unsettled,
    job::{Parcel, Target},
    later::Later,
    names::Names,
    properties::{again, outgoing},
    publisher::Publisher,
    rest::step,
};
use crate::{
    Cause, Result,
    messaging::{
        Failure, Incoming, Outgoing,
        engine::{Delivered, Verdict},
        known,
    },
};

/// A message that was taken from its queue; dropped, it goes back.
pub struct AmqpDelivered {
    message: Arc<Incoming>,
    origin: Arc<Origin>,
    receipt: Receipt,
}

/// What the messages of one consumer go back to.
pub(super) struct Origin {
    /// Where messages come from that others may take, too.
    pub(super) shared: Option<ShortString>,
    /// Where messages rest that nobody else takes.
    pub(super) later: Later,
    pub(super) publisher: Arc<Publisher>,
    /// The broker lets nothing rest, and that has been told.
    pub(super) is_stuck: AtomicBool,
}

/// What the broker needs to settle it.
pub(super) enum Receipt {
    /// It keeps the message.
    Tag { acks: Arc<Acks>, tag: DeliveryTag, properties: Box<BasicProperties> },
    /// It does not know it any more: the message rested here.
    Rested,
    /// It is settled.
    Settled,
}

/// How long an answer or another attempt may take to be sent, a lost connection included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether the connection is there.
const LOOK: Duration = Duration::from_millis(100);

impl AmqpDelivered {
    pub(super) fn new(message: Arc<Incoming>, origin: &Arc<Origin>, receipt: Receipt) -> Self {
        Self { message, origin: Arc::clone(origin), receipt }
    }
}

impl Delivered for AmqpDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        match verdict {
            Verdict::Done => self.acknowledge(),
            Verdict::Answer(answer) => {
                if self.is_refused(answer).await? {
                    let mut sorry = Outgoing::new(r#"{"error":"the answer cannot be sent"}"#, "application/json");
                    sorry.headers.set_known(known::ERROR, Cause::Crashed.as_str());
                    self.is_refused(sorry).await?;
                }
                self.acknowledge()
            }
            Verdict::Again { after, attempt } => {
                match &self.origin.shared {
                    Some(queue) => self.unless_lost(self.rest_at_the_broker(queue.clone(), after, attempt)).await?,
                    None => {
                        let message = Arc::new(Incoming { attempt, ..(*self.message).clone() });
                        self.origin.later.put(message, Instant::now() + after);
                    }
                }
                self.acknowledge()
            }
            Verdict::Back => Ok(()),
        }
    }
}

impl AmqpDelivered {
    /// Tells the broker that it is done.
    fn acknowledge(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.receipt, Receipt::Settled) {
            Receipt::Tag { acks, tag, .. } => acks.done(tag),
            Receipt::Rested | Receipt::Settled => Ok(()),
        }
    }

    /// Does this while the connection is there that the message came by: otherwise it comes again anyway, and a stop has
    /// nothing to wait for.
    async fn unless_lost(&self, work: impl Future<Output = Result<()>>) -> Result<()> {
        let Receipt::Tag { acks, .. } = &self.receipt else { return work.await };
        let lost = async {
            while acks.is_there() {
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            () = lost => Err(unsettled()),
            done = work => done,
        }
    }

    /// Sends an answer, and tells whether the broker refuses it. It would the next time as well.
    async fn is_refused(&self, answer: Outgoing) -> Result<bool> {
        let Err(error) = self.unless_lost(self.answer(answer)).await else { return Ok(false) };
        let Some(Failure::Refused(why)) = error.find() else { return Err(error) };
        tracing::warn!("an answer cannot be sent: {why}");
        Ok(true)
    }

    async fn answer(&self, answer: Outgoing) -> Result<()> {
        let Receipt::Tag { properties, .. } = &self.receipt else { return Ok(()) };
        let Some(reply_to) = properties.reply_to().clone() else { return Ok(()) };
        let mut sent = outgoing(&answer, false)?;
        if let Some(correlation) = properties.correlation_id() {
            sent = sent.with_correlation_id(correlation.clone());
        }
        // Not mandatory: a caller that is gone is no failure.
        let parcel =
            Parcel { target: Target::Queue(reply_to), body: answer.body, properties: sent, is_mandatory: false };
        self.origin.publisher.send(parcel, Instant::now() + PATIENCE).await
    }

    /// The message goes to where it rests before it is acknowledged: for a moment it may be there twice, never not at all.
    async fn rest_at_the_broker(&self, queue: ShortString, after: Duration, attempt: u32) -> Result<()> {
        let Receipt::Tag { properties, .. } = &self.receipt else { return Ok(()) };
        let parcel = Parcel {
            target: Target::Place(Names::rest(&queue, step(after))?),
            body: self.message.body.clone(),
            properties: again(properties, attempt),
            is_mandatory: true,
        };
        let sent = self.origin.publisher.send(parcel, Instant::now() + PATIENCE).await;
        if let Err(error) = &sent {
            // A lost connection is told elsewhere.
            let is_refused = matches!(error.find::<Failure>(), Some(Failure::Refused(_)));
            if is_refused && !self.origin.is_stuck.swap(true, Ordering::Relaxed) {
                tracing::warn!("messages of `{queue}` cannot rest at the broker and come back as they were: {error:#}");
            }
            // It goes back instead, and rests here before: otherwise it would come again at once, and again.
            sleep(after.min(PATIENCE)).await;
        } else {
            self.origin.is_stuck.store(false, Ordering::Relaxed);
        }
        sent
    }
}

impl Drop for AmqpDelivered {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.receipt, Receipt::Settled) {
            Receipt::Tag { acks, tag, .. } => acks.back(tag),
            Receipt::Rested => {
                let message = Arc::new(Incoming { is_redelivered: true, ..(*self.message).clone() });
                self.origin.later.put(message, Instant::now());
            }
            Receipt::Settled => {}
        }
    }
}
