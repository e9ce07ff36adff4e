//! A message that was handed over.

use std::{fmt, sync::Arc};

use tokio::time::Instant;

use super::inbox::{Inbox, Taken};
use crate::{
    Result,
    messaging::{
        Incoming,
        engine::{Delivered, Verdict},
    },
};

/// A message that was handed over; dropped, it is handed over again.
pub struct KafkaDelivered {
    taken: Option<Taken>,
    message: Arc<Incoming>,
    inbox: Arc<Inbox>,
}

impl KafkaDelivered {
    pub(super) fn new(taken: Taken, inbox: &Arc<Inbox>) -> Self {
        Self { message: Arc::clone(&taken.message), taken: Some(taken), inbox: Arc::clone(inbox) }
    }
}

impl Delivered for KafkaDelivered {
    fn message(&self) -> &Arc<Incoming> {
        &self.message
    }

    async fn settle(mut self, verdict: Verdict) -> Result<()> {
        let Some(taken) = self.taken.take() else { return Ok(()) };
        match verdict {
            Verdict::Done | Verdict::Answer(_) => self.inbox.done(taken.origin),
            Verdict::Again { after, attempt } => {
                let message = Arc::new(Incoming { attempt, ..(*taken.message).clone() });
                self.inbox.rest(Taken { message, ..taken }, Instant::now() + after);
            }
            Verdict::Back => self.inbox.put_back(taken),
        }
        Ok(())
    }
}

impl Drop for KafkaDelivered {
    fn drop(&mut self) {
        if let Some(taken) = self.taken.take() {
            let message = Arc::new(Incoming { is_redelivered: true, ..(*taken.message).clone() });
            self.inbox.put_back(Taken { message, ..taken });
        }
    }
}

impl fmt::Debug for KafkaDelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KafkaDelivered").field(&self.message).finish()
    }
}
