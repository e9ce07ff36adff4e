//! How a source says that it has changed.

use std::{
    collections::BTreeSet,
    fmt, mem,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

/// Tells the service that a source would now say something else; given to [`Source::follow`](super::Source::follow).
///
/// Cheap to clone. To tell more often than anything changes does no harm: what stays the same is not applied again.
#[derive(Clone)]
pub struct Changes {
    changed: Arc<Changed>,
    source: usize,
}

/// The sources that have changed, by their numbers.
#[derive(Default)]
pub(crate) struct Changed {
    sources: Mutex<BTreeSet<usize>>,
    notify: Notify,
}

impl Changes {
    /// The source has changed: it is loaded again soon. Several calls in a row are one change.
    pub fn notify(&self) {
        self.changed.notify(Some(self.source));
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Changes({})", self.source)
    }
}

impl Changed {
    /// What the source with this number tells of its changes.
    pub(crate) fn of(self: &Arc<Self>, source: usize) -> Changes {
        Changes { changed: Arc::clone(self), source }
    }

    /// A source has changed; or else what was set while the service runs.
    pub(crate) fn notify(&self, source: Option<usize>) {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner).extend(source);
        self.notify.notify_one();
    }

    /// Waits for a change; gives the sources that have changed since the last time.
    ///
    /// # Cancel safety
    /// A change is lost only with the future of a call that was about to give it.
    pub(crate) async fn next(&self) -> BTreeSet<usize> {
        self.notify.notified().await;
        self.take()
    }

    /// The sources that have changed since the last time.
    pub(crate) fn take(&self) -> BTreeSet<usize> {
        mem::take(&mut *self.sources.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
