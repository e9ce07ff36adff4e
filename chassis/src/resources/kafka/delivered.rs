//! A message that was handed over.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use super::{
    inbox::{Inbox, Origin, Taken},
    record,
};
use crate::{
    Result,
    messaging::{
        Incoming,
        engine::{Delivered, Verdict},
    },
};

/// A message that was handed over; dropped, it is handed over again.
pub struct KafkaDelivered {
    message: Arc<Incoming>,
    origin: Origin,
    is_settled: bool,
    inbox: Arc<Inbox>,
}

impl KafkaDelivered {
    pub(super) fn new(taken: Taken, inbox: &Arc<Inbox>) -> Self {
        let Taken { message, origin } = taken;
        Self { message: Arc::new(message), origin, is_settled: false, inbox: Arc::clone(inbox) }
    }

    /// The message as it is to be taken again.
    fn changed(&self, change: impl FnOnce(&mut Incoming)) -> Taken {
        let mut message = Incoming::clone(&self.message);
        change(&mut message);
        Taken { message, origin: self.origin }
    }
}

impl Delivered for KafkaDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        self.is_settled = true;
        match verdict {
            Verdict::Done | Verdict::Answer(_) => self.inbox.done(self.origin),
            Verdict::Again { after, attempt } => {
                let again = self.changed(|message| {
                    message.attempt = attempt;
                    message.body = record::by_itself(&message.body);
                });
                self.inbox.rest(again, Instant::now() + after);
            }
            Verdict::Back => self.inbox.put_back(self.changed(|_| ())),
        }
        Ok(())
    }
}

impl Drop for KafkaDelivered {
    fn drop(&mut self) {
        if !self.is_settled {
            self.inbox.put_back(self.changed(|message| message.is_redelivered = true));
        }
    }
}

impl fmt::Debug for KafkaDelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KafkaDelivered").field(&self.message).finish()
    }
}
