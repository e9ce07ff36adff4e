//! The background work: keeps one lease for all methods, stands for each of them, and gives back at the stop.

use std::{
    convert::Infallible,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use etcd_client::Client;
use futures_util::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep, timeout};

use super::{
    Leader, Leadership, Office,
    election::{Election, Outcome, deleted},
};
use crate::{
    etcd::{Endpoints, Failure, Lease, Options},
    lifecycle::{Core, EventKind},
    logging::timestamp,
    settings::source::{Source, etcd_among, has_etcd},
    supervision::Backoff,
};

/// How long giving back may take; the lease expires by itself otherwise.
const FAREWELL: Duration = Duration::from_millis(800);

/// How long it waits at most before it tries again to reach an etcd that is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// Stands for all methods of a service that are led by one replica.
pub(crate) struct Candidacy {
    core: Arc<Core>,
    etcd: Arc<Options>,
    ttl: Duration,
    stands: Vec<Stand>,
    /// What has to be given back.
    held: Option<Lease>,
    /// Whether it was told that etcd is away.
    is_away: AtomicBool,
}

/// One method, and what it is elected to.
struct Stand {
    task: &'static str,
    office: Arc<Office>,
    election: Election,
}

impl Candidacy {
    /// Whether these sources say where replicas can agree.
    pub(crate) fn is_possible(sources: &[Box<dyn Source>]) -> bool {
        has_etcd(sources)
    }

    /// That of a service; `None` where no method of it is led.
    pub(crate) fn of(core: &Arc<Core>, ttl: Duration) -> Option<Self> {
        let source = etcd_among(&core.sources).filter(|_| !core.offices.is_empty())?;
        let (service, instance) = (core.about.name, &core.about.instance);
        let stand = |(task, office): (&&'static str, &Arc<Office>)| {
            let election = Election::new(source.prefix_of_keys(), service, task, instance);
            Stand { task, office: Arc::clone(office), election }
        };
        let stands = core.offices.iter().map(stand).collect();
        let etcd = Arc::new(source.etcd().clone());
        Some(Self { core: Arc::clone(core), etcd, ttl, stands, held: None, is_away: AtomicBool::new(false) })
    }

