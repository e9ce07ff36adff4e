//! Changed settings and one resource: whether it could work with them, and that it does.

use std::{any::Any, future::Future};

use tokio::time::timeout;

use super::Engine;
use crate::{Error, Result, lifecycle::for_people, tasks::catch};

impl Engine {
    /// Asks a resource whether it could work with these settings.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn prepare(&self, at: usize, settings: &(dyn Any + Send + Sync)) -> Result<()> {
        let node = &self.nodes[at];
        self.in_time(at, node.resource.prepare(&node.cx, settings)).await
    }

    /// Lets a resource take over the settings that are in force now.
    ///
    /// # Errors
    /// What went wrong; the resource has to be restarted.
    pub(crate) async fn apply(&self, at: usize) -> Result<()> {
        let node = &self.nodes[at];
        self.in_time(at, node.resource.apply(&node.cx)).await
    }

    /// As long as it may take to start, it may take to change.
    async fn in_time(&self, at: usize, work: impl Future<Output = Result<()>>) -> Result<()> {
        let limit = self.nodes[at].lifecycle.start_timeout.get();
        let _running = self.core.running.enter(format!("changed settings of `{}`", self.core.resources[at].name));
        match timeout(limit, catch(work)).await {
            Ok(result) => result,
            Err(_) => Err(Error::unavailable(Error::msg(format!("not done within {}", for_people(limit))))),
        }
    }
}
