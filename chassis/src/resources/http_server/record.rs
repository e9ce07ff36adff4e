//! What is known of a request from its head to its last byte, and told once at its end: a line and figures.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::extract::MatchedPath;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts};
use tokio::time::Instant;
use tracing_core::Level;

use super::{body::Flow, cache::Key, endpoint::Endpoint, site::Site};
use crate::{
    http::Peer,
    logging::{Line, Value},
    metrics::Tracked,
    unit::{Ids, Kind, Outcome, RequestId, TraceContext},
};

/// The header with the id of a request, in both directions.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header with the W3C trace context, in both directions.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// More of a URI is not written to logs: a client chooses its length.
const LONGEST_URI: usize = 1024;

/// The status in the log of a request that was dropped before it was answered; nginx has coined it.
const CLIENT_CLOSED_REQUEST: u16 = 499;

/// A request under way. Dropped before it was told of, it says that it was cancelled.
pub(super) struct Record {
    pub(super) site: Site,
    pub(super) peer: Arc<Peer>,
    pub(super) started: Instant,
    pub(super) ids: Arc<Ids>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// The route, once one was found.
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// The path in a merged router that answered.
    pub(super) merged_route: Option<MatchedPath>,
    pub(super) flow: Option<Arc<Flow>>,
    /// The few headers that decide about the answer; the handler has the rest.
    pub(super) asked: HeaderMap,
    /// Where a cached answer goes.
    pub(super) cache_key: Option<Key>,
    /// The handler has finished without its client.
    pub(super) is_disconnected: bool,
    in_flight: Option<Tracked>,
    is_told: bool,
}

/// How a request ended.
pub(super) struct End<'a> {
    pub(super) status: StatusCode,
    pub(super) outcome: Outcome,
    pub(super) bytes_out: u64,
    /// What went wrong, for the line.
    pub(super) error: Option<&'a dyn std::fmt::Display>,
    pub(super) backtrace: Option<&'a str>,
}

impl Record {
    /// Begins with the head of a request.
    pub(super) fn begin(site: &Site, peer: &Arc<Peer>, head: &Parts, endpoint: Option<&Arc<Endpoint>>) -> Self {
        let text = |name: &HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        let request_id = text(&REQUEST_ID).and_then(RequestId::parse);
        let caller = text(&TRACEPARENT).and_then(TraceContext::parse);
        let record = Self {
            site: site.clone(),
            peer: Arc::clone(peer),
            started: Instant::now(),
            ids: Arc::new(Ids::from_caller(request_id, caller)),
            method: head.method.clone(),
            uri: head.uri.clone(),
            endpoint: endpoint.cloned(),
            merged_route: None,
            flow: None,
            asked: deciding_headers(site, &head.headers),
            cache_key: None,
            is_disconnected: false,
            in_flight: Some(site.meters.begin()),
            is_told: false,
        };
        record.tell_of_beginning();
        record
    }

    /// Adds what every answer carries.
    pub(super) fn extend(&self, headers: &mut HeaderMap) {
        if let Some(cors) = &self.site.cors {
            cors.extend(&self.asked, headers);
        }
        if self.site.settings.observability {
            let id = HeaderValue::from_bytes(self.ids.request_id().as_bytes());
            let trace = HeaderValue::from_bytes(&self.ids.trace().traceparent());
            if let (Ok(id), Ok(trace)) = (id, trace) {
                headers.insert(REQUEST_ID, id);
                headers.insert(TRACEPARENT, trace);
            }
        }
    }

