//! A method that runs beside the handlers, and is restarted by its policy.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{TaskCell, TaskState, spawn::catch};
use crate::{
    Context, Error, Result,
    blueprint::Run,
    leadership::{Leadership, Office},
    lifecycle::{Core, EventKind, Place, StopReason, for_people},
    supervision::{Backoff, OnGiveUp, Restart, RestartLog, TaskPolicy, TaskSettings},
};

/// A task of the service, ready to run.
pub(crate) struct TaskPlan {
    pub(crate) name: &'static str,
    pub(crate) run: Run,
    pub(crate) restart: Restart,
    pub(crate) on_give_up: OnGiveUp,
    /// What an operator says instead.
    pub(crate) settings: TaskSettings,
    pub(crate) stop_when_done: bool,
    pub(crate) takes_shutdown: bool,
    /// What it is elected to, if it runs on the replica that leads.
    pub(crate) office: Option<Arc<Office>>,
}

/// How a task ended for this process.
#[derive(PartialEq, Eq)]
enum End {
    Done,
    GivenUp,
    Stopped,
}

impl TaskPlan {
    /// What the attribute and the settings come to now.
    fn policy(&self) -> TaskPolicy {
        self.settings.policy(self.restart, self.on_give_up)
    }
}

/// Runs a task until it is done or given up, or until the stop.
pub(crate) async fn run(plan: TaskPlan, core: Arc<Core>) {
    match &plan.office {
        None => {
            work(&plan, &core, None).await;
        }
        Some(office) => lead(&plan, office, &core).await,
    }
}

/// Runs a task while this replica leads, in one term of office after the other.
async fn lead(plan: &TaskPlan, office: &Arc<Office>, core: &Arc<Core>) {
    let cell = core.tasks.cell(plan.name);
    loop {
        cell.enter(TaskState::Standby);
        let term = tokio::select! {
            biased;
            () = core.stop_asked.wait() => return cell.enter(TaskState::Stopped),
            term = office.elected() => term,
        };
        let Some(_shift) = office.begin(&term) else { continue };
        // When the leadership is lost, the run is dropped with all that it waits for.
        let end = Box::pin(term.hold(work(plan, core, Some(term.clone())))).await;
        match end {
            None => {}
            Some(End::GivenUp) => return office.resign(),
            // Nobody else is to do it again: the leadership is kept.
            Some(End::Done | End::Stopped) => return,
        }
    }
}

/// Runs a task, and runs it again as its policy says.
async fn work(plan: &TaskPlan, core: &Arc<Core>, term: Option<Leadership>) -> End {
    let name = plan.name;
    let cx = Context::new(Arc::clone(core), Place::Work(name)).leading(term);
    let cell = core.tasks.cell(name);
    let born = Instant::now();
    let mut log = RestartLog::default();
    let mut backoff = Backoff::default();
    let end = core.work_ends.clone();
    loop {
        cell.enter(TaskState::Running);
        core.events.emit(EventKind::TaskStarted { task: name });
        let began = Instant::now();
        let running = core.running.enter(format!("task `{name}`"));
        let work = catch((plan.run)(cx.clone()));
        let result = if plan.takes_shutdown {
            work.await
        } else {
            tokio::select! {
                biased;
                () = end.wait() => {
                    cell.enter(TaskState::Stopped);
                    return End::Stopped;
                }
                result = work => result,
            }
        };
        drop(running);
        cell.ran(result.as_ref().err(), core.clock.now());
        let error = result.as_ref().err().map(|error| format!("{error:#}"));
        core.events.emit(EventKind::TaskEnded { task: name, error });
        let lived = began.elapsed();
        let policy = plan.policy();
        backoff.set_limits(policy.backoff_min, policy.backoff_max);
        if lived >= policy.forget_after {
            log.forget();
            backoff.healthy();
        }
        if end.is_triggered() || core.stop_asked.is_triggered() {
            return ended_by_stop(core, &cell, name, result);
        }
        let is_restarted = match (&result, policy.restart) {
            (_, Restart::Never) | (Ok(()), Restart::OnFailure) => false,
            (Ok(()), Restart::Always) => true,
            // A peer that is away is waited for without counting.
            (Err(error), _) => error.is_unavailable() || log.allows(born.elapsed(), policy.intensity),
        };
        if !is_restarted {
            return give_up_or_finish(core, &cell, plan, &policy, result);
        }
        let delay = match &result {
            // One that has nothing to do and returns at once would spin, and flood whoever counts.
            Ok(()) if lived < policy.backoff_min => policy.backoff_min,
            Ok(()) => Duration::ZERO,
            Err(_) => backoff.failed_with_jitter(fastrand::f64()),
        };
        let restarts = cell.restarted();
        core.figures.task_restarted(name);
        core.events.emit(EventKind::TaskRestarting { task: name, restarts, delay });
        if let Err(error) = result {
            tracing::error!("task `{name}` failed: {error:#}; restart {restarts} in {}", for_people(delay));
        }
        tokio::select! {
            biased;
            () = core.stop_asked.wait() => {
                cell.enter(TaskState::Stopped);
                return End::Stopped;
            }
            () = tokio::time::sleep(delay) => {}
        }
        // A task that always returns at once must leave room for others.
        tokio::task::yield_now().await;
    }
}

fn ended_by_stop(core: &Core, cell: &TaskCell, name: &'static str, result: Result<()>) -> End {
    cell.enter(TaskState::Stopped);
    if let Err(error) = result {
        tracing::error!("task `{name}` failed during the stop: {error:#}");
        core.record_failure(format!("task `{name}` failed"), error);
    }
    End::Stopped
}

fn give_up_or_finish(core: &Core, cell: &TaskCell, plan: &TaskPlan, policy: &TaskPolicy, result: Result<()>) -> End {
    let name = plan.name;
    let Err(error) = result else {
        cell.enter(TaskState::Done);
        if plan.stop_when_done {
            core.stop(StopReason::Done(name));
        }
        return End::Done;
    };
    cell.enter(TaskState::Failed);
    core.events.emit(EventKind::GaveUp { what: name });
    let how = match policy.restart {
        Restart::Never => "",
        Restart::OnFailure | Restart::Always => " too often",
    };
    match policy.on_give_up {
        OnGiveUp::Stop => {
            tracing::error!("task `{name}` failed{how}: {error:#}; the service stops");
            core.fail(format!("task `{name}` failed{how}"), crashed_unless_misconfigured(error));
        }
        OnGiveUp::Degrade => {
            tracing::error!("task `{name}` failed{how}: {error:#}; the service goes on without it");
        }
    }
    End::GivenUp
}

/// A task that is given up ends the service with 70, whatever it could not reach; only wrong settings say 78.
fn crashed_unless_misconfigured(error: Error) -> Error {
    if error.is_misconfigured() { error } else { Error::crashed(error) }
}
