//! What the thread does: read everything, watch from there, and begin again when the watch ends.

use std::{sync::Arc, time::Duration};

use etcd_client::{WatchResponse, WatchStream};
use tokio::time::{Instant, sleep};

use super::{
    connection::{Connection, Snapshot},
    failure::Failure,
    options::Options,
    standing::Standing,
};
use crate::{
    settings::{origin::Origin, problem::Problem},
    supervision::Backoff,
};

/// How often a key that is waited for is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// What the thread does.
pub(super) struct Follower {
    options: Arc<Options>,
    standing: Arc<Standing>,
    /// The endpoint that is tried first.
    next: usize,
    backoff: Backoff,
}

impl Follower {
    pub(super) fn new(options: Arc<Options>, standing: Arc<Standing>) -> Self {
        let backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(10));
        Self { options, standing, next: 0, backoff }
    }

    /// Goes on until it is dropped, or the start is over without a tree.
    pub(super) async fn run(mut self) {
        let began = Instant::now();
        loop {
            match self.round().await {
                Ok((mut connection, snapshot)) => {
                    self.backoff.healthy();
                    let revision = snapshot.revision;
                    self.standing.replace(snapshot.keys);
                    let why = self.follow(&mut connection, revision).await;
                    tracing::debug!("the watch of etcd ended: {}", why.what);
                }
                Err(failures) => {
                    if began.elapsed() > self.options.start_timeout {
                        self.standing.give_up(self.told(failures));
                        return;
                    }
                }
            }
            sleep(self.backoff.failed_with_jitter(fastrand::f64())).await;
        }
    }

    /// Reads the tree from the first endpoint that gives it, or tells why none does.
    async fn round(&mut self) -> Result<(Connection, Snapshot), Vec<(usize, Failure)>> {
        let count = self.options.endpoints.len();
        let mut failures = Vec::new();
        for at in (self.next..self.next + count).map(|at| at % count) {
            match self.attempt(at).await {
                Ok(read) => {
                    self.next = at;
                    return Ok(read);
                }
                Err(failure) => failures.push((at, failure)),
            }
        }
        Err(failures)
    }

    async fn attempt(&self, at: usize) -> Result<(Connection, Snapshot), Failure> {
        let mut connection = Connection::open(&self.options, &self.options.endpoints[at]).await?;
        if let Some(key) = &self.options.check_key {
            while !connection.has(key).await? {
                sleep(LOOK).await;
            }
        }
        let snapshot = connection.read(&self.options.prefix).await?;
        Ok((connection, snapshot))
    }

    /// Takes over what changes; why that ended.
    async fn follow(&self, connection: &mut Connection, mut revision: i64) -> Failure {
        let mut watch = match connection.watch(&self.options.prefix, revision + 1).await {
            Ok(watch) => watch,
            Err(failure) => return failure,
        };
        loop {
            match self.take(&mut watch, &mut revision).await {
                Ok(()) => {}
                Err(failure) => return failure,
            }
        }
    }

    async fn take(&self, watch: &mut WatchStream, revision: &mut i64) -> Result<(), Failure> {
        let answer = watch.message().await?.ok_or_else(|| Failure::unavailable("etcd ended the watch"))?;
        check(&answer, *revision)?;
        if let Some(header) = answer.header() {
            *revision = header.revision();
        }
        if answer.events().is_empty() {
            return Ok(());
        }
        self.standing.change(|keys| {
            for kv in answer.events().iter().filter_map(|event| event.kv()) {
                // A key that is gone has no version; the kind of an event may be one that is not known here.
                if kv.version() == 0 {
                    keys.delete(kv.key());
                } else {
                    keys.put(kv.key().to_vec(), kv.value(), kv.mod_revision());
                }
            }
        });
        Ok(())
    }

    fn told(&self, failures: Vec<(usize, Failure)>) -> Vec<Problem> {
        let told = failures.into_iter().map(|(at, failure)| {
            let origin = Origin::named(format!("etcd {}", self.options.endpoints[at]));
            let problem = Problem::of_source(origin, failure.what);
            failure.help.into_iter().fold(problem, Problem::help)
        });
        told.collect()
    }
}

/// Whether what the watch says goes on from what is known.
fn check(answer: &WatchResponse, revision: i64) -> Result<(), Failure> {
    if answer.canceled() {
        let reason = answer.cancel_reason();
        return Err(match answer.compact_revision() {
            0 => Failure::unavailable(format!("etcd ended the watch: {reason}")),
            _ => Failure::unavailable("what happened meanwhile is compacted"),
        });
    }
    // A server that was restored from a backup, or another one at the same address.
    match answer.header() {
        Some(header) if header.revision() < revision => Err(Failure::unavailable("etcd is at an older revision")),
        _ => Ok(()),
    }
}
