//! One route of a running server: its handler, with everything that was decided about it at the start.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use axum::response::Response;
use http::Method;

use super::{
    cache::CacheRule,
    content::is_json,
    meters::EndpointMeters,
    path::{self, Names},
    request::{Captures, Request},
    route::Route,
    settings::HttpServerSettings,
};

/// The future of a handler.
pub(super) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// A handler of any type.
pub(super) type Handler = Arc<dyn Fn(Request) -> Answering + Send + Sync>;

/// A route as it was handed to the server.
#[derive(Clone)]
pub(super) struct Registered {
    pub(super) route: Route,
    pub(super) handler: Handler,
}

/// A route as it is served.
pub(super) struct Endpoint {
    /// `None` is every method without an endpoint of its own.
    pub(super) method: Option<Method>,
    pub(super) path: Box<str>,
    pub(super) handler: Handler,
    pub(super) captures: Captures,
    pub(super) capture_names: Names,
    pub(super) timeout: Option<Duration>,
    pub(super) body_limit: u64,
    pub(super) cancel_on_disconnect: bool,
    pub(super) never_shed: bool,
    pub(super) quiet: bool,
    pub(super) cache: Option<CacheRule>,
    pub(super) meters: EndpointMeters,
    json: JsonRule,
}

/// Which bodies are taken for JSON although their content type says something else.
enum JsonRule {
    /// Whatever it says, and when it says nothing.
    Any,
    /// These media types.
    Listed(Box<[String]>),
}

/// Paths that orchestrators ask; turning them away would have the service killed just when it is busy.
const PROBES: [&str; 5] = ["/livez", "/readyz", "/startupz", "/healthz", "/health"];

impl Endpoint {
    pub(super) fn new(
        number: usize,
        registered: Registered,
        settings: &HttpServerSettings,
        meters: EndpointMeters,
    ) -> Self {
        let Registered { route, handler } = registered;
        let timeout = route.timeout.unwrap_or(settings.request_timeout);
        let by = route.cache_by.into();
        let cache = route.cache.map(|time_to_live| CacheRule {
            route: number,
            is_any: route.method.is_none(),
            time_to_live,
            by,
        });
        let json = match route.any_json || settings.json_content_types.iter().any(|name| name == "*") {
            true => JsonRule::Any,
            false => JsonRule::Listed(settings.json_content_types.clone().into()),
        };
        Self {
            capture_names: path::names(&route.path).into_iter().map(String::into_boxed_str).collect(),
            captures: Captures::new(&route.path, settings.trailing_slash && takes_slash(&route.path)),
            never_shed: route.never_shed || PROBES.contains(&route.path.as_ref()),
            method: route.method,
            path: route.path.into(),
            handler,
            timeout: (!timeout.is_zero()).then_some(timeout),
            body_limit: route.body_limit.unwrap_or(settings.body_limit.as_u64()),
            cancel_on_disconnect: route.cancel_on_disconnect,
            quiet: route.quiet,
            cache,
            meters,
            json,
        }
    }

    /// Whether a body of this media type is handed on as JSON; not asked for what is JSON by itself.
    pub(super) fn takes_as_json(&self, media_type: Option<&[u8]>) -> bool {
        match (&self.json, media_type) {
            (_, Some(media_type)) if is_json(media_type) => false,
            (JsonRule::Any, _) => true,
            (JsonRule::Listed(_), None) => false,
            (JsonRule::Listed(listed), Some(media_type)) => {
                listed.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(media_type))
            }
        }
    }
}

/// Whether a path has a twin with a slash at its end.
pub(super) fn takes_slash(path: &str) -> bool {
    !path.ends_with('/') && !path.contains("{*")
}
