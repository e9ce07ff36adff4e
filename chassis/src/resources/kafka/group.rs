//! What happens to a consumer in its group: partitions come and go, and commits arrive or do not.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientContext, Offset, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, KafkaResult},
};

use super::{
    inbox::Inbox,
    producer::words,
    watch::{Watch, Watched},
};
use crate::scope::Scope;

/// What happens to a consumer, told on the thread that polls it.
pub(super) struct Membership {
    pub(super) watch: Arc<Watch>,
    pub(super) inbox: Arc<Inbox>,
    pub(super) topic: Arc<str>,
    pub(super) scope: Arc<Scope>,
    /// How long messages at work may take to end when their partition goes.
    pub(super) release_timeout: Duration,
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        Watched(Arc::clone(&self.watch)).log(level, facility, text);
    }

    fn stats(&self, told: Statistics) {
        Watched(Arc::clone(&self.watch)).stats(told);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        Watched(Arc::clone(&self.watch)).error(error, reason);
    }
}

impl ConsumerContext for Membership {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let _here = self.scope.enter();
        match rebalance {
            Rebalance::Assign(given) => {
                let partitions = self.partitions(given);
                partitions.iter().for_each(|partition| self.inbox.add_share(*partition));
                tracing::debug!("partitions {partitions:?} of `{}` are ours", self.topic);
            }
            Rebalance::Revoke(taken) => {
                let partitions = self.partitions(taken);
                let is_lost = consumer.assignment_lost();
                self.give_up(consumer, &partitions, is_lost);
                // One that goes while it pauses would pause still when it comes back.
                let _ = consumer.resume(taken);
                tracing::debug!("partitions {partitions:?} of `{}` are ours no more", self.topic);
            }
            Rebalance::Error(error) => tracing::debug!("the group of `{}`: {}", self.topic, words(error)),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let Err(error) = result else { return };
        let _here = self.scope.enter();
        // It is made again, and told where the reason for it is: the cluster is not reached, or the group changes.
        tracing::debug!("a commit of `{}` did not arrive: {}", self.topic, words(&error));
        self.inbox.uncommit(self.partitions(offsets).into_iter());
    }
}

impl Membership {
    /// Lets messages of these partitions end, commits what is done, and lets go of them.
    pub(super) fn give_up(&self, consumer: &BaseConsumer<Self>, partitions: &[i32], is_lost: bool) {
        // Who has them now does not wait for us.
        let limit = if is_lost { Duration::ZERO } else { self.release_timeout };
        let left = self.inbox.release(partitions, limit);
        if left > 0 {
            let why =
                if is_lost { "the group did not wait for them" } else { "they took longer than `release_timeout`" };
            tracing::warn!("{left} messages of `{}` at work here are handled again elsewhere: {why}", self.topic);
        }
        if !is_lost {
            // Those that are on their way may not arrive any more.
            self.inbox.uncommit(partitions.iter().copied());
            let _ = self.commit(consumer, Some(partitions), CommitMode::Sync);
        }
        self.inbox.remove_shares(partitions);
    }

    /// Commits what is done of these partitions, or of all.
    ///
    /// # Errors
    /// When it did not arrive, as far as it is known by now; it is made again with the next one.
    pub(super) fn commit(
        &self,
        consumer: &BaseConsumer<Self>,
        partitions: Option<&[i32]>,
        mode: CommitMode,
    ) -> KafkaResult<()> {
        let commits = self.inbox.commits(partitions);
        if commits.is_empty() {
            return Ok(());
        }
        let mut offsets = TopicPartitionList::with_capacity(commits.len());
        for (partition, offset) in &commits {
            offsets.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
        }
        consumer.commit(&offsets, mode).inspect_err(|error| {
            tracing::debug!("a commit of `{}` did not arrive: {}", self.topic, words(error));
            self.inbox.uncommit(commits.into_iter().map(|(partition, _)| partition));
        })
    }

    fn partitions(&self, list: &TopicPartitionList) -> Vec<i32> {
        list.elements_for_topic(&self.topic).iter().map(|element| element.partition()).collect()
    }
}
