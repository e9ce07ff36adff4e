//! One request as a handler's arguments are made of it.

use std::{cell::Cell, convert::Infallible, fmt, net::SocketAddr, sync::Arc, task::Poll};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, DefaultBodyLimit, FromRequest, FromRequestParts, MatchedPath},
    response::Response,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Uri, header, request::Parts};
use http_body::Body as _;
use hyper::body::Incoming;
use tower_service::Service;

use super::{
    body::{Reading, RequestBody},
    content::media_type,
    endpoint::Endpoint,
    path::{Captured, Offer},
    problem::Problem,
};
use crate::http::Peer;

/// The input of a handler: a request whose head was read, and whose body may still be on its way.
///
/// Handlers take axum's extractors; who writes `#[on(http, …)]` or calls [`HttpServer::on`](super::HttpServer::on)
/// by hand takes them apart with [`part`](super::part) and [`last`](super::last).
pub struct Request {
    /// Boxed, as a request is moved from hand to hand until a handler takes it apart.
    inner: Box<Inner>,
}

struct Inner {
    parts: Parts,
    /// Absent where none comes, and once it was taken.
    body: Option<Incoming>,
    reading: Option<Reading>,
    endpoint: Arc<Endpoint>,
    captured: Option<Captured>,
    peer: Arc<Peer>,
    /// Whether the extensions hold what axum's extractors look for there.
    is_prepared: bool,
}

impl Request {
    pub(super) fn new(
        request: http::Request<Incoming>,
        endpoint: &Arc<Endpoint>,
        captured: Option<Captured>,
        peer: &Arc<Peer>,
    ) -> Self {
        let (parts, body) = request.into_parts();
        let inner = Inner {
            parts,
            body: Some(body).filter(|body| !body.is_end_stream()),
            reading: None,
            endpoint: Arc::clone(endpoint),
            captured,
            peer: Arc::clone(peer),
            is_prepared: false,
        };
        Self { inner: Box::new(inner) }
    }

    /// The head, as it came.
    pub(super) fn head(&self) -> &Parts {
        &self.inner.parts
    }

    /// The body, if one comes.
    pub(super) fn body(&self) -> Option<&Incoming> {
        self.inner.body.as_ref()
    }

    /// Says how the body is to be read.
    pub(super) fn set_reading(&mut self, reading: Option<Reading>) {
        self.inner.reading = reading;
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.inner.parts.method
    }

    /// The URI as it came, usually path and query only.
    pub fn uri(&self) -> &Uri {
        &self.inner.parts.uri
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.parts.headers
    }

    /// The path of the route, with its `{…}`.
    pub fn route(&self) -> &str {
        &self.inner.endpoint.path
    }

    /// The other end of the connection.
    pub fn remote_address(&self) -> SocketAddr {
        self.inner.peer.address()
    }

