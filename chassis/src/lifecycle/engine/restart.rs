//! Some resources stopped and started again, while the others go on.

use std::sync::{Arc, atomic::Ordering};

use tokio::time::timeout;

use super::Engine;
use crate::{
    Result,
    lifecycle::{Failure, Phase, core::for_people},
    settings::Problems,
};

impl Engine {
    /// Stops resources for a restart, dependents first; failures are only told.
    pub(crate) async fn stop_for_restart(self: &Arc<Self>, selection: &[usize]) {
        for phase in Phase::STOPPING {
            let is_selected = self.select(selection, phase);
            let budget = self.core.lifecycle.restart_stop_timeout.get();
            match timeout(budget, self.walk(phase, is_selected)).await {
                Ok(failures) => {
                    for Failure { what, error } in failures {
                        tracing::warn!("{what} before its restart: {error:#}");
                    }
                }
                Err(_) => tracing::warn!("phase {phase} of a restart was cut off after {}", for_people(budget)),
            }
        }
        for &at in selection {
            let node = &self.nodes[at];
            self.core.resources[at].background.end().await;
            self.core.resources[at].prepared.end().await;
            node.is_open.store(false, Ordering::Release);
            node.is_started.store(false, Ordering::Release);
            node.is_prepared.store(false, Ordering::Release);
        }
    }

    /// Starts resources again, dependencies first.
    ///
    /// # Errors
    /// The first failure; nothing of the selection is left running then.
    pub(crate) async fn start_for_restart(self: &Arc<Self>, selection: &[usize]) -> Result<()> {
        let (tree, mut problems) = (self.core.settings.tree(), Problems::new());
        selection.iter().for_each(|&at| drop(self.check_one(at, &tree, &mut problems)));
        problems.into_result()?;
        for phase in Phase::STARTING {
            let is_selected = self.select(selection, phase);
            let mut failures = self.walk(phase, is_selected).await;
            if !failures.is_empty() {
                let Failure { what, error } = failures.remove(0);
                self.stop_for_restart(selection).await;
                return Err(error.context(what));
            }
        }
        Ok(())
    }

    fn select(&self, selection: &[usize], phase: Phase) -> Vec<bool> {
        let mut is_selected = vec![false; self.nodes.len()];
        for &at in selection {
            is_selected[at] = true;
        }
        for (is_selected, takes_part) in is_selected.iter_mut().zip(self.participants(phase)) {
            *is_selected &= takes_part;
        }
        is_selected
    }
}
