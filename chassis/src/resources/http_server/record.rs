//! What is known of a request from its head to its last byte, and told once at its end: a line and figures.

use std::{borrow::Cow, net::SocketAddr, sync::Arc};

use axum::extract::MatchedPath;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header, request::Parts, uri::PathAndQuery,
};
use tokio::time::Instant;
use tracing_core::Level;

use super::{asked::Asked, body::Flow, cache::Key, endpoint::Endpoint, site::Site};
use crate::{
    http::Peer,
    logging::{FieldName, Line, Value},
    unit::{Ids, Kind, Outcome, RequestId, Slot, TraceContext},
};

const METHOD: FieldName = FieldName::new("method");
const URI: FieldName = FieldName::new("uri");
const ROUTE: FieldName = FieldName::new("route");
const IP: FieldName = FieldName::new("ip");
const STATUS: FieldName = FieldName::new("status");
const TIME_MS: FieldName = FieldName::new("time_ms");
const BYTES_IN: FieldName = FieldName::new("bytes_in");
const BYTES_OUT: FieldName = FieldName::new("bytes_out");
const OUTCOME: FieldName = FieldName::new("outcome");
const DISCONNECTED: FieldName = FieldName::new("disconnected");
const ERROR: FieldName = FieldName::new("error");
const BACKTRACE: FieldName = FieldName::new("backtrace");

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
    pub(super) site: Arc<Site>,
    pub(super) peer: Arc<Peer>,
    pub(super) started: Instant,
    pub(super) ids: Slot,
    pub(super) method: Method,
    pub(super) path: PathAndQuery,
    /// The route, once one was found.
    pub(super) endpoint: Option<Arc<Endpoint>>,
    /// The path in a merged router that answered.
    pub(super) merged_route: Option<MatchedPath>,
    pub(super) flow: Option<Arc<Flow>>,
    asked: Asked,
    /// Where a cached answer goes.
    pub(super) cache_key: Option<Key>,
    /// The handler has finished without its client.
    pub(super) is_disconnected: bool,
    is_told: bool,
    /// Whether it says for which host it is, as RFC 9112, section 3.2, demands: once on HTTP/1.1, at most once elsewhere.
    pub(super) is_addressed: bool,
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
    pub(super) fn begin(
        site: &Arc<Site>,
        peer: &Arc<Peer>,
        began: Instant,
        head: &Parts,
        endpoint: Option<&Arc<Endpoint>>,
    ) -> Box<Self> {
        let sent = Sent::by(site, &head.headers);
        let request_id = sent.request_id.and_then(RequestId::parse);
        let caller = sent.traceparent.and_then(TraceContext::parse);
        // Unobserved, only a handler that logs or asks has a use for them.
        let is_unmade = !site.settings.observability && request_id.is_none() && caller.is_none();
        let ids = match is_unmade {
            true => Slot::Unmade,
            false => Slot::Made(Arc::new(Ids::from_caller(request_id, caller))),
        };
        // Boxed, as it is handed on until the last byte of the answer.
        let record = Box::new(Self {
            site: Arc::clone(site),
            peer: Arc::clone(peer),
            started: began,
            ids,
            method: head.method.clone(),
            path: head.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")),
            endpoint: endpoint.cloned(),
            merged_route: None,
            flow: None,
            asked: sent.asked,
            cache_key: None,
            is_disconnected: false,
            is_told: false,
            is_addressed: sent.hosts == 1 || (sent.hosts == 0 && head.version != Version::HTTP_11),
        });
        site.meters.begin();
        record.tell_of_beginning();
        record
    }

    /// Adds what every answer carries.
    pub(super) fn extend(&self, headers: &mut HeaderMap) {
        if let Some(cors) = &self.site.cors {
            cors.extend(self.asked.all(header::ORIGIN).next(), headers);
        }
        if let Some(ids) = self.ids.made().filter(|_| self.site.settings.observability) {
            let id = HeaderValue::from_bytes(ids.request_id().as_bytes());
            let trace = HeaderValue::from_bytes(&ids.trace().traceparent());
            if let (Ok(id), Ok(trace)) = (id, trace) {
                headers.insert(REQUEST_ID, id);
                headers.insert(TRACEPARENT, trace);
            }
        }
    }

    /// The few headers that decide about the form of the answer; the handler has the rest.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// What a hook may know.
    pub(super) fn info<'a>(&'a self, ids: &'a Ids) -> RequestInfo<'a> {
        RequestInfo { record: self, ids }
    }

    /// Says the canonical line and counts, once.
    pub(super) fn tell(&mut self, end: &End<'_>) {
        if self.is_told {
            return;
        }
        self.is_told = true;
        self.site.load.end();
        self.site.meters.ended(end.outcome);
        if !self.site.settings.observability {
            return;
        }
        let now = Instant::now();
        let took = now - self.started;
        let received = self.flow.as_ref().map_or(0, |flow| flow.received());
        match &self.endpoint {
            Some(endpoint) => endpoint.meters.record(end.status, took, received, end.bytes_out),
            None => self.site.meters.record_elsewhere(&self.method, self.route(), end.status, took),
        }
        let is_quiet = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.quiet);
        if !is_quiet || end.outcome != Outcome::Ok {
            self.tell_of_end(end, now, received);
        }
    }

    fn tell_of_beginning(&self) {
        let (logs, target) = (self.site.scope.logs(), Kind::Request.target());
        if self.site.settings.observability && logs.is_enabled(Level::DEBUG, target) {
            let uri = shortened(self.path.as_str());
            logs.line(&Line {
                level: Level::DEBUG,
                target,
                message: "REQUEST",
                unit: self.ids.made(),
                fields: &[
                    (&METHOD, Value::Str(self.method.as_str())),
                    (&URI, Value::Str(&uri)),
                    (&IP, Value::Ip(self.peer.address().ip())),
                ],
            });
        }
    }

    fn tell_of_end(&self, end: &End<'_>, now: Instant, received: u64) {
        let uri = shortened(self.path.as_str());
        let common = [
            (&METHOD, Value::Str(self.method.as_str())),
            (&URI, Value::Str(&uri)),
            (&ROUTE, Value::Str(self.route())),
            (&IP, Value::Ip(self.peer.address().ip())),
            (&STATUS, Value::U64(end.status.as_u16().into())),
            (&TIME_MS, Value::Millis(now - self.started)),
            (&BYTES_IN, Value::U64(received)),
            (&BYTES_OUT, Value::U64(end.bytes_out)),
            (&OUTCOME, Value::Str(end.outcome.as_str())),
        ];
        let disconnected = self.is_disconnected.then_some((&DISCONNECTED, Value::Bool(true)));
        let error = end.error.as_ref().map(|error| (&ERROR, Value::Display(error)));
        let backtrace = end.backtrace.map(|backtrace| (&BACKTRACE, Value::Str(backtrace)));
        let more = [disconnected, error, backtrace];
        // Nearly always there is no more, and nothing is allocated.
        let fields = match more.iter().all(Option::is_none) {
            true => Cow::Borrowed(&common[..]),
            false => common.into_iter().chain(more.into_iter().flatten()).collect(),
        };
        let line = Line {
            level: end.outcome.level(Level::INFO),
            target: Kind::Request.target(),
            message: Kind::Request.message(),
            unit: self.ids.made(),
            fields: &fields,
        };
        self.site.scope.logs().line_at(now, &line);
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
    ids: &'a Ids,
}