    /// The same as axum knows it, body included; the second call gets an empty one.
    pub fn take_http(&mut self) -> axum::extract::Request {
        self.prepare();
        let inner = &mut *self.inner;
        let (empty, ()) = http::Request::new(()).into_parts();
        let mut parts = std::mem::replace(&mut inner.parts, empty);
        if inner.endpoint.takes_as_json(content_type(&parts.headers)) {
            // Also where there is no body: that is what will be said to be missing then.
            parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let Some((body, reading)) = inner.body.take().zip(inner.reading.clone()) else {
            return http::Request::from_parts(parts, Body::empty());
        };
        let is_gzip = reading.is_gzip;
        let body = RequestBody::new(body, reading);
        let mut request = http::Request::from_parts(parts, Body::new(body));
        if is_gzip {
            // What is handed on is neither compressed nor of the length that was declared.
            request.headers_mut().remove(header::CONTENT_ENCODING);
            request.headers_mut().remove(header::CONTENT_LENGTH);
        }
        // The limit of this server stands in for axum's.
        DefaultBodyLimit::disable().apply(&mut request);
        request
    }

    /// Extracts a [`Path`](super::Path) out of what the table has found; `None` when `T` is something else.
    pub(super) fn path<T: FromRequestParts<()>>(&mut self) -> Option<Result<T, T::Rejection>> {
        let offer = self.offer::<T>()?;
        offer.during(T::from_request_parts(&mut self.inner.parts, &()))
    }

    /// The same for a last argument. It gets a head with the URI alone, for it needs no more, and nobody does after it.
    pub(super) fn last_path<T: FromRequest<(), Via>, Via>(&mut self) -> Option<Result<T, T::Rejection>> {
        let offer = self.offer::<T>()?;
        let mut request = axum::extract::Request::default();
        *request.uri_mut() = std::mem::take(&mut self.inner.parts.uri);
        offer.during(T::from_request(request, &()))
    }

    fn offer<T>(&self) -> Option<Offer> {
        Offer::to::<T>(&self.inner.endpoint.capture_names, self.inner.captured)
    }

    /// Whether an extractor has asked for more than the head as it came.
    #[cfg(test)]
    pub(super) fn is_prepared(&self) -> bool {
        self.inner.is_prepared
    }

    /// The head, with everything axum's extractors look for.
    pub(super) fn parts_mut(&mut self) -> &mut Parts {
        self.prepare();
        &mut self.inner.parts
    }

    /// The problem that reading the body has run into.
    pub(super) fn body_problem(&self) -> Option<Problem> {
        self.inner.reading.as_ref().and_then(|reading| reading.flow.problem())
    }

    fn prepare(&mut self) {
        let Inner { parts, endpoint, peer, is_prepared, .. } = &mut *self.inner;
        if std::mem::replace(is_prepared, true) {
            return;
        }
        endpoint.captures.fill(parts);
        parts.extensions.insert(ConnectInfo(peer.address()));
        if let Some(tls) = peer.tls() {
            parts.extensions.insert(tls.clone());
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({} {})", self.method(), self.uri())
    }
}

/// What only axum's router can make of a path: its captures, and the matched path itself.
///
/// Routes are found by a table of our own. A route with captures asks an axum router of this one route for them, once
/// per request and only when the handler has an argument; a route without takes a copy of what was made at the start.
pub(super) enum Captures {
    /// The path has no captures.
    None(Option<MatchedPath>),
    /// A router that leaves the head in [`CAUGHT`].
    Some(Router),
}

thread_local! {
    /// The head that has gone through a router of [`Captures`]; it is taken out again before anything else happens.
    static CAUGHT: Cell<Option<Parts>> = const { Cell::new(None) };
}

impl Captures {
    /// Prepares a path that axum accepts; `has_slash_twin` when it is also served with a slash at its end.
    pub(super) fn new(path: &str, has_slash_twin: bool) -> Self {
        let mut router = Router::new().without_v07_checks().route_service(path, Catch);
        if path.contains('{') {
            if has_slash_twin {
                router = router.route_service(&format!("{path}/"), Catch);
            }
            return Self::Some(router);
        }
        let Ok(uri) = path.parse::<Uri>() else { return Self::None(None) };
        let mut parts = http::Request::new(()).into_parts().0;
        parts.uri = uri;
        route(&router, &mut parts);
        Self::None(parts.extensions.remove())
    }

    fn fill(&self, parts: &mut Parts) {
        match self {
            Self::Some(router) => route(router, parts),
            Self::None(Some(path)) => {
                parts.extensions.insert(path.clone());
            }
            Self::None(None) => {}
        }
    }
}

/// Sends the head through a router and takes it back.
fn route(router: &Router, parts: &mut Parts) {
    let (mut taken, ()) = http::Request::new(()).into_parts();
    std::mem::swap(&mut taken, parts);
    let (method, uri) = (taken.method.clone(), taken.uri.clone());
    let request = http::Request::from_parts(taken, Body::empty());
    let _ = router.clone().call(request).now_or_never();
    match CAUGHT.take() {
        Some(caught) => *parts = caught,
        // The table and axum do not agree on the path: the handler then misses its captures and says so.
        None => (parts.method, parts.uri) = (method, uri),
    }
}

/// Leaves the head it is called with in [`CAUGHT`].
#[derive(Clone)]
struct Catch;

impl Service<axum::extract::Request> for Catch {
    type Response = Response;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::extract::Request) -> Self::Future {
        CAUGHT.set(Some(request.into_parts().0));
        std::future::ready(Ok(Response::default()))
    }
}

fn content_type(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(header::CONTENT_TYPE).map(|value| media_type(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use axum::extract::{FromRequestParts, Path};

    use super::*;

    async fn captured(path: &str, uri: &'static str) -> (Option<String>, String) {
        let mut parts = http::Request::builder().uri(uri).header("x-one", "1").body(()).unwrap().into_parts().0;
        Captures::new(path, !path.contains("{*")).fill(&mut parts);
        assert_eq!(parts.uri, Uri::from_static(uri));
        assert_eq!(parts.headers["x-one"], "1");
        let matched = parts.extensions.get::<MatchedPath>().unwrap().as_str().to_owned();
        let id = Path::<String>::from_request_parts(&mut parts, &()).await;
        (id.ok().map(|Path(id)| id), matched)
    }

    #[tokio::test]
    async fn captures_and_the_matched_path_are_those_of_axum() {
        assert_eq!(captured("/a/{id}", "/a/x%20y?q=1").await, (Some("x y".into()), "/a/{id}".into()));
        assert_eq!(captured("/a/{id}", "/a/7/").await, (Some("7".into()), "/a/{id}/".into()));
        assert_eq!(captured("/files/{*rest}", "/files/a/b").await.0, Some("a/b".into()));
        assert_eq!(captured("/plain", "/plain").await, (None, "/plain".into()));
    }
}
