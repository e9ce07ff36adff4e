//! What a server has from its start to its stop, whatever its settings become: routes, routers, figures.

use std::{
    future::ready,
    sync::{Arc, OnceLock},
};

use axum::{
    Router,
    extract::MatchedPath,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header;

use super::{
    HttpServer, HttpServerSettings,
    cache::ResponseCache,
    endpoint::{Handler, Registered},
    meters::Meters,
    openapi::{Info, document},
    route::{Route, get},
    site::{LiveSite, Load, ProblemHook, Site},
};
use crate::{Error, Result, process, scope::Scope};

/// Where the OpenAPI document is served.
const OPENAPI_PATH: &str = "/openapi.json";

/// What all sites of a running server have in common.
pub(super) struct Foundation {
    routes: Vec<Registered>,
    openapi: Registered,
    pub(super) merged: Option<Router>,
    pub(super) problem_hooks: Arc<[ProblemHook]>,
    pub(super) cache: Arc<ResponseCache>,
    pub(super) meters: Arc<Meters>,
    pub(super) scope: Arc<Scope>,
    pub(super) load: Arc<Load>,
}

impl Foundation {
    /// What was declared so far; the rest is for the next start.
    pub(super) fn new(server: &HttpServer, name: &str, scope: &Arc<Scope>, info: Info<'static>) -> Result<Self> {
        let meters = Arc::new(Meters::new(scope.metrics(), name)?);
        let merged = server.merged_router()?;
        let declared = server.declared();
        Ok(Self {
            openapi: openapi_route(info, &declared.routes),
            routes: declared.routes.clone(),
            merged,
            problem_hooks: declared.hooks.iter().map(|(_, hook)| Arc::clone(hook)).collect(),
            cache: Arc::default(),
            meters,
            scope: Arc::clone(scope),
            load: Arc::default(),
        })
    }

    /// The first site of a server.
    pub(super) fn site(&self, settings: HttpServerSettings) -> Result<LiveSite> {
        Site::new(self, settings).map(LiveSite::new)
    }

    /// The routes under these settings. One has the same number under all of them.
    pub(super) fn routes(&self, settings: &HttpServerSettings) -> Vec<Registered> {
        let mut routes = self.routes.clone();
        if settings.openapi && !routes.iter().any(|registered| registered.route.path == OPENAPI_PATH) {
            routes.push(self.openapi.clone());
        }
        routes
    }
}

impl HttpServer {
    /// All merged routers as one, each saying which of its paths has answered.
    pub(super) fn merged_router(&self) -> Result<Option<Router>> {
        let declared = self.declared();
        let routers = declared.merged.iter().map(|merged| merged.router.clone());
        let merge = |one: Router, other: Router| {
            // axum refuses routers that overlap by a panic.
            process::catch(|| one.merge(other)).map_err(|_| {
                Error::misconfigured(Error::msg("two merged routers serve the same path, or both have a fallback"))
            })
        };
        let mut merged: Option<Router> = None;
        for router in routers {
            merged = Some(match merged {
                Some(one) => merge(one, router)?,
                None => router,
            });
        }
        Ok(merged.map(|router| match router.has_routes() {
            true => router.route_layer(middleware::from_fn(say_path)),
            false => router,
        }))
    }
}

/// The route of the OpenAPI document, which is made when somebody first asks for it.
fn openapi_route(info: Info<'static>, routes: &[Registered]) -> Registered {
    let routes: Vec<Route> = routes.iter().map(|registered| registered.route.clone()).collect();
    let made = Arc::new(OnceLock::new());
    let handler: Handler = Arc::new(move |_| {
        let text = made.get_or_init(|| Bytes::from(document(info, &routes).to_string())).clone();
        Box::pin(ready(([(header::CONTENT_TYPE, "application/json")], text).into_response()))
    });
    Registered { route: get(OPENAPI_PATH).name("openapi").hidden(), handler }
}

/// Hands the matched path on to the line that will be written of the request.
async fn say_path(path: Option<MatchedPath>, request: axum::extract::Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Some(path) = path {
        response.extensions_mut().insert(path);
    }
    response
}