impl RequestInfo<'_> {
    /// The method.
    pub fn method(&self) -> &Method {
        &self.record.method
    }

    /// Path and query, as they came.
    pub fn uri(&self) -> &str {
        self.record.path.as_str()
    }

    /// The path of the route, with its `{…}`; `None` where there is no such route.
    pub fn route(&self) -> Option<&str> {
        Some(self.record.route()).filter(|route| !route.is_empty())
    }

    /// The ids of the request.
    pub fn ids(&self) -> &Ids {
        self.ids
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

/// What the server itself reads of the headers of a request, found in one pass.
#[derive(Default)]
struct Sent<'a> {
    hosts: usize,
    request_id: Option<&'a str>,
    traceparent: Option<&'a str>,
    /// What decides about the form of the answer.
    asked: Asked,
}

impl<'a> Sent<'a> {
    fn by(site: &Site, headers: &'a HeaderMap) -> Self {
        let mut sent = Self::default();
        for (name, value) in headers {
            if Asked::is_needed(name, site.cors.is_some()) {
                sent.asked.keep(name, value);
            } else if *name == header::HOST {
                sent.hosts += 1;
            } else if *name == REQUEST_ID {
                sent.request_id = value.to_str().ok();
            } else if *name == TRACEPARENT {
                sent.traceparent = value.to_str().ok();
            }
        }
        sent
    }
}

/// Path and query as they are logged, cut where they get too long.
fn shortened(text: &str) -> Cow<'_, str> {
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
        assert_eq!(shortened(&long).chars().count(), LONGEST_URI + 1);
        assert_eq!(shortened("/a?b=1"), "/a?b=1");
    }
}
