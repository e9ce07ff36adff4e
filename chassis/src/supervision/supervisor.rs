//! Restarts resources that failed, by their policy.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};

use tokio::{
    sync::{OwnedMutexGuard, mpsc},
    task::JoinSet,
    time::Instant,
};

use super::{Backoff, ResourceRestart, RestartLog, RestartPolicySettings, Strategy};
use crate::{
    Error,
    error::Cause,
    lifecycle::{Core, Engine, EventKind, News, Report, for_people},
    resource::{Health, State},
    tasks::catch,
};

/// Hears of failures and restarts what failed.
pub(crate) struct Supervisor {
    engine: Arc<Engine>,
    policy: RestartPolicySettings,
    patients: Vec<Arc<Patient>>,
    born: Instant,
    /// Resources that are being restarted.
    busy: Arc<Mutex<HashSet<usize>>>,
    /// Resources that wait for the end of another restart, to be restarted with changed settings.
    awaiting: Mutex<HashSet<usize>>,
}

/// What the supervisor remembers of one resource.
struct Patient {
    history: Mutex<History>,
    /// Held by a restart; one that concerns several resources takes them in order.
    lock: Arc<tokio::sync::Mutex<()>>,
}

struct History {
    log: RestartLog,
    backoff: Backoff,
    started: Instant,
}

impl Supervisor {
    pub(crate) fn new(engine: Arc<Engine>) -> Arc<Self> {
        let policy = engine.core().lifecycle.restart_policy.clone();
        let patient = || {
            Arc::new(Patient {
                history: Mutex::new(History {
                    log: RestartLog::default(),
                    backoff: Backoff::default(),
                    started: Instant::now(),
                }),
                lock: Arc::default(),
            })
        };
        let patients = engine.core().resources.iter().map(|_| patient()).collect();
        Arc::new(Self {
            engine,
            policy,
            patients,
            born: Instant::now(),
            busy: Arc::default(),
            awaiting: Mutex::default(),
        })
    }

    /// Restarts resources that nothing is wrong with, so that they work with their changed settings; together, in the
    /// order of the graph. If they do not start again, that is a failure like any other.
    pub(crate) async fn replace(&self, mut selection: Vec<usize>) {
        {
            // One that waits for its turn already will start with what is in force by then.
            let mut awaiting = self.awaiting.lock().unwrap_or_else(PoisonError::into_inner);
            selection.retain(|at| awaiting.insert(*at));
        }
        let Some(&first) = selection.first() else { return };
        let selection = &selection[..];
        let core = self.engine.core();
        let _locks = self.lock_all(selection).await;
        self.awaiting.lock().unwrap_or_else(PoisonError::into_inner).retain(|at| !selection.contains(at));
        self.set_busy(selection, true);
        self.engine.stop_for_restart(selection).await;
        match self.engine.start_for_restart(selection).await {
            Ok(()) => {
                for &at in selection {
                    core.set_health(at, Health::pass());
                    tracing::info!("resource `{}` was restarted with its changed settings", core.resources[at].name);
                }
            }
            Err(error) => self.revive(first, selection, error.context("with its changed settings")).await,
        }
        self.set_busy(selection, false);
    }

    /// Whether resources are being restarted: then nobody listens to what they report.
    fn set_busy(&self, selection: &[usize], is_busy: bool) {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        match is_busy {
            true => busy.extend(selection),
            false => busy.retain(|at| !selection.contains(at)),
        }
    }

    /// Deals with reports until it is cancelled; restarts that are under way are cancelled with it.
    pub(crate) async fn run(self: Arc<Self>, mut reports: mpsc::UnboundedReceiver<Report>) {
        let mut restarts = JoinSet::new();
        let scope = Arc::clone(&self.engine.core().scope);
        loop {
            tokio::select! {
                report = reports.recv() => {
                    let Some(report) = report else { return };
                    let supervisor = Arc::clone(&self);
                    let life = report.life;
                    if let Some((at, error)) = self.hear(report) {
                        restarts.spawn(scope.wrap(async move { supervisor.attend(at, life, error).await }));
                    }
                }
                Some(_) = restarts.join_next() => {}
            }
        }
    }