    /// What a hook may know.
    pub(super) fn info(&self) -> RequestInfo<'_> {
        RequestInfo { record: self }
    }

    /// Says the canonical line and counts, once.
    pub(super) fn tell(&mut self, end: &End<'_>) {
        if self.is_told {
            return;
        }
        self.is_told = true;
        self.site.load.end();
        drop(self.in_flight.take());
        self.site.meters.ended(end.outcome);
        if !self.site.settings.observability {
            return;
        }
        let took = self.started.elapsed();
        let received = self.flow.as_ref().map_or(0, |flow| flow.received());
        match &self.endpoint {
            Some(endpoint) => endpoint.meters.record(end.status, took, received, end.bytes_out),
            None => self.site.meters.record_elsewhere(&self.method, self.route(), end.status, took),
        }
        let is_quiet = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.quiet);
        if !is_quiet || end.outcome != Outcome::Ok {
            self.tell_of_end(end, took, received);
        }
    }

    fn tell_of_beginning(&self) {
        let (logs, target) = (self.site.scope.logs(), Kind::Request.target());
        if self.site.settings.observability && logs.is_enabled(Level::DEBUG, target) {
            let uri = shortened(&self.uri);
            logs.line(&Line {
                level: Level::DEBUG,
                target,
                message: "REQUEST",
                unit: Some(&self.ids),
                fields: &[
                    ("method", Value::Str(self.method.as_str())),
                    ("uri", Value::Str(&uri)),
                    ("ip", Value::Ip(self.peer.address().ip())),
                ],
            });
        }
    }

    fn tell_of_end(&self, end: &End<'_>, took: Duration, received: u64) {
        let uri = shortened(&self.uri);
        let mut fields = [("", Value::Bool(true)); 12];
        let mut length = 0;
        let mut add = |name, value| {
            fields[length] = (name, value);
            length += 1;
        };
        add("method", Value::Str(self.method.as_str()));
        add("uri", Value::Str(&uri));
        add("route", Value::Str(self.route()));
        add("ip", Value::Ip(self.peer.address().ip()));
        add("status", Value::U64(end.status.as_u16().into()));
        add("time_ms", Value::Millis(took));
        add("bytes_in", Value::U64(received));
        add("bytes_out", Value::U64(end.bytes_out));
        add("outcome", Value::Str(end.outcome.as_str()));
        if self.is_disconnected {
            add("disconnected", Value::Bool(true));
        }
        if let Some(error) = &end.error {
            add("error", Value::Display(error));
        }
        if let Some(backtrace) = end.backtrace {
            add("backtrace", Value::Str(backtrace));
        }
        self.site.scope.logs().line(&Line {
            level: end.outcome.level(Level::INFO),
            target: Kind::Request.target(),
            message: Kind::Request.message(),
            unit: Some(&self.ids),
            fields: fields.get(..length).unwrap_or_default(),
        });
    }

    fn route(&self) -> &str {
        match (&self.endpoint, &self.merged_route) {
            (Some(endpoint), _) => &endpoint.path,
            (None, Some(path)) => path.as_str(),
            (None, None) => "",
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let status = StatusCode::from_u16(CLIENT_CLOSED_REQUEST).unwrap_or(StatusCode::BAD_REQUEST);
        self.tell(&End { status, outcome: Outcome::Cancelled, bytes_out: 0, error: None, backtrace: None });
    }
}

/// The request as a hook of the server sees it, see
/// [`HttpServer::problem_hook`](super::HttpServer::problem_hook).
pub struct RequestInfo<'a> {
    record: &'a Record,
}

impl RequestInfo<'_> {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.record.method
    }

    /// The URI as it came, usually path and query only.
    pub fn uri(&self) -> &Uri {
        &self.record.uri
    }

    /// The path of the route, with its `{…}`; `None` where there is no such route.
    pub fn route(&self) -> Option<&str> {
        Some(self.record.route()).filter(|route| !route.is_empty())
    }

    /// The ids of the request.
    pub fn ids(&self) -> &Ids {
        &self.record.ids
    }

    /// The other end of the connection.
    pub fn remote_address(&self) -> SocketAddr {
        self.record.peer.address()
    }
}

impl std::fmt::Debug for RequestInfo<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestInfo({} {})", self.method(), self.uri())
    }
}

/// Copies what decides about the form of an answer.
fn deciding_headers(site: &Site, headers: &HeaderMap) -> HeaderMap {
    let mut asked = HeaderMap::new();
    let mut copy = |name: HeaderName| {
        for value in headers.get_all(&name) {
            asked.append(name.clone(), value.clone());
        }
    };
    if site.settings.compression.enabled {
        copy(header::ACCEPT_ENCODING);
    }
    copy(header::IF_NONE_MATCH);
    if site.cors.is_some() {
        copy(header::ORIGIN);
    }
    asked
}

/// The URI as it is logged: path and query, cut where it gets too long.
fn shortened(uri: &Uri) -> std::borrow::Cow<'_, str> {
    let text = uri.path_and_query().map_or_else(|| uri.path(), |path| path.as_str());
    if text.len() <= LONGEST_URI {
        return text.into();
    }
    let end = text.floor_char_boundary(LONGEST_URI);
    format!("{}…", &text[..end]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_uri_is_cut_on_a_character() {
        let long = format!("/{}", "a".repeat(5000));
        let uri = Uri::try_from(long).unwrap_or_default();
        assert_eq!(shortened(&uri).chars().count(), LONGEST_URI + 1);
        assert_eq!(shortened(&Uri::from_static("/a?b=1")), "/a?b=1");
    }
}
