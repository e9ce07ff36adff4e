//! Writes what was accepted to the file of the cache, on the source's own thread: a disk may be slow.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{
    cache::Cache,
    options::Options,
    standing::{Accepted, Standing},
};

/// Writes the cache.
pub(super) struct Keeper {
    options: Arc<Options>,
    news: Mutex<watch::Receiver<Option<Accepted>>>,
}

impl Keeper {
    pub(super) fn new(options: Arc<Options>, standing: &Standing) -> Self {
        Self { options, news: Mutex::new(standing.to_keep.subscribe()) }
    }

    /// Writes whenever there is something new; goes on until it is dropped.
    pub(super) async fn run(&self) {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner).clone();
        while news.changed().await.is_ok() {
            self.write();
        }
    }

    /// Writes what is new since the last time.
    pub(super) fn write(&self) {
        let Some(path) = &self.options.cache_file else { return };
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if !news.has_changed().unwrap_or(false) {
            return;
        }
        let accepted = news.borrow_and_update().clone();
        let Some(Accepted { keys, sieve }) = accepted else { return };
        if let Err(error) = Cache::of(&keys, &self.options.prefix, &sieve).write(path) {
            tracing::warn!("the settings of etcd cannot be kept in `{}`: {error}", path.display());
        }
    }
}
