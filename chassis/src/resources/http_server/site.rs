//! A running server as its requests see it: routes, rules and figures.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicUsize, Ordering::Relaxed},
};

use arc_swap::{ArcSwap, Guard};
use axum::Router;
use tokio::time::Instant;

use super::{
    cache::ResponseCache,
    cors::Cors,
    endpoint::Endpoint,
    foundation::Foundation,
    meters::Meters,
    problem::Problem,
    record::RequestInfo,
    settings::HttpServerSettings,
    shed::{self, Shed},
    table::Table,
};
use crate::{Result, scope::Scope};

/// A hook that extends every problem document.
pub(super) type ProblemHook = Arc<dyn Fn(&mut Problem, &RequestInfo<'_>) + Send + Sync>;

/// The site in force. Cheap to clone.
///
/// A request is answered by the site that was in force when it began.
#[derive(Clone)]
pub(super) struct LiveSite(Arc<ArcSwap<Site>>);

/// What requests are answered by, under one set of settings: made of both, and never changed.
pub(super) struct Site {
    pub(super) table: Table,
    /// What is asked where the table has no such path.
    pub(super) merged: Option<Router>,
    pub(super) problem_hooks: Arc<[ProblemHook]>,
    pub(super) cors: Option<Cors>,
    pub(super) cache: Arc<ResponseCache>,
    pub(super) meters: Arc<Meters>,
    pub(super) scope: Arc<Scope>,
    pub(super) settings: HttpServerSettings,
    pub(super) load: Arc<Load>,
}

impl LiveSite {
    pub(super) fn new(site: Site) -> Self {
        site.take_effect();
        Self(Arc::new(ArcSwap::from_pointee(site)))
    }

    /// What is in force, for a short look; neither waits nor locks.
    pub(super) fn now(&self) -> Guard<Arc<Site>> {
        self.0.load()
    }

    /// Lets `site` answer what begins from now on.
    pub(super) fn change(&self, site: Site) {
        site.take_effect();
        self.0.store(Arc::new(site));
    }
}

impl Site {
    /// Makes it of what a server has and what is set.
    pub(super) fn new(foundation: &Foundation, settings: HttpServerSettings) -> Result<Self> {
        let cors = Cors::from_settings(&settings.cors)?;
        let endpoints = foundation.routes(&settings).into_iter().enumerate().map(|(number, registered)| {
            let figures = foundation.meters.endpoint(registered.route.method.as_ref(), &registered.route.path);
            Arc::new(Endpoint::new(number, registered, &settings, figures))
        });
        let table = Table::new(endpoints, settings.trailing_slash)?;
        Ok(Self {
            table,
            merged: foundation.merged.clone(),
            problem_hooks: Arc::clone(&foundation.problem_hooks),
            cors,
            cache: Arc::clone(&foundation.cache),
            meters: Arc::clone(&foundation.meters),
            scope: Arc::clone(&foundation.scope),
            settings,
            load: Arc::clone(&foundation.load),
        })
    }

    /// Sets what is shared with the sites before.
    fn take_effect(&self) {
        self.cache.resize(self.settings.cache_size.as_usize(), Instant::now());
        self.load.set_max_in_flight(self.settings.load_shedding.max_in_flight);
    }
}

/// How much a server has to do.
#[derive(Default)]
pub(super) struct Load {
    in_flight: AtomicUsize,
    /// The share that is turned away because work waits too long for a thread, in percent.
    share: AtomicU8,
    /// A cap of 0 is none.
    max_in_flight: AtomicUsize,
}

impl Load {
    /// Sets how many requests may be at work; 0 is any number.
    pub(super) fn set_max_in_flight(&self, max: usize) {
        self.max_in_flight.store(max, Relaxed);
    }

    /// Counts a request in; it may have to be turned away.
    pub(super) fn begin(&self) -> Option<Shed> {
        let in_flight = self.in_flight.fetch_add(1, Relaxed) + 1;
        let max = match self.max_in_flight.load(Relaxed) {
            0 => usize::MAX,
            max => max,
        };
        shed::decide(in_flight, max, self.share.load(Relaxed), || fastrand::u8(..100))
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
