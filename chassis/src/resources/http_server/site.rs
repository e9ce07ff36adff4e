//! A running server as its requests see it: routes, rules and figures, made at the start and never changed.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
};

use axum::Router;

use super::{
    cache::ResponseCache,
    cors::Cors,
    meters::Meters,
    problem::Problem,
    record::RequestInfo,
    settings::HttpServerSettings,
    shed::{self, Shed},
    table::Table,
};
use crate::scope::Scope;

/// A hook that extends every problem document.
pub(super) type ProblemHook = Arc<dyn Fn(&mut Problem, &RequestInfo<'_>) + Send + Sync>;

/// What all requests of a running server share. Cheap to clone.
#[derive(Clone)]
pub(super) struct Site(Arc<Shared>);

pub(super) struct Shared {
    pub(super) table: Table,
    /// What is asked where the table has no such path.
    pub(super) merged: Option<Router>,
    pub(super) problem_hooks: Vec<ProblemHook>,
    pub(super) cors: Option<Cors>,
    pub(super) cache: ResponseCache,
    pub(super) meters: Meters,
    pub(super) scope: Arc<Scope>,
    pub(super) settings: HttpServerSettings,
    pub(super) load: Load,
}

impl Site {
    pub(super) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

impl std::ops::Deref for Site {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// How much a server has to do.
pub(super) struct Load {
    in_flight: AtomicUsize,
    /// The share that is turned away because work waits too long for a thread, in percent.
    share: AtomicU8,
    max_in_flight: usize,
}

impl Load {
    /// Nothing to do yet. A cap of 0 is none.
    pub(super) fn new(max_in_flight: usize) -> Self {
        let max_in_flight = if max_in_flight == 0 { usize::MAX } else { max_in_flight };
        Self { in_flight: AtomicUsize::new(0), share: AtomicU8::new(0), max_in_flight }
    }

    /// Counts a request in; it may have to be turned away.
    pub(super) fn begin(&self) -> Option<Shed> {
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        shed::decide(in_flight, self.max_in_flight, self.share.load(Relaxed), || fastrand::u8(..100))
    }

    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn share(&self) -> u8 {
        self.share.load(Relaxed)
    }

    pub(super) fn set_share(&self, share: u8) {
        self.share.store(share, Relaxed);
    }
}
