//! Watches one client: whether it reaches the cluster, and is in its group.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use rdkafka::{ClientContext, Statistics, config::RDKafkaLogLevel, error::KafkaError, types::RDKafkaErrorCode};
use tokio::time::Instant;

use super::troubles::Troubles;
use crate::{Context, Error, messaging::engine::Links};

/// What is known of one client.
pub(super) struct Watch {
    role: String,
    cx: Context,
    links: Arc<Links>,
    seen: Mutex<Seen>,
    /// How many messages wait at the brokers for this client; negative when it is not known.
    lag: AtomicI64,
    /// It has left its group and not found back.
    is_stuck: AtomicBool,
    /// How long it may take to be in its group.
    patience: Duration,
}

/// Since when a client is not in its group although it could be.
#[derive(Default)]
struct Outside(Option<Instant>);

#[derive(Default)]
struct Seen {
    /// Why the cluster is not reached, if it is not.
    down: Option<Arc<str>>,
    troubles: Troubles,
    /// It was reached at some time.
    is_known: bool,
    outside: Outside,
    /// How many partitions its topic has.
    partitions: i32,
}

impl Watch {
    pub(super) fn new(cx: &Context, links: &Arc<Links>, role: String, patience: Duration) -> Arc<Self> {
        Arc::new(Self {
            role,
            cx: cx.clone(),
            links: Arc::clone(links),
            seen: Mutex::default(),
            lag: AtomicI64::new(-1),
            is_stuck: AtomicBool::new(false),
            patience,
        })
    }

    /// Why the cluster is not reached, if it is not.
    pub(super) fn down(&self) -> Option<Arc<str>> {
        self.lock().down.clone()
    }

    /// What is wrong, as it was last told, and whether [all brokers refuse](Troubles::is_refusal).
    pub(super) fn trouble(&self) -> (Option<String>, bool) {
        let seen = self.lock();
        (seen.troubles.last().map(str::to_owned), seen.troubles.is_refusal())
    }

    /// How many messages wait at the brokers, if it is known.
    pub(super) fn lag(&self) -> Option<i64> {
        Some(self.lag.load(Ordering::Relaxed)).filter(|lag| *lag >= 0)
    }

    /// How many partitions its topic has, as far as it has heard.
    pub(super) fn partitions(&self) -> i32 {
        self.lock().partitions
    }

    /// Whether it has left its group and not found back; asked once.
    pub(super) fn take_stuck(&self) -> bool {
        self.is_stuck.swap(false, Ordering::Relaxed)
    }

    /// The client is not reached, or does not get what it asks for.
    pub(super) fn lost(&self, why: &str) {
        let mut seen = self.lock();
        let is_new = seen.down.replace(why.into()).is_none();
        drop(seen);
        if is_new {
            self.links.lost(self.role.clone(), why);
        } else {
            self.links.still_lost(&Error::msg(why.to_owned()));
        }
    }

    /// It is reached.
    pub(super) fn found(&self) {
        let mut seen = self.lock();
        seen.troubles.reached();
        seen.is_known = true;
        let was_down = seen.down.take().is_some();
        drop(seen);
        if was_down {
            self.links.found(&self.role);
        }
    }

    /// Looks at what the client tells every second.
    fn look(&self, told: &Statistics) {
        let is_reached = self.lock().troubles.look(&told.brokers);
        if is_reached {
            self.found();
        }
        let of_partitions = || told.topics.values().flat_map(|topic| topic.partitions.values());
        let lags = || of_partitions().map(|partition| partition.consumer_lag).filter(|lag| *lag >= 0);
        self.lag.store(lags().reduce(i64::saturating_add).unwrap_or(-1), Ordering::Relaxed);
        let mut seen = self.lock();
        seen.partitions = of_partitions().map(|partition| partition.partition + 1).max().unwrap_or_default();
        if seen.outside.is_for_longer_than(self.patience, is_reached, told) {
            self.is_stuck.store(true, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the client tells by itself.
impl Watch {
    /// The client says much, and all of it again at each attempt; what matters is told once, by [`Links`].
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        let _here = self.cx.scope().enter();
        match facility {
            // Messages that the broker had no room for any longer.
            "OFFSET" if level as i32 <= RDKafkaLogLevel::Warning as i32 => tracing::warn!("{}: {text}", self.role),
            _ => tracing::debug!("{}: {facility}: {text}", self.role),
        }
    }

    fn error(&self, error: &KafkaError, reason: &str) {
        let _here = self.cx.scope().enter();
        tracing::debug!("{}: {error}: {reason}", self.role);
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AllBrokersDown) => {
                let mut seen = self.lock();
                seen.troubles.hear_all(reason);
                // A start says so itself.
                let is_refusal = seen.is_known && seen.troubles.is_refusal();
                let why = seen.troubles.last().unwrap_or(reason).to_owned();
                drop(seen);
                self.lost(&why);
                if is_refusal {
                    self.links.refused(&Error::msg(why));
                }
            }
            code => self.lock().troubles.hear(code, reason),
        }
    }
}

/// A client that is watched.
#[derive(Clone)]
pub(super) struct Watched(pub(super) Arc<Watch>);

impl ClientContext for Watched {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }

    fn stats(&self, told: Statistics) {
        self.0.look(&told);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(&error, reason);
    }
}

impl Outside {
    /// Whether it is high time to begin anew; told once. The client may leave its group without a word, and not come back.
    fn is_for_longer_than(&mut self, patience: Duration, is_reached: bool, told: &Statistics) -> bool {
        let is_inside = told.cgrp.as_ref().is_none_or(|group| group.state == "up" && group.join_state == "steady");
        if is_inside || !is_reached {
            self.0 = None;
            return false;
        }
        let since = *self.0.get_or_insert_with(Instant::now);
        let is_high_time = since.elapsed() > patience;
        if is_high_time {
            self.0 = None;
        }
        is_high_time
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::statistics::ConsumerGroup;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_find_back_to_its_group_is_noticed_once() {
        let told = |state: &str, join_state: &str| {
            let (state, join_state) = (state.to_owned(), join_state.to_owned());
            let cgrp = Some(ConsumerGroup { state, join_state, ..ConsumerGroup::default() });
            Statistics { cgrp, ..Statistics::default() }
        };
        let (member, joining) = (told("up", "steady"), told("up", "wait-join"));
        let (mut outside, patience) = (Outside::default(), Duration::from_secs(10));
        let mut after = async |seconds, is_reached, told| {
            tokio::time::advance(Duration::from_secs(seconds)).await;
            outside.is_for_longer_than(patience, is_reached, told)
        };
        assert!(!after(0, true, &joining).await && !after(9, true, &joining).await);
        assert!(!after(9, true, &member).await, "it came back in time");
        assert!(!after(1, true, &joining).await && !after(5, false, &joining).await);
        assert!(!after(9, true, &joining).await, "without a cluster there is no group to be in");
        assert!(!after(9, true, &joining).await && after(2, true, &joining).await);
        assert!(!after(1, true, &joining).await, "it was told");
    }
}
