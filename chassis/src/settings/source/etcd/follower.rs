//! What the thread does: read everything, watch from there, and begin again when the watch ends.

use std::{
    convert::Infallible,
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use etcd_client::WatchResponse;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    cache::Cache,
    connection::{Connection, Snapshot},
    options::Options,
    standing::Standing,
};
use crate::{
    Cause,
    etcd::{Failure, diagnose, next},
    scope::Scope,
    settings::{origin::Origin, problem::Problem, value::show_duration},
    supervision::Backoff,
};

/// After how long a start that has not heard from etcd says so.
const SILENCE: Duration = Duration::from_secs(2);

/// How often a key that is waited for is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// So many watches that end at once are no accident.
const SHORT_WATCHES: u32 = 3;

/// A watch that lasts for this long shows that etcd is well.
const STABLE: Duration = Duration::from_secs(2);

/// What the thread does.
pub(super) struct Follower {
    options: Arc<Options>,
    standing: Arc<Standing>,
    /// The endpoint that is tried first.
    next: usize,
    /// Why each endpoint did not serve when it was last tried.
    failures: Vec<Option<Failure>>,
    backoff: Backoff,
    /// Whether somebody waits for the first read, until when.
    start: Option<Instant>,
    /// A line of the log said that etcd is away.
    is_told: Arc<AtomicBool>,
}

impl Follower {
    pub(super) fn new(options: Arc<Options>, standing: Arc<Standing>) -> Self {
        let count = options.etcd.endpoints.len();
        Self {
            // Many services that start together spread over the endpoints.
            next: fastrand::usize(..count.max(1)),
            failures: vec![None; count],
            backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
            start: None,
            is_told: Arc::default(),
            options,
            standing,
        }
    }

    /// Goes on until it is dropped, or until the start is over without a tree.
    pub(super) async fn run(mut self) {
        let deadline = Instant::now() + self.options.start_timeout;
        self.start = Some(deadline);
        let (options, is_told) = (Arc::clone(&self.options), Arc::clone(&self.is_told));
        let first = tokio::select! {
            first = timeout_at(deadline, Box::pin(self.first_read())) => first,
            never = tell_of_silence(&options, &is_told) => match never {},
        };
        match first {
            Ok(Ok(read)) => self.follow(read).await,
            Ok(Err(())) | Err(_) if self.use_cache() => {}
            Ok(Err(())) | Err(_) => return self.standing.give_up(self.problems()),
        }
        loop {
            sleep(self.backoff.failed_with_jitter(fastrand::f64())).await;
            match self.round().await {
                Some(read) => self.follow(read).await,
                None => self.tell_lost(),
            }
        }
    }

    /// Tries until it succeeds, or until it is known that it never will.
    async fn first_read(&mut self) -> Result<(Connection, Snapshot), ()> {
        loop {
            if let Some(read) = self.round().await {
                return Ok(read);
            }
            let mut failures = self.failures.iter().flatten();
            let is_hopeless = failures.clone().any(|failure| failure.is_final);
            if is_hopeless || failures.all(|failure| failure.cause == Cause::Misconfigured) {
                return Err(());
            }
            self.tell_waiting("etcd does not answer yet");
            sleep(self.backoff.failed_with_jitter(fastrand::f64())).await;
        }
    }

    /// Whether the start goes on with what was kept of an earlier one: where etcd is away, not where it refuses.
    fn use_cache(&mut self) -> bool {
        let Some(path) = &self.options.cache_file else { return false };
        if self.failures.iter().flatten().any(|failure| failure.cause != Cause::Unavailable) {
            return false;
        }
        let cache = match Cache::read(path, &self.options.prefix) {
            Ok(cache) => cache,
            Err(why) => {
                tracing::warn!("the settings kept in `{}` cannot be used: {why}", path.display());
                return false;
            }
        };
        let reasons = self.reasons();
        let what = format!("the settings are those of {}, kept in `{}`", cache.written, path.display());
        if !cache.left_out.is_empty() {
            // Told here and now: the start may fail because of them.
            tracing::warn!("{what}; secrets are not among them: {}", cache.left_out.join(", "));
        }
        let warning = Problem::of_source(Origin::named("etcd"), format!("is not there ({reasons}); {what}"));
        self.start = None;
        self.is_told.store(true, Ordering::Relaxed);
        self.standing.lost(Some(format!("etcd is not there, {what}: {reasons}")));
        self.standing.use_cache(cache.keys(), warning);
        true
    }

    /// Reads the tree from the first endpoint that gives it.
    async fn round(&mut self) -> Option<(Connection, Snapshot)> {
        let count = self.options.etcd.endpoints.len();
        for at in (self.next..self.next + count).map(|at| at % count) {
            match self.attempt(at).await {
                Ok(read) => {
                    // When this one is lost, another one is the better choice.
                    self.next = (at + 1) % count;
                    self.failures.fill(None);
                    return Some(read);
                }
                Err(failure) => self.failures[at] = Some(failure),
            }
        }
        None
    }

    async fn attempt(&mut self, at: usize) -> Result<(Connection, Snapshot), Failure> {
        let options = Arc::clone(&self.options);
        // What is told where the start ends in the middle of it.
        self.failures[at] = Some(Failure::unavailable("no answer yet"));
        match self.read(at, &options).await {
            Err(failure) if failure.is_vague => Err(diagnose(&options.etcd, at).await.unwrap_or(failure)),
            read => read,
        }
    }

