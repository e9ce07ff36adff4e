//! Problem documents (RFC 9457): what every error of an HTTP server looks like.

use std::{borrow::Cow, fmt, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::{Cause, Error};

/// The media type of a problem document.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// An error as HTTP tells it: a status and a document that says what went wrong (RFC 9457).
///
/// Handlers return it, or any [`Error`](crate::Error) through `?`: an unavailable dependency becomes a 503, a full
/// disk a 507, everything else a 500 whose text goes to the log and not to the client.
///
/// ```
/// # use chassis::prelude::*;
/// let problem = Problem::not_found().detail("no order has this id").with("order", 7);
/// assert_eq!(
///     problem.to_string(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"no order has this id","order":7}"#
/// );
/// ```
#[derive(Clone)]
pub struct Problem {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    status: StatusCode,
    kind: Cow<'static, str>,
    title: Option<Cow<'static, str>>,
    detail: Option<Cow<'static, str>>,
    instance: Option<String>,
    members: Map<String, Value>,
    headers: HeaderMap,
    /// What went wrong inside; for the log and for [`Problem::error`], never part of the document.
    error: Option<Arc<Error>>,
}

impl Problem {
    /// A problem of that status, titled by the status itself.
    pub fn new(status: StatusCode) -> Self {
        Self {
            inner: Box::new(Inner {
                status,
                kind: Cow::Borrowed("about:blank"),
                title: None,
                detail: None,
                instance: None,
                members: Map::new(),
                headers: HeaderMap::new(),
                error: None,
            }),
        }
    }

    /// 400: the request cannot be understood; says why.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST).detail(detail)
    }

    /// 401: the client has to say who it is, by this scheme (`Bearer`, `Basic realm="x"`).
    pub fn unauthorized(scheme: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
    }

    /// 403: the client may not do this.
    pub fn forbidden() -> Self {
        Self::new(StatusCode::FORBIDDEN)
    }

    /// 404: there is nothing here.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    /// 409: the request contradicts what is there; says how.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::CONFLICT).detail(detail)
    }

    /// 422: the request is understood, but what it says is not acceptable; says why.
    pub fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY).detail(detail)
    }

    /// 500: the service failed. Nothing is told to the client; see [`Problem::from_error`] for the log.
    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// 503: the service cannot do this at the moment; try again after so many seconds.
    pub fn unavailable(retry_after: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    }

    /// The same as `?`: a status by the error's cause; the error itself is for the log alone.
    pub fn from_error(error: impl Into<Error>) -> Self {
        let error = error.into();
        let problem = if is_storage_full(&error) {
            Self::new(StatusCode::INSUFFICIENT_STORAGE).detail("the storage is full")
        } else if error.cause() == Cause::Unavailable {
            Self::unavailable(1).detail("something this service depends on cannot be reached")
        } else {
            Self::internal()
        };
        problem.because(error)
    }

    /// What kind of problem this is: a URI reference, ideally of a page that explains it. `about:blank` otherwise.
    #[must_use]
    pub fn kind(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.inner.kind = uri.into();
        self
    }

    /// A short summary of the kind of problem, the same every time.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.inner.title = Some(title.into());
        self
    }

    /// What happened this time, for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.inner.detail = Some(detail.into());
        self
    }

    /// A URI reference that names this occurrence.
    #[must_use]
    pub fn instance(mut self, uri: impl Into<String>) -> Self {
        self.inner.instance = Some(uri.into());
        self
    }

    /// A further member of the document. The five members that the standard names cannot be replaced this way.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Serialize) -> Self {
        self.insert(name, value);
        self
    }

    /// A header of the response.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.inner.headers.insert(name, value);
        self
    }

    /// What went wrong inside: it is logged with the request, and never told to the client.
    #[must_use]
    pub fn because(mut self, error: impl Into<Error>) -> Self {
        self.inner.error = Some(Arc::new(error.into()));
        self
    }

    /// Adds a further member in place; for a hook that extends every problem.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Serialize) {
        let name = name.into();
        if matches!(name.as_str(), "type" | "title" | "status" | "detail" | "instance") {
            return;
        }
        // What cannot be JSON says so in its place: an error about an error helps nobody.
        let value = serde_json::to_value(value).unwrap_or_else(|error| Value::String(error.to_string()));
        self.inner.members.insert(name, value);
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// The summary, by default the reason phrase of the status.
    pub fn summary(&self) -> &str {
        match &self.inner.title {
            Some(title) => title,
            None => self.inner.status.canonical_reason().unwrap_or("Error"),
        }
    }

    /// What happened this time.
    pub fn explanation(&self) -> Option<&str> {
        self.inner.detail.as_deref()
    }

    /// A further member of the document.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.inner.members.get(name)
    }

    /// What went wrong inside, if this came from an error.
    pub fn error(&self) -> Option<&Error> {
        self.inner.error.as_deref()
    }

    /// The headers besides the content type.
    pub fn headers(&self) -> &HeaderMap {
        &self.inner.headers
    }

    /// Takes the headers of a response this problem replaces, except those that describe its body.
    pub(crate) fn adopt_headers(&mut self, headers: HeaderMap) {
        let mut name = None;
        for (next, value) in headers {
            name = next.or(name);
            if let Some(name) = name.as_ref().filter(|name| !describes_body(name)) {
                self.inner.headers.append(name.clone(), value);
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::from_error(error)
    }
}

impl From<StatusCode> for Problem {
    fn from(status: StatusCode) -> Self {
        Self::new(status)
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &self.inner.kind)?;
        map.serialize_entry("title", self.summary())?;
        map.serialize_entry("status", &self.inner.status.as_u16())?;
        if let Some(detail) = &self.inner.detail {
            map.serialize_entry("detail", detail)?;
        }
        if let Some(instance) = &self.inner.instance {
            map.serialize_entry("instance", instance)?;
        }
        for (name, value) in &self.inner.members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let mut headers = std::mem::take(&mut self.inner.headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let mut response = (self.inner.status, headers, self.to_string()).into_response();
        // The server finds the problem again here, to log its error and to let the service extend it.
        response.extensions_mut().insert(self);
        response
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::from(self).into_response()
    }
}

impl fmt::Display for Problem {
    /// The document itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Problem({self}")?;
        match &self.inner.error {
            Some(error) => write!(f, ", because {error:?})"),
            None => f.write_str(")"),
        }
    }
}

