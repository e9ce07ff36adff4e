//! The way of an answer from the handler to the wire: problems, cache, tags, compression, headers.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Instant;

use super::{
    cache::{Cached, is_cacheable},
    content::{Choice, GzipBody, Tag, choose, compress, names_this_tag},
    problem::Problem,
    record::{End, Record},
    rejection,
};
use crate::unit::Outcome;

/// Says whether an answer was taken out of the cache.
pub(super) const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Longer bodies get no tag, and are compressed while they are sent.
const WHOLE: u64 = 64 * 1024;

/// An answer whose request has not been told of.
pub(super) struct Answered {
    pub(super) response: Response,
    pub(super) outcome: Outcome,
    /// The stack of a panic.
    pub(super) backtrace: Option<Box<str>>,
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

    /// Makes the answer what the client gets, and tells of the request now or with the last byte.
    pub(super) fn finish(self, mut record: Record) -> Response {
        let Self { mut response, outcome, backtrace } = self;
        let mut problem = None;
        if response.status().is_client_error() || response.status().is_server_error() {
            (response, problem) = extended(response, &record);
        } else {
            response = record.keep_in_cache(response);
        }
        if record.method == Method::GET || record.method == Method::HEAD {
            response = record.tagged(response);
        }
        if record.site.settings.compression.enabled {
            response = record.compressed(response);
        }
        record.extend(response.headers_mut());
        if record.method == Method::HEAD {
            response = without_body(response);
        }
        let status = response.status();
        let is_failure = status.is_server_error() && outcome == Outcome::Ok;
        let outcome = if is_failure { Outcome::Error } else { outcome };
        match response.body().size_hint().exact() {
            Some(bytes_out) => {
                let error = problem.as_ref().and_then(|problem| problem.error());
                let error = error.as_ref().map(|error| format!("{error:#}"));
                let error = error.as_ref().map(|error| error as &dyn std::fmt::Display);
                record.tell(&End { status, outcome, bytes_out, error, backtrace: backtrace.as_deref() });
                response
            }
            None => response.map(|inner| Body::new(Streamed { inner, record, status, outcome, bytes_out: 0 })),
        }
    }
}

impl Answered {
    /// Tells of a request whose client is gone.
    pub(super) fn tell_unheard(self, record: &mut Record) {
        let Self { response, outcome, backtrace } = self;
        let status = response.status();
        let outcome = if status.is_server_error() && outcome == Outcome::Ok { Outcome::Error } else { outcome };
        let problem = response.extensions().get::<Problem>();
        let error = problem.and_then(Problem::error).map(|error| format!("{error:#}"));
        let error = error.as_ref().map(|error| error as &dyn std::fmt::Display);
        record.tell(&End { status, outcome, bytes_out: 0, error, backtrace: backtrace.as_deref() });
    }
}

impl Record {
    /// Keeps a success of a route with a cache, if the body is there already.
    fn keep_in_cache(&mut self, mut response: Response) -> Response {
        let Some(key) = self.cache_key.take() else { return response };
        let rule = self.endpoint.as_ref().and_then(|endpoint| endpoint.cache.as_ref());
        let Some(rule) = rule.filter(|_| is_cacheable(response.status(), response.headers())) else { return response };
        let (taken, body) = whole(response, u64::MAX);
        response = taken;
        if let Some(body) = body {
            let (status, headers) = (response.status(), response.headers().clone());
            self.site.cache.put(key, Cached { status, headers, body }, Instant::now(), rule.time_to_live);
        }
        response.headers_mut().insert(X_CACHE, HeaderValue::from_static("MISS"));
        response
    }

    /// Adds a tag to a whole body, or answers that the client has it.
    fn tagged(&self, response: Response) -> Response {
        if response.status() != StatusCode::OK {
            return response;
        }
        if let Some(tag) = response.headers().get(header::ETAG) {
            return match names_this_tag(&self.asked, tag) {
                true => not_modified(response),
                false => response,
            };
        }
        if !self.site.settings.etag {
            return response;
        }
        let (mut response, body) = whole(response, WHOLE);
        let Some(body) = body else { return response };
        let tag = Tag::of(&body);
        let known = tag.known_to(&self.asked);
        response.headers_mut().insert(header::ETAG, tag.header(known.unwrap_or(false)));
        match known {
            Some(_) => not_modified(response),
            None => response,
        }
    }

