//! The way of an answer from the handler to the wire: problems, cache, tags, compression, headers.
//!
//! What most answers do without is not inlined, for the reason that [`exchange`](super::exchange) gives.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, StatusCode,
    header::{self, Entry},
    response::Parts,
};
use http_body::Body as _;
use tokio::time::Instant;

use super::{
    cache::{Cached, Key, is_cacheable},
    content::{Choice, GzipBody, Tag, choose, compress, names_this_tag},
    outgoing::{Outgoing, Told},
    problem::Problem,
    record::{End, Record},
    rejection,
};
use crate::{process::catch, unit::Outcome};

/// Says whether an answer was taken out of the cache.
pub(super) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Longer bodies get no tag, and are compressed while they are sent.
const WHOLE: u64 = 64 * 1024;

/// An answer whose request has not been told of.
pub(super) struct Answered {
    pub(super) response: Response,
    outcome: Outcome,
    /// The stack of a panic.
    backtrace: Option<Box<str>>,
}

impl Answered {
    /// An answer, by whose status it went well or not.
    pub(super) fn new(response: Response) -> Self {
        Self { response, outcome: Outcome::Ok, backtrace: None }
    }

    /// A problem that says how the request ended.
    pub(super) fn problem(problem: Problem, outcome: Outcome) -> Self {
        Self { response: problem.into_response(), outcome, backtrace: None }
    }

    /// The same with the stack of a panic, for the log.
    pub(super) fn with_backtrace(self, backtrace: Option<&str>) -> Self {
        Self { backtrace: backtrace.map(Into::into), ..self }
    }

    /// Makes the answer what the client gets, and tells of the request now or with the last byte.
    pub(super) fn finish(self, mut record: Box<Record>) -> http::Response<Outgoing> {
        let Self { mut response, outcome, backtrace } = self;
        let is_error = response.status().is_client_error() || response.status().is_server_error();
        let problem = if is_error { extend_problem(&mut response, &mut record) } else { None };
        let (head, body) = response.into_parts();
        let mut draft = Draft { head, body: Outgoing::new(body, WHOLE), has_our_tag: false };
        if let Some(key) = record.cache_key.take() {
            draft.keep_in_cache(&record, key);
        }
        let is_known = draft.add_tag(&record);
        if draft.is_long_enough(&record) {
            draft.compress(&record, is_known);
        }
        if is_known {
            draft.become_not_modified();
        }
        record.extend(&mut draft.head.headers);
        if record.method == Method::HEAD {
            draft.leave_out_body();
        }
        let Draft { head, body, .. } = draft;
        let status = head.status;
        let outcome = outcome_by(status, outcome);
        let body = match body.size_hint().exact() {
            Some(bytes_out) => {
                tell(&mut record, status, outcome, bytes_out, problem.as_ref(), backtrace.as_deref());
                body
            }
            None => told_later(body, record, status, outcome),
        };
        http::Response::from_parts(head, body)
    }

    /// Tells of a request whose client is gone.
    pub(super) fn tell_unheard(self, record: &mut Record) {
        let Self { response, outcome, backtrace } = self;
        let outcome = outcome_by(response.status(), outcome);
        let problem = response.extensions().get();
        tell(record, response.status(), outcome, 0, problem, backtrace.as_deref());
    }
}

/// An answer while it is made ready.
struct Draft {
    head: Parts,
    body: Outgoing,
    /// The tag is not the handler's.
    has_our_tag: bool,
}

impl Draft {
    /// Keeps a success of a route with a cache, if the body is there already.
    #[inline(never)]
    fn keep_in_cache(&mut self, record: &Record, key: Key) {
        let rule = record.endpoint.as_ref().and_then(|endpoint| endpoint.cache.as_ref());
        let Some(rule) = rule.filter(|_| is_cacheable(self.head.status, &self.head.headers)) else { return };
        if let Outgoing::Whole(body) = &self.body {
            let Parts { status, headers, .. } = &self.head;
            let cached = Cached { status: *status, headers: headers.clone(), body: body.clone() };
            record.site.cache.put(key, cached, Instant::now(), rule.time_to_live);
        }
        self.head.headers.insert(X_CACHE, HeaderValue::from_static("MISS"));
    }

