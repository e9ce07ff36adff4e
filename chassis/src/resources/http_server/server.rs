//! The server a service has as a field: what its code calls.

use std::{
    fmt,
    future::Future,
    net::SocketAddr,
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{Router, response::Response};

use super::{
    endpoint::{Handler, Registered},
    foundation::Foundation,
    problem::Problem,
    record::RequestInfo,
    request::Request,
    route::Route,
    site::{LiveSite, ProblemHook},
};
use crate::{
    Slot,
    http::{Server, TestClient},
};

/// An HTTP server: `#[resource] http: HttpServer`.
///
/// Methods of the service answer requests by `#[get("/path")]`, `#[post(…)]` and so on; see the
/// [module](crate::http_server).
#[derive(Default)]
pub struct HttpServer {
    declared: Mutex<Declared>,
    pub(super) running: Slot<Running>,
}

/// What was handed to the server, from before its start to its end.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) routes: Vec<Registered>,
    pub(super) merged: Vec<Merged>,
    pub(super) hooks: Vec<(&'static Location<'static>, ProblemHook)>,
    /// Grows with every stop; what is declared again by the same line replaces what it has declared before.
    pub(super) life: u64,
}

/// A plain router beside the routes.
pub(super) struct Merged {
    from: &'static Location<'static>,
    life: u64,
    pub(super) router: Router,
}

/// A server at work.
pub(super) struct Running {
    pub(super) server: Server,
    pub(super) foundation: Foundation,
    pub(super) site: LiveSite,
}

impl HttpServer {
    /// Answers requests of `route` by `handler`; what `#[get("/path")]` and its like expand to.
    ///
    /// Routes are built into the server when it starts; one that comes later is served from the next start on.
    pub fn on<H, Fut>(&self, route: Route, handler: H)
    where
        H: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        self.declared().routes.push(Registered { route, handler });
    }

    /// Serves a plain router for every path that no route of the service has.
    ///
    /// Call it before the server starts: in `#[init(…)]`, in a builder's `with`, or in a hook such as
    /// `#[before(start, http)]`; a hook that runs again before a restart replaces the router it has given before.
    /// Its errors become problem documents where they are empty or plain text.
    #[track_caller]
    pub fn merge(&self, router: Router) {
        let from = Location::caller();
        let mut declared = self.declared();
        let life = declared.life;
        declared.merged.retain(|merged| merged.from != from || merged.life == life);
        declared.merged.push(Merged { from, life, router });
    }

    /// Lets `extend` add to every problem document of this server, whoever made it.
    ///
    /// Call it before the server starts, as with [`merge`](HttpServer::merge).
    #[track_caller]
    pub fn problem_hook(&self, extend: impl Fn(&mut Problem, &RequestInfo<'_>) + Send + Sync + 'static) {
        let from = Location::caller();
        let mut declared = self.declared();
        declared.hooks.retain(|(other, _)| *other != from);
        declared.hooks.push((from, Arc::new(extend)));
    }

    /// The bound address; `None` while the server is not started.
    pub fn address(&self) -> Option<SocketAddr> {
        self.running.get().map(|running| running.server.address())
    }

    /// A client in the same process; `None` while the server is not started.
    pub fn client(&self) -> Option<TestClient> {
        self.running.get().map(|running| running.server.client())
    }

    /// The OpenAPI document of the routes; `None` while the server is not started.
    pub(super) fn declared(&self) -> MutexGuard<'_, Declared> {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("address", &self.address()).finish_non_exhaustive()
    }
}
