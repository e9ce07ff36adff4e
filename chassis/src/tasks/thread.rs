//! A method that runs on an operating system's thread of its own.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{TaskState, spawn};
use crate::{
    Context, Result,
    blueprint::RunThread,
    lifecycle::{Core, EventKind, Place},
    process,
};

/// A thread of the service, ready to run.
pub(crate) struct ThreadPlan {
    pub(crate) name: &'static str,
    pub(crate) run: RunThread,
}

/// Starts a thread; the receiver hears when it has ended.
pub(crate) fn start(plan: ThreadPlan, core: &Arc<Core>) -> Result<oneshot::Receiver<()>> {
    let ThreadPlan { name, run } = plan;
    let (ended, end) = oneshot::channel();
    let core = Arc::clone(core);
    spawn::thread(name, move || {
        let scope = Arc::clone(&core.scope);
        let _entered = scope.enter();
        let cell = core.tasks.cell(name);
        cell.enter(TaskState::Running);
        core.events.emit(EventKind::TaskStarted { task: name });
        let running = core.running.enter(format!("thread `{name}`"));
        let cx = Context::new(Arc::clone(&core), Place::Work(name));
        let result = process::catch(|| run(cx)).unwrap_or_else(|panic| Err(panic.into()));
        drop(running);
        cell.ran(result.as_ref().err(), core.clock.now());
        let error = result.as_ref().err().map(|error| format!("{error:#}"));
        core.events.emit(EventKind::TaskEnded { task: name, error });
        match result {
            Ok(()) => cell.enter(TaskState::Done),
            Err(error) => {
                cell.enter(TaskState::Failed);
                tracing::error!("thread `{name}` failed: {error:#}; the service stops");
                core.fail(format!("thread `{name}` failed"), error);
            }
        }
        drop(core);
        let _ = ended.send(());
    })?;
    Ok(end)
}