    /// Adds a tag to a whole body; `true` when the client has that body already.
    fn add_tag(&mut self, record: &Record) -> bool {
        let Parts { status, headers, .. } = &mut self.head;
        if *status != StatusCode::OK || !(record.method == Method::GET || record.method == Method::HEAD) {
            return false;
        }
        let is_known = |tag| names_this_tag(record.asked(), tag);
        let Outgoing::Whole(body) = &self.body else { return headers.get(header::ETAG).is_some_and(is_known) };
        // One search, whether the handler has set a tag or not.
        match headers.entry(header::ETAG) {
            Entry::Occupied(tag) => is_known(tag.get()),
            Entry::Vacant(_) if !record.site.settings.etag => false,
            Entry::Vacant(place) => {
                let tag = Tag::of(body);
                let known = tag.known_to(record.asked());
                place.insert(tag.header(known.unwrap_or(false)));
                self.has_our_tag = true;
                known.is_some()
            }
        }
    }

    /// 304 with the headers that a 200 would have, but for those of its body.
    #[inline(never)]
    fn become_not_modified(&mut self) {
        self.head.status = StatusCode::NOT_MODIFIED;
        self.head.headers.remove(header::CONTENT_TYPE);
        self.head.headers.remove(header::CONTENT_LENGTH);
        self.body = Outgoing::Whole(Bytes::new());
    }

    /// Whether the body may be worth compressing; one of unknown length is.
    fn is_long_enough(&self, record: &Record) -> bool {
        let settings = &record.site.settings.compression;
        settings.enabled && self.body.size_hint().exact().is_none_or(|size| size >= settings.min_size.as_u64())
    }

    /// Compresses the body for a client that takes it and has not got it, and says that there are two forms.
    #[inline(never)]
    fn compress(&mut self, record: &Record, is_known: bool) {
        let headers = &mut self.head.headers;
        let choice = choose(record.asked(), headers);
        if choice == Choice::Never {
            return;
        }
        headers.append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
        if choice == Choice::NotForThisClient || is_known {
            return;
        }
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::ACCEPT_RANGES);
        if let Some(tag) = headers.get_mut(header::ETAG) {
            *tag = for_gzip(tag, self.has_our_tag);
        }
        self.body = match std::mem::replace(&mut self.body, Outgoing::Whole(Bytes::new())) {
            Outgoing::Whole(body) => Outgoing::Whole(compress(&body)),
            other => Outgoing::Compressed(Box::new(GzipBody::new(other.into_body()))),
        };
    }

    /// The answer to `HEAD`: it says how long the body would be.
    #[inline(never)]
    fn leave_out_body(&mut self) {
        let size = self.body.size_hint().exact();
        self.body = Outgoing::Whole(Bytes::new());
        if let Some(size) = size.filter(|_| self.head.status != StatusCode::NOT_MODIFIED) {
            self.head.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(size));
        }
    }
}

#[inline(never)]
fn told_later(inner: Outgoing, record: Box<Record>, status: StatusCode, outcome: Outcome) -> Outgoing {
    Outgoing::Told(Box::new(Told { inner, record, status, outcome, bytes_out: 0 }))
}

/// Lets the service extend the problem that an error is; gives it back for the log.
#[inline(never)]
fn extend_problem(response: &mut Response, record: &mut Record) -> Option<Problem> {
    match rejection::from_response(std::mem::take(response)) {
        Err(same) => {
            *response = *same;
            None
        }
        Ok(mut problem) => {
            let ids = record.ids.make().cloned().unwrap_or_default();
            for hook in record.site.problem_hooks.iter() {
                if let Err(panic) = catch(|| hook(&mut problem, &record.info(&ids))) {
                    tracing::error!("a hook that extends problems failed: {panic}");
                }
            }
            *response = problem.clone().into_response();
            Some(problem)
        }
    }
}

/// A server error is a failure of the request, however it came about.
fn outcome_by(status: StatusCode, outcome: Outcome) -> Outcome {
    if status.is_server_error() && outcome == Outcome::Ok { Outcome::Error } else { outcome }
}

fn tell(
    record: &mut Record,
    status: StatusCode,
    outcome: Outcome,
    bytes_out: u64,
    problem: Option<&Problem>,
    backtrace: Option<&str>,
) {
    let error = problem.and_then(Problem::error).map(|error| format!("{error:#}"));
    let error = error.as_ref().map(|error| error as &dyn std::fmt::Display);
    record.tell(&End { status, outcome, bytes_out, error, backtrace });
}

/// The tag of the compressed form: ours has a form for it, a handler's own becomes a weak one.
fn for_gzip(tag: &HeaderValue, is_ours: bool) -> HeaderValue {
    let text = tag.as_bytes();
    if text.starts_with(b"W/") {
        return tag.clone();
    }
    let other = match (is_ours, text.strip_suffix(b"\"")) {
        (true, Some(start)) => [start, b"-gzip\""].concat(),
        _ => [b"W/", text].concat(),
    };
    HeaderValue::from_bytes(&other).unwrap_or_else(|_| tag.clone())
}
