//! The server as a part of a service.

use std::{
    future::ready,
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    extract::MatchedPath,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::header;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until};

use super::{
    HttpServer, HttpServerSettings,
    cache::ResponseCache,
    cors::{Cors, CorsRules},
    endpoint::{Endpoint, Handler, Registered},
    meters::Meters,
    openapi::{Info, document},
    route::{Route, get},
    server::Running,
    shed::{LagRule, MEASUREMENTS, WINDOW},
    site::{Load, Shared, Site},
    table::{self, Table},
};
use crate::{
    Claim, Context, Error, Health, Resource, Result,
    http::{Figures, Listener, Spawner, TlsSettings, pre_stop_delay},
    process,
    scope::Scope,
};

/// Where the OpenAPI document is served.
const OPENAPI_PATH: &str = "/openapi.json";

impl Resource for HttpServer {
    type Settings = HttpServerSettings;

    fn check(&self, settings: &HttpServerSettings) -> Result<()> {
        table::check(&self.declared().routes, settings.trailing_slash)?;
        cors(settings)?;
        settings.tls.as_ref().map_or(Ok(()), TlsSettings::check)?;
        self.merged_router().map(drop)
    }

    fn claims(&self, settings: &HttpServerSettings) -> Vec<Claim> {
        vec![Claim::tcp(settings.address(), "port")]
    }

    async fn start(&self, cx: &Context, settings: HttpServerSettings) -> Result<()> {
        let path = format!("system.resources.{}", cx.name());
        let figures = Figures::new(cx.metrics(), cx.name())?;
        let mut listener = Listener::bind(settings.address(), &settings.connections, &path)?.counted(figures);
        if let Some(tls) = &settings.tls {
            listener = listener.secure(tls, &format!("{path}.tls"))?;
        }
        let scheme = if settings.tls.is_some() { "https" } else { "http" };
        let connections = settings.connections.clone();
        let max_lag = settings.load_shedding.max_lag;
        let service = cx.service();
        let info = Info { title: service.name(), version: service.version(), about: service.about() };
        let site = self.site(cx.name(), cx.scope(), info, settings)?;
        let context = cx.clone();
        let spawner = Spawner::new(move |work| context.spawn_detached(work));
        let server = listener.serve(&connections, site.clone(), spawner);
        tracing::info!("`{}` listens on {scheme}://{}", cx.name(), server.address());
        cx.spawn("load", watch_load(site.clone(), max_lag));
        self.running.set(Running { server, site });
        Ok(())
    }

    async fn open(&self, _: &Context) -> Result<()> {
        if let Some(running) = self.running.get() {
            running.server.open();
        }
        Ok(())
    }

    async fn close(&self, cx: &Context) -> Result<()> {
        let Some(running) = self.running.get() else { return Ok(()) };
        if cx.shutdown().is_triggered() {
            tokio::time::sleep(pre_stop_delay(running.site.settings.pre_stop_delay)).await;
        }
        running.server.close().await;
        Ok(())
    }

    async fn drain(&self, _: &Context) -> Result<()> {
        if let Some(running) = self.running.get() {
            running.server.drain().await;
        }
        Ok(())
    }

    async fn stop(&self, _: &Context) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        self.declared().life += 1;
        running.site.meters.set_in_flight(0);
        let cut = running.server.stop().await;
        match cut.exchanges {
            0 => Ok(()),
            requests => Err(Error::msg(format!("{requests} requests were cut off"))),
        }
    }

    async fn health(&self) -> Health {
        match self.running.get() {
            Some(running) if running.site.load.share() > 0 => {
                Health::warn(format!("{} % of the requests are turned away: too busy", running.site.load.share()))
            }
            Some(running) => running.server.health(),
            None => Health::pass(),
        }
    }

    fn info(&self) -> Map<String, Value> {
        let mut info = Map::new();
        if let Some(running) = self.running.get() {
            info.insert("address".into(), running.server.address().to_string().into());
            info.insert("requests_in_flight".into(), running.site.load.in_flight().into());
            info.insert("connections".into(), running.server.statistics().open.into());
        }
        info.insert("routes".into(), self.declared().routes.len().into());
        info
    }
}

impl HttpServer {
    /// Builds what requests are answered by.
    pub(super) fn site(
        &self,
        name: &str,
        scope: &Arc<Scope>,
        info: Info<'static>,
        settings: HttpServerSettings,
    ) -> Result<Site> {
        let meters = Meters::new(scope.metrics(), name)?;
        let cors = cors(&settings)?;
        let merged = self.merged_router()?;
        let declared = self.declared();
        let mut routes = declared.routes.clone();
        if settings.openapi && !routes.iter().any(|registered| registered.route.path == OPENAPI_PATH) {
            routes.push(openapi_route(info, &routes));
        }
        let endpoints = routes.into_iter().enumerate().map(|(number, registered)| {
            let figures = meters.endpoint(registered.route.method.as_ref(), &registered.route.path);
            Arc::new(Endpoint::new(number, registered, &settings, figures))
        });
        let table = Table::new(endpoints, settings.trailing_slash)?;
        let cache = ResponseCache::new(settings.cache_size.as_usize());
        let problem_hooks = declared.hooks.iter().map(|(_, hook)| Arc::clone(hook)).collect();
        let load = Load::new(settings.load_shedding.max_in_flight);
        let scope = Arc::clone(scope);
        Ok(Site::new(Shared { table, merged, problem_hooks, cors, cache, meters, scope, settings, load }))
    }

    /// All merged routers as one, each saying which of its paths has answered.
    fn merged_router(&self) -> Result<Option<Router>> {
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

fn cors(settings: &HttpServerSettings) -> Result<Option<Cors>> {
    let cors = &settings.cors;
    let rules = CorsRules {
        origins: &cors.origins,
        methods: &cors.methods,
        headers: &cors.headers,
        expose: &cors.expose,
        credentials: cors.credentials,
        max_age: cors.max_age,
    };
    Cors::new(&rules).map_err(|problem| Error::misconfigured(Error::msg(problem)))
}

/// Measures how late work gets a thread, for as long as the server runs.
pub(super) async fn watch_load(site: Site, max_lag: Duration) {
    let mut rule = LagRule::new(max_lag);
    let pause = WINDOW / MEASUREMENTS;
    loop {
        // With nothing to do there is nothing to measure, and a machine may sleep.
        let is_idle = site.load.in_flight() == 0 && site.load.share() == 0;
        let due = Instant::now() + if is_idle { WINDOW } else { pause };
        sleep_until(due).await;
        let share = rule.measured(due.elapsed());
        if !max_lag.is_zero() {
            site.load.set_share(share);
        }
        site.meters.set_in_flight(site.load.in_flight());
    }
}
