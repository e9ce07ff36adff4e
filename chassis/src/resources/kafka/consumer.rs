//! Hands over what was read.

use std::{fmt, sync::Arc};

use tokio::time::timeout_at;

use super::{
    delivered::KafkaDelivered,
    inbox::{Inbox, Next},
};
use crate::{Result, messaging::engine::Consumer};

/// Takes messages for one handler; dropped, it leaves its group once what it handed over is settled.
pub struct KafkaConsumer {
    pub(super) inbox: Arc<Inbox>,
}

impl Consumer for KafkaConsumer {
    type Delivered = KafkaDelivered;

    async fn next(&mut self) -> Option<Result<KafkaDelivered>> {
        loop {
            match self.inbox.take() {
                Next::Message(taken) => return Some(Ok(KafkaDelivered::new(taken, &self.inbox))),
                Next::Failed(error) => return Some(Err(error)),
                Next::End => return None,
                Next::Wait(None) => self.inbox.news().await,
                Next::Wait(Some(due)) => {
                    let _ = timeout_at(due, self.inbox.news()).await;
                }
            }
        }
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.inbox.abandon();
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConsumer").field("uncommitted", &self.inbox.uncommitted()).finish()
    }
}