    fn compressed(&self, response: Response) -> Response {
        let size = response.body().size_hint().exact();
        let min_size = self.site.settings.compression.min_size.as_u64();
        let choice = match size {
            Some(size) if size < min_size => return response,
            size => choose(&self.asked, response.headers(), size, min_size),
        };
        if choice == Choice::Never {
            return response;
        }
        let mut response = response;
        response.headers_mut().append(header::VARY, HeaderValue::from_name(header::ACCEPT_ENCODING));
        if choice == Choice::NotForThisClient {
            return response;
        }
        let (mut response, body) = whole(response, WHOLE);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::ACCEPT_RANGES);
        if let Some(tag) = headers.get(header::ETAG).map(for_gzip) {
            headers.insert(header::ETAG, tag);
        }
        match body {
            Some(body) => response.map(|_| Body::from(compress(&body))),
            None => response.map(|body| Body::new(GzipBody::new(body))),
        }
    }
}

/// An error as a problem that the service has extended, and the problem itself for the log.
fn extended(response: Response, record: &Record) -> (Response, Option<Problem>) {
    match rejection::from_response(response) {
        Err(response) => (*response, None),
        Ok(mut problem) => {
            for hook in &record.site.problem_hooks {
                hook(&mut problem, &record.info());
            }
            (problem.clone().into_response(), Some(problem))
        }
    }
}

/// Takes out a body that is there as a whole and not longer than `longest`, leaving one of the same content.
fn whole(response: Response, longest: u64) -> (Response, Option<Bytes>) {
    if response.body().size_hint().exact().is_none_or(|size| size > longest) {
        return (response, None);
    }
    let (parts, mut body) = response.into_parts();
    match body.frame().now_or_never() {
        // A body of one frame is one piece; any other is put together again.
        Some(Some(Ok(frame))) if frame.is_data() && body.is_end_stream() => {
            let data = frame.into_data().unwrap_or_default();
            (Response::from_parts(parts, Body::from(data.clone())), Some(data))
        }
        Some(Some(first)) => {
            let resumed = Resumed { first: Some(first), rest: body };
            (Response::from_parts(parts, Body::new(resumed)), None)
        }
        Some(None) => (Response::from_parts(parts, Body::empty()), Some(Bytes::new())),
        None => (Response::from_parts(parts, body), None),
    }
}

/// 304 with the headers that the standard wants there.
fn not_modified(response: Response) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

/// The answer to `HEAD`: it says how long the body would be.
fn without_body(response: Response) -> Response {
    let size = response.body().size_hint().exact();
    let mut response = response.map(|_| Body::empty());
    if let Some(size) = size.filter(|_| response.status() != StatusCode::NOT_MODIFIED) {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(size));
    }
    response
}

/// The tag of the compressed form: ours has a form for it, a handler's own becomes a weak one.
fn for_gzip(tag: &HeaderValue) -> HeaderValue {
    let text = tag.as_bytes();
    if text.starts_with(b"W/") {
        return tag.clone();
    }
    let is_ours = text.len() == 34;
    let other = match (is_ours, text.strip_suffix(b"\"")) {
        (true, Some(start)) => [start, b"-gzip\""].concat(),
        _ => [b"W/", text].concat(),
    };
    HeaderValue::from_bytes(&other).unwrap_or_else(|_| tag.clone())
}

/// A body whose request is told of with its last byte.
struct Streamed {
    inner: Body,
    record: Record,
    status: StatusCode,
    outcome: Outcome,
    bytes_out: u64,
}

impl Streamed {
    fn tell(&mut self, outcome: Outcome, error: Option<&dyn std::fmt::Display>) {
        let (status, bytes_out) = (self.status, self.bytes_out);
        self.record.tell(&End { status, outcome, bytes_out, error, backtrace: None });
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let polled = {
            let _unit = this.record.ids.enter();
            Pin::new(&mut this.inner).poll_frame(cx)
        };
        let outcome = this.outcome;
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let length = frame.data_ref().map_or(0, Bytes::len);
                this.bytes_out += u64::try_from(length).unwrap_or(0);
                if this.inner.is_end_stream() {
                    this.tell(outcome, None);
                }
            }
            Poll::Ready(Some(Err(error))) => this.tell(Outcome::Error, Some(error)),
            Poll::Ready(None) => this.tell(outcome, None),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Streamed {
    fn drop(&mut self) {
        // Without effect when the last byte has gone out.
        self.tell(Outcome::Cancelled, None);
    }
}

/// A body whose first frame was looked at.
struct Resumed {
    first: Option<Result<Frame<Bytes>, axum::Error>>,
    rest: Body,
}

impl http_body::Body for Resumed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().and_then(|first| first.as_ref().ok()?.data_ref());
        let first = first.map_or(0, |data| u64::try_from(data.len()).unwrap_or(0));
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }
}
