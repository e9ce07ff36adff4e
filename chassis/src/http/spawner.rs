//! Where connections run: whoever owns a server brings the way to start work that belongs to it.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

use crate::Context;

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Starts work whose end nobody waits for. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Spawner {
    spawn: Arc<dyn Fn(Work) + Send + Sync>,
}

impl Spawner {
    pub(crate) fn new(spawn: impl Fn(Work) + Send + Sync + 'static) -> Self {
        Self { spawn: Arc::new(spawn) }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        (self.spawn)(Box::pin(work));
    }
}

impl From<&Context> for Spawner {
    /// Work of the resource that `cx` was made for.
    fn from(cx: &Context) -> Self {
        let cx = cx.clone();
        Self::new(move |work| cx.spawn_detached(work))
    }
}

/// hyper starts one future per stream of an HTTP/2 connection.
impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawner {
    fn execute(&self, stream: F) {
        self.spawn(stream);
    }
}

impl fmt::Debug for Spawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawner")
    }
}