    async fn read(&mut self, at: usize, options: &Options) -> Result<(Connection, Snapshot), Failure> {
        let mut connection = Connection::open(&options.etcd, &options.etcd.endpoints[at]).await?;
        if let Some(key) = &options.check_key {
            self.wait_for(key, at, &mut connection).await?;
        }
        let snapshot = connection.read(&options.prefix).await?;
        Ok((connection, snapshot))
    }

    /// Waits until the key exists. Once the service runs nobody waits: what is in force stays, and it is tried again.
    async fn wait_for(&mut self, key: &str, at: usize, connection: &mut Connection) -> Result<(), Failure> {
        while !connection.has(key).await? {
            let missing = Failure::unavailable(format!("the key `{}` does not exist", key.escape_debug()))
                .help("whoever writes the settings writes it last; `CHASSIS_ETCD_CHECK_KEY` is its name");
            if self.start.is_none() {
                return Err(missing);
            }
            self.failures[at] = Some(missing);
            self.tell_waiting("etcd does not have all settings yet");
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Takes over what was read, and what changes from there on.
    async fn follow(&mut self, (mut connection, snapshot): (Connection, Snapshot)) {
        let revision = snapshot.revision;
        self.start = None;
        self.standing.replace(snapshot.keys);
        let why = self.watch(&mut connection, revision).await;
        tracing::debug!("the watch of etcd ended: {}", why.what);
        if self.backoff.failures() > SHORT_WATCHES {
            // Reading succeeds again and again, and following does not.
            let count = self.options.etcd.endpoints.len();
            self.failures[(self.next + count - 1) % count] = Some(why);
            self.tell_lost();
        }
    }

    async fn watch(&mut self, connection: &mut Connection, mut revision: i64) -> Failure {
        let mut watch = match connection.watch(&self.options.prefix, revision + 1).await {
            Ok(watch) => watch,
            Err(failure) => return failure,
        };
        let mut stable = Some(Instant::now() + STABLE);
        loop {
            let answer = match stable {
                Some(moment) => timeout_at(moment, next(&mut watch)).await,
                None => Ok(next(&mut watch).await),
            };
            let Ok(answer) = answer else {
                self.tell_stable();
                stable = None;
                continue;
            };
            let answer = match answer.and_then(|answer| check(answer, revision)) {
                Ok(answer) => answer,
                Err(failure) => return failure,
            };
            revision = answer.header().map_or(revision, etcd_client::ResponseHeader::revision);
            self.standing.apply(&answer, &self.options.prefix);
        }
    }

    /// One line while somebody waits, not one for each attempt.
    fn tell_waiting(&self, what: &str) {
        tell_waiting(&self.options, &self.is_told, what, &self.reasons());
    }

    /// One line when etcd is lost, not one for each attempt; the health says it for as long as it lasts.
    fn tell_lost(&mut self) {
        let reasons = self.reasons();
        if !self.is_told.swap(true, Ordering::Relaxed) {
            tracing::warn!("etcd is lost, the settings stay as they were read last: {reasons}");
        }
        self.standing.lost(Some(format!("etcd is lost, the settings are those it had: {reasons}")));
    }

    fn tell_stable(&mut self) {
        self.backoff.healthy();
        self.standing.lost(None);
        if self.is_told.swap(false, Ordering::Relaxed) {
            tracing::info!("etcd is there, its settings are followed");
        }
    }

    fn reasons(&self) -> String {
        let failures = self.options.etcd.endpoints.iter().zip(&self.failures);
        let reasons =
            failures.filter_map(|(endpoint, failure)| Some(format!("{endpoint}: {}", failure.as_ref()?.what)));
        reasons.collect::<Vec<_>>().join("; ")
    }

    /// Why the start has no settings: one problem for each endpoint that was tried.
    fn problems(&self) -> Vec<Problem> {
        let failures = self.options.etcd.endpoints.iter().zip(&self.failures);
        let told = failures.filter_map(|(endpoint, failure)| {
            let origin = Origin::named(format!("etcd {endpoint}"));
            Some(failure.as_ref()?.problem(origin, self.options.start_timeout))
        });
        told.collect()
    }
}

/// An endpoint that accepts a connection and says nothing is heard of by nobody, until now.
async fn tell_of_silence(options: &Options, is_told: &AtomicBool) -> Infallible {
    sleep(SILENCE).await;
    tell_waiting(options, is_told, "etcd does not answer yet", &options.etcd.endpoints.join("; "));
    std::future::pending().await
}

fn tell_waiting(options: &Options, is_told: &AtomicBool, what: &str, reasons: &str) {
    if is_told.swap(true, Ordering::Relaxed) {
        return;
    }
    let limit = show_duration(options.start_timeout);
    let line = format!("{what}, waiting for at most {limit}: {reasons}");
    if Scope::current().is_some() {
        tracing::warn!("{line}");
    } else {
        // Where no service is at work there is no log: `check` and the tools of the command line.
        let _ = writeln!(std::io::stderr().lock(), "{line}");
    }
}

/// Whether what the watch says goes on from what is known.
fn check(answer: WatchResponse, revision: i64) -> Result<WatchResponse, Failure> {
    // A server that was restored from a backup, or another one at the same address.
    match answer.header() {
        Some(header) if header.revision() < revision => Err(Failure::unavailable("etcd is at an older revision")),
        _ => Ok(answer),
    }
}