    /// Notes a report; gives back what has to be restarted because of it.
    fn hear(&self, report: Report) -> Option<(usize, Error)> {
        let core = self.engine.core();
        let Report { resource: at, life, news } = report;
        let cell = &core.resources[at];
        let is_busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner).contains(&at);
        if is_busy || life != cell.life.load(Ordering::Acquire) {
            return None;
        }
        let (error, is_lost_peer) = match news {
            News::Well => {
                if cell.state() == State::Connecting {
                    core.set_state(at, State::Started);
                    tracing::info!("resource `{}` has its peer back", cell.name);
                }
                core.set_health(at, Health::pass());
                return None;
            }
            // It reaches out for its peer by itself; work that has ended comes back only by a restart.
            News::Failed(error) if error.is_unavailable() => (error, true),
            News::Failed(error) | News::Ended(error) => (error, false),
        };
        // A thousand reports of one outage are one line and one event; why it goes on is what was said last.
        if !(is_lost_peer && cell.state() == State::Connecting) {
            core.events.emit(EventKind::Failed {
                resource: cell.name,
                cause: error.cause(),
                error: format!("{error:#}"),
            });
            if is_lost_peer {
                tracing::warn!("resource `{}` has lost its peer: {error:#}; it goes on trying", cell.name);
                core.set_state(at, State::Connecting);
            }
        }
        core.set_last_error(at, &error);
        if is_lost_peer {
            core.set_health(at, Health::fail(format!("{error:#}")));
            return None;
        }
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).insert(at);
        Some((at, error))
    }

    /// Restarts a resource; a mistake of our own in that ends the service instead of leaving it without the resource.
    async fn attend(&self, at: usize, life: u64, error: Error) {
        let restart = async {
            self.restart(at, life, error).await;
            Ok(())
        };
        if let Err(error) = catch(restart).await {
            let core = self.engine.core();
            core.fail(format!("the restart of resource `{}` failed", core.resources[at].name), error);
        }
    }

    /// Restarts a resource that has failed in this life of it.
    async fn restart(&self, at: usize, life: u64, error: Error) {
        let core = self.engine.core();
        let name = core.resources[at].name;
        if self.policy.restart_of(name) == ResourceRestart::Microservice {
            tracing::error!("resource `{name}` failed: {error:#}; the service stops");
            core.set_state(at, State::Failed);
            core.fail(format!("resource `{name}` failed"), Error::crashed(error));
            return;
        }
        let selection = match self.policy.strategy.get() {
            Strategy::OneForOne => vec![at],
            // Parts of the chassis around the service's own need nothing of them.
            Strategy::RestForOne => {
                let mut selection = core.graph.with_dependents(at);
                selection.retain(|&other| other == at || !core.resources[other].is_builtin);
                selection
            }
        };
        let _locks = self.lock_all(&selection).await;
        if life != core.resources[at].life.load(Ordering::Acquire) {
            // What it depends on has failed too, and it was restarted with that.
            self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
            return;
        }
        self.revive(at, &selection, error).await;
    }

    /// Restarts resources again and again, because one of them has failed, until all are started or it is given up.
    async fn revive(&self, at: usize, selection: &[usize], mut error: Error) {
        let core = self.engine.core();
        let name = core.resources[at].name;
        loop {
            core.set_state(at, State::Failed);
            core.set_health(at, Health::fail(format!("{error:#}")));
            let Some(delay) = self.next_delay(at, &error) else {
                return self.give_up(at, error);
            };
            let restarts = core.resources[at].restarts.fetch_add(1, Ordering::Relaxed) + 1;
            core.figures.resource_restarted(name);
            core.events.emit(EventKind::Restarting { resource: name, restarts, delay });
            if error.is_unavailable() && restarts > 1 {
                tracing::debug!("resource `{name}` failed: {error:#}; restart {restarts} in {}", for_people(delay));
            } else {
                tracing::error!("resource `{name}` failed: {error:#}; restart {restarts} in {}", for_people(delay));
            }
            self.engine.stop_for_restart(selection).await;
            tokio::time::sleep(delay).await;
            match self.engine.start_for_restart(selection).await {
                Ok(()) => break,
                Err(failed) => error = failed,
            }
        }
        self.history(at).started = Instant::now();
        for &at in selection {
            core.set_health(at, Health::pass());
        }
        tracing::info!("resource `{name}` works again");
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&at);
    }

    /// How long to wait before the next attempt; `None` when there is none.
    fn next_delay(&self, at: usize, error: &Error) -> Option<std::time::Duration> {
        let mut history = self.history(at);
        if self.engine.is_started(at) && history.started.elapsed() >= self.policy.forget_after.get() {
            history.log.forget();
            history.backoff.healthy();
        }
        let is_allowed = match error.cause() {
            Cause::Unavailable => true,
            Cause::Misconfigured => false,
            Cause::Crashed => history.log.allows(self.born.elapsed(), self.policy.intensity()),
        };
        history.backoff.set_limits(self.policy.backoff_min.get(), self.policy.backoff_max.get());
        is_allowed.then(|| history.backoff.failed_with_jitter(fastrand::f64()))
    }

    fn give_up(&self, at: usize, error: Error) {
        let core: &Core = self.engine.core();
        let name = core.resources[at].name;
        core.events.emit(EventKind::GaveUp { what: name });
        let how = if error.is_misconfigured() { "" } else { " too often" };
        tracing::error!("resource `{name}` failed{how}: {error:#}; the service stops");
        core.fail(format!("resource `{name}` failed{how}"), error);
    }

    async fn lock_all(&self, selection: &[usize]) -> Vec<OwnedMutexGuard<()>> {
        let mut locks = Vec::with_capacity(selection.len());
        let mut selection = selection.to_vec();
        // Everybody in the same order, so that nobody waits for somebody who waits for him.
        selection.sort_unstable();
        for at in selection {
            locks.push(Arc::clone(&self.patients[at].lock).lock_owned().await);
        }
        locks
    }

    fn history(&self, at: usize) -> std::sync::MutexGuard<'_, History> {
        self.patients[at].history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
