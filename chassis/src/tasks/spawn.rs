//! The only place that spawns, so that every task has a name, a panic is noticed, and a stop reaches it.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use tokio::task::JoinSet;

use crate::{Result, process::catch_future, scope::Scope};

/// Runs `work` and turns a panic into an error that says where it happened.
pub(crate) async fn catch<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    catch_future(work).await?
}

/// Starts an operating system's thread with a name.
pub(crate) fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

/// Does work that takes a while or waits for a disk where it holds up nobody; a panic of it goes on here.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let scope = Scope::current();
    let done = tokio::task::spawn_blocking(move || {
        let _entered = scope.as_ref().map(Scope::enter);
        work()
    });
    match done.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being torn down; whoever waits goes with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Background work that belongs together: one resource's, or the engine's own.
#[derive(Default)]
pub(crate) struct Group {
    work: Mutex<Work>,
}

#[derive(Default)]
struct Work {
    tasks: JoinSet<()>,
    /// Nothing is started any more.
    is_over: bool,
}

impl Group {
    /// Starts `work` in the scope of the service.
    pub(crate) fn spawn(&self, scope: &Arc<Scope>, work: impl Future<Output = ()> + Send + 'static) {
        let mut group = self.lock();
        // What has ended since is let go, or a server's connections would pile up.
        while group.tasks.try_join_next().is_some() {}
        if !group.is_over {
            group.tasks.spawn(scope.wrap(work));
        }
    }

    /// Cancels all work at its next await and waits until it is gone.
    pub(crate) async fn end(&self) {
        let mut tasks = std::mem::take(&mut self.lock().tasks);
        tasks.shutdown().await;
    }

    /// Cancels all work at its next await, and starts none any more; nobody waits for it.
    pub(crate) fn abort(&self) {
        let mut group = self.lock();
        group.is_over = true;
        group.tasks.abort_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