/// Whether a header says something about the body it came with, and so means nothing for another one.
fn describes_body(name: &HeaderName) -> bool {
    *name == header::CONTENT_TYPE
        || *name == header::CONTENT_LENGTH
        || *name == header::CONTENT_ENCODING
        || *name == header::CONTENT_LANGUAGE
        || *name == header::CONTENT_RANGE
        || *name == header::ETAG
        || *name == header::LAST_MODIFIED
        || *name == header::TRANSFER_ENCODING
}

fn is_storage_full(error: &Error) -> bool {
    use std::io::ErrorKind as Kind;
    let kind = error.find::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(Kind::StorageFull | Kind::QuotaExceeded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_members_of_the_standard_come_first_and_cannot_be_replaced() {
        let problem = Problem::conflict("already paid").kind("/problems/paid").with("status", 1).with("order", "a\"b");
        assert_eq!(
            problem.to_string(),
            r#"{"type":"/problems/paid","title":"Conflict","status":409,"detail":"already paid","order":"a\"b"}"#
        );
    }

    #[test]
    fn an_unavailable_dependency_is_a_503_that_says_when_to_come_back_and_hides_the_error() {
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "db.internal refused");
        let response = Problem::from_error(refused).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let problem = response.extensions().get::<Problem>().map(ToString::to_string).unwrap_or_default();
        assert!(!problem.contains("db.internal"), "{problem}");
    }

    #[test]
    fn a_full_disk_is_a_507() {
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::StorageFull)).context("cannot save");
        assert_eq!(Problem::from(error).status(), StatusCode::INSUFFICIENT_STORAGE);
    }

    #[test]
    fn any_other_error_is_a_500_without_a_text() {
        let problem = Problem::from(Error::msg("secret"));
        assert_eq!(problem.to_string(), r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#);
        assert_eq!(problem.error().map(ToString::to_string).as_deref(), Some("secret"));
    }

    #[test]
    fn headers_of_a_replaced_response_are_kept_unless_they_describe_its_body() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("3"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
        let mut problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED);
        problem.adopt_headers(headers);
        assert_eq!(problem.headers()[header::ALLOW], "GET");
        assert_eq!(problem.headers().get_all(header::SET_COOKIE).iter().count(), 2);
        assert!(!problem.headers().contains_key(header::CONTENT_LENGTH));
    }
}
