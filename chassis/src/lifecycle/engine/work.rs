//! What runs beside the resources: tasks, threads, timers, and what watches over the service.

use std::{
    future::Future,
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::Engine;
use crate::{
    Result,
    leadership::Candidacy,
    lifecycle::{Report, StopReason, health, reload},
    supervision::Supervisor,
    tasks::{self, TaskPlan, ThreadPlan, TimerPlan, catch},
};

/// How long a stop may wait until leaderships are given back.
const FAREWELL: Duration = Duration::from_secs(1);

/// What was not started yet, and what runs.
#[derive(Default)]
pub(super) struct Work {
    pub(super) planned_tasks: Vec<TaskPlan>,
    pub(super) planned_threads: Vec<ThreadPlan>,
    pub(super) planned_timers: Vec<TimerPlan>,
    pub(super) planned_candidacy: Option<Candidacy>,
    pub(super) tasks: JoinSet<()>,
    pub(super) timers: JoinSet<()>,
    pub(super) candidacy: JoinSet<()>,
    pub(super) threads: Vec<oneshot::Receiver<()>>,
    /// The supervisor, the health checks, the watch over the event loop.
    pub(super) keepers: JoinSet<()>,
}

impl Engine {
    /// Starts tasks and threads.
    pub(super) fn start_work(self: &Arc<Self>) -> Result<()> {
        let mut work = self.work();
        for plan in std::mem::take(&mut work.planned_tasks) {
            work.tasks.spawn(self.core.scope.wrap(tasks::task::run(plan, Arc::clone(&self.core))));
        }
        for plan in std::mem::take(&mut work.planned_threads) {
            let end = tasks::thread::start(plan, &self.core)?;
            work.threads.push(end);
        }
        Ok(())
    }

    pub(super) fn start_timers(self: &Arc<Self>) {
        let mut work = self.work();
        let plans = std::mem::take(&mut work.planned_timers);
        if plans.is_empty() {
            return;
        }
        let core = Arc::clone(&self.core);
        work.timers.spawn(self.core.scope.wrap(async move {
            let timers = tasks::timers::run(plans, Arc::clone(&core));
            if let Err(error) = catch(timers.map(Ok)).await {
                core.fail("the timers failed".to_owned(), error);
            }
        }));
    }

    /// Stands for what only one replica may run.
    pub(super) fn start_candidacy(self: &Arc<Self>) {
        let mut work = self.work();
        let Some(candidacy) = work.planned_candidacy.take() else { return };
        let core = Arc::clone(&self.core);
        work.candidacy.spawn(self.core.scope.wrap(async move {
            if let Err(error) = catch(candidacy.run().map(Ok)).await {
                core.fail("the election of leaders failed".to_owned(), error);
            }
        }));
    }

    /// Waits until what this replica leads is given back. Where work of it goes on, it is not: another replica could
    /// begin too early, and takes over once the lease has expired.
    pub(super) async fn end_candidacy(&self, until: Instant) {
        let mut candidacy = std::mem::take(&mut self.work().candidacy);
        let all = async { while candidacy.join_next().await.is_some() {} };
        let _ = timeout_at(until.min(Instant::now() + FAREWELL), all).await;
        candidacy.shutdown().await;
    }

    /// Starts what watches over the service while it runs.
    pub(super) fn start_keepers(self: &Arc<Self>, reports: mpsc::UnboundedReceiver<Report>) {
        let mut work = self.work();
        let scope = &self.core.scope;
        let supervisor = Supervisor::new(Arc::clone(self));
        work.keepers.spawn(scope.wrap(Arc::clone(&supervisor).run(reports)));
        work.keepers.spawn(scope.wrap(reload::follow(Arc::clone(self), supervisor)));
        work.keepers.spawn(scope.wrap(health::watch(Arc::clone(self))));
        work.keepers.spawn(scope.wrap(self.core.figures.watch_event_loop()));
        work.keepers.spawn(scope.wrap(self.core.metrics.keep_up()));
    }

    /// Ends what watches over the service; names what did not end in time.
    pub(super) async fn end_keepers(&self, until: Instant) -> Vec<String> {
        let mut keepers = std::mem::take(&mut self.work().keepers);
        if timeout_at(until, keepers.shutdown()).await.is_ok() {
            return Vec::new();
        }
        // They only wait, so one that is still there is held up by a resource: in `health`, or by a restart.
        self.core.running.names().into_iter().filter(|name| !is_work(name)).collect()
    }

    /// Waits for running ticks; names those that did not end in time.
    pub(super) fn end_timers(&self, until: Instant) -> impl Future<Output = Vec<String>> {
        let mut timers = std::mem::take(&mut self.work().timers);
        async move {
            let all = async { while timers.join_next().await.is_some() {} };
            if timeout_at(until, all).await.is_ok() {
                return Vec::new();
            }
            // The names are read before the ticks are aborted.
            self.core.tasks.running_timers().map(|name| format!("timer `{name}`")).collect()
        }
    }

    /// Ends tasks and threads; names those that did not end in time.
    pub(super) async fn end_work(&self, until: Instant) -> Vec<String> {
        self.core.work_ends.trigger();
        let (mut tasks, threads) = {
            let mut work = self.work();
            (std::mem::take(&mut work.tasks), std::mem::take(&mut work.threads))
        };
        let all = async {
            while tasks.join_next().await.is_some() {}
            for end in threads {
                let _ = end.await;
            }
        };
        if timeout_at(until, all).await.is_ok() {
            return Vec::new();
        }
        let names = self.core.running.names().into_iter().filter(|name| is_work(name)).collect();
        // A task that blocks its thread cannot be waited for.
        tasks.abort_all();
        names
    }

    /// Cancels everything at its next await, and tells threads to end; nobody waits for it.
    pub(crate) fn abort(&self) {
        self.core.stop(StopReason::Asked);
        self.core.work_ends.trigger();
        let mut work = self.work();
        let Work {
            planned_tasks: _,
            planned_threads: _,
            planned_timers: _,
            planned_candidacy: _,
            tasks,
            timers,
            candidacy,
            threads: _,
            keepers,
        } = &mut *work;
        for set in [tasks, timers, candidacy, keepers] {
            set.abort_all();
        }
        drop(work);
        for cell in &self.core.resources {
            cell.background.abort();
            cell.prepared.abort();
        }
        self.core.tasks.background.abort();
    }

    pub(super) fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a name on the list of what runs is a task's, a timer's or a thread's.
pub(super) fn is_work(name: &str) -> bool {
    name.starts_with("task `") || name.starts_with("thread `") || name.starts_with("timer `")
}