    /// Stands for every office until the service stops; then keeps what it has until no work of it runs any more, and
    /// gives it back.
    pub(crate) async fn run(mut self) {
        let stop = self.core.stop_asked.clone();
        tokio::select! {
            biased;
            () = stop.wait() => {}
            () = Box::pin(self.stand()) => {}
        }
        let held = self.held.take();
        let closed = join_all(self.stands.iter().map(|stand| stand.office.close()));
        let Some(lease) = held else { return };
        let mut endpoints = Endpoints::new(Arc::clone(&self.etcd));
        let is_lost = tokio::select! {
            biased;
            () = Box::pin(lease.keep(&mut endpoints)) => true,
            _ = closed => false,
        };
        if is_lost {
            return self.lose_all("etcd did not renew the lease in time");
        }
        // From here on it leads no more, whatever becomes of the answer.
        self.lose_all("the service stops");
        match timeout(FAREWELL, lease.revoke()).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => tracing::debug!("the lease of a leader expires by itself: {}", failure.what),
            Err(_) => tracing::debug!("the lease of a leader expires by itself: etcd does not answer"),
        }
    }

    /// Stands with one lease after the other.
    async fn stand(&mut self) {
        self.stands.iter().for_each(|stand| self.core.figures.leader(stand.task, false));
        let mut endpoints = Endpoints::new(Arc::clone(&self.etcd));
        let mut backoff = Backoff::new(Duration::from_millis(100), PATIENCE);
        loop {
            match Box::pin(self.grant(&mut endpoints)).await {
                Ok((client, lease)) => {
                    let began = Instant::now();
                    tokio::select! {
                        biased;
                        () = Box::pin(lease.keep(&mut endpoints)) => {}
                        () = Box::pin(self.campaign(client, &lease)) => {}
                    }
                    self.lose_all("etcd did not renew the lease in time");
                    if began.elapsed() > lease.ttl() {
                        backoff.healthy();
                    }
                }
                Err(failure) => self.away(&failure),
            }
            sleep(backoff.failed_with_jitter(fastrand::f64())).await;
        }
    }

    async fn grant(&mut self, endpoints: &mut Endpoints) -> Result<(Client, Lease), Failure> {
        let client = endpoints.connect().await?;
        let lease = Lease::grant(&client, self.ttl).await?;
        self.held = Some(lease.clone());
        Ok((client, lease))
    }

    /// Stands for every office with this lease, by one connection after the other. Goes on until it is dropped.
    async fn campaign(&self, mut client: Client, lease: &Lease) {
        let mut endpoints = Endpoints::new(Arc::clone(&self.etcd));
        let mut backoff = Backoff::new(Duration::from_millis(50), PATIENCE);
        loop {
            let began = Instant::now();
            let waiting = AtomicUsize::new(self.stands.len());
            let stands = self.stands.iter().map(|stand| Box::pin(self.stand_for(stand, &client, lease, &waiting)));
            let mut failure = match try_join_all(stands).await {
                Err(failure) => failure,
                Ok(never) => match never.into_iter().next() {
                    Some(never) => match never {},
                    None => pending().await,
                },
            };
            if began.elapsed() > lease.ttl() {
                backoff.healthy();
            }
            client = loop {
                // A connection that ends while another one serves is no loss.
                if backoff.failures() > 0 {
                    self.away(&failure);
                }
                sleep(backoff.failed_with_jitter(fastrand::f64())).await;
                match endpoints.connect().await {
                    Ok(client) => break client,
                    Err(again) => failure = again,
                }
            };
        }
    }

    /// Stands for one office by one connection, and holds it when it is elected; one of those that are `waiting` for an
    /// answer at first.
    async fn stand_for(
        &self,
        stand: &Stand,
        client: &Client,
        lease: &Lease,
        waiting: &AtomicUsize,
    ) -> Result<Infallible, Failure> {
        let Stand { office, election, .. } = stand;
        // Only one of them may be refused, again and again: then nothing is well again.
        let answered = || {
            if waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
                self.is_back();
            }
        };
        let mut watch = None;
        loop {
            if office.is_resigned() {
                election.withdraw(client, lease).await?;
                if watch.is_none() {
                    answered();
                }
                return pending().await;
            }
            let now = timestamp(self.core.clock.now());
            let answer = election.claim(client, lease, &now).await?;
            let token = match answer.outcome {
                Outcome::Mine(leader) => self.elect(stand, leader, lease),
                Outcome::Theirs(leader) => self.follow(stand, leader),
                Outcome::Nobodys(leader) => self.wait_for_somebody(stand, leader),
            };
            let watch = match &mut watch {
                Some(watch) => watch,
                None => {
                    answered();
                    watch.insert(election.watch(client, answer.revision + 1).await?)
                }
            };
            loop {
                tokio::select! {
                    biased;
                    () = office.resigned() => {
                        self.lose(stand, None, "it is left to other replicas");
                        break;
                    }
                    deleted = deleted(watch) => {
                        // That of a key before this one may come late.
                        let is_this = u64::try_from(deleted?).is_ok_and(|at| at > token);
                        if is_this {
                            self.lose(stand, None, "its key in etcd was deleted");
                            break;
                        }
                    }
                    // A watch that says nothing may be one that never will: etcd was put back to an older state, or what is
                    // between here and there swallows everything.
                    () = sleep(lease.ttl()) => break,
                }
            }
        }
    }

    /// This replica leads; gives back the token.
    fn elect(&self, stand: &Stand, leader: Leader, lease: &Lease) -> u64 {
        let Stand { task, office, .. } = stand;
        let token = leader.token;
        if office.term().is_some_and(|term| term.token() == token) {
            return token;
        }
        self.lose(stand, None, "its key in etcd is another one");
        office.elect(Leadership::new(token, lease.validity()), leader);
        tracing::info!("`{task}`: this replica is leader (token {token})");
        self.core.figures.elected(task);
        self.core.events.emit(EventKind::Elected { task, token });
        token
    }

    /// Somebody else leads; gives back the token.
    fn follow(&self, stand: &Stand, leader: Leader) -> u64 {
        let token = leader.token;
        if stand.office.leader().as_ref() != Some(&leader) {
            tracing::debug!("`{}`: `{}` is leader (token {token})", stand.task, leader.instance.escape_debug());
        }
        self.lose(stand, Some(leader), "another replica leads");
        token
    }

    /// Nobody leads, and nobody will; told, for only a person can change it. Gives back the token.
    fn wait_for_somebody(&self, stand: &Stand, leader: Leader) -> u64 {
        let Stand { task, office, election } = stand;
        let token = leader.token;
        let is_known = office.leader().as_ref() == Some(&leader);
        self.lose(stand, Some(leader), "its key in etcd was written by hand");
        if !is_known {
            let key = election.key();
            tracing::warn!(
                "`{task}`: nobody leads, for `{key}` was written by hand and belongs to no replica; delete it: \
                 `etcdctl del {key}`"
            );
        }
        token
    }

    fn lose_all(&self, why: &str) {
        self.stands.iter().for_each(|stand| self.lose(stand, None, why));
    }

    /// This replica does not lead; told, if it did.
    fn lose(&self, stand: &Stand, leader: Option<Leader>, why: &str) {
        let task = stand.task;
        let Some(term) = stand.office.stand_by(leader) else { return };
        let token = term.token();
        if self.core.stop_asked.is_triggered() {
            tracing::debug!("`{task}`: this replica is not leader any more (token {token}): {why}");
        } else {
            tracing::warn!("`{task}`: this replica is not leader any more (token {token}): {why}");
        }
        self.core.figures.leader(task, false);
        self.core.events.emit(EventKind::LeadershipLost { task, token, why: why.to_owned() });
    }

    /// Told once.
    fn away(&self, failure: &Failure) {
        if self.is_away.swap(true, Ordering::Relaxed) {
            return tracing::debug!("etcd is not there to elect a leader: {}", failure.what);
        }
        let methods: Vec<String> = self.stands.iter().map(|stand| format!("`{}`", stand.task)).collect();
        let methods = methods.join(", ");
        tracing::warn!("no leader is elected for {methods}: {}; tried again until it succeeds", failure.what);
    }

    fn is_back(&self) {
        if self.is_away.swap(false, Ordering::Relaxed) {
            tracing::info!("leaders are elected again");
        }
    }
}
