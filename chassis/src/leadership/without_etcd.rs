//! What is compiled without the feature `etcd`: then no method is marked `leader`, and nobody stands for election.

use std::{sync::Arc, time::Duration};

use crate::{lifecycle::Core, settings::Source};

/// Nobody's candidacy.
pub(crate) struct Candidacy;

impl Candidacy {
    /// Nowhere.
    pub(crate) fn is_possible(_sources: &[Box<dyn Source>]) -> bool {
        false
    }

    /// There is none.
    pub(crate) fn of(_core: &Arc<Core>, _ttl: Duration) -> Option<Self> {
        None
    }

    /// Nothing.
    pub(crate) async fn run(self) {}
}
