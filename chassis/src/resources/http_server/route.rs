//! What a handler answers to: a method, a path and the options of the route.

use std::{borrow::Cow, fmt, time::Duration};

use http::{HeaderName, Method, StatusCode};

use super::openapi::Operation;

/// A method and a path, the matcher of `#[on(http, get("/orders/{id}"))]`, with the options of this route.
///
/// Paths are axum's: `{id}` stands for one part of the path, `{*rest}` for all that follows.
#[derive(Clone)]
pub struct Route {
    pub(super) method: Option<Method>,
    pub(super) path: Cow<'static, str>,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) timeout: Option<Duration>,
    pub(super) body_limit: Option<u64>,
    pub(super) cancel_on_disconnect: bool,
    pub(super) cache: Option<Duration>,
    pub(super) cache_by: Vec<HeaderName>,
    pub(super) never_shed: bool,
    pub(super) quiet: bool,
    pub(super) any_json: bool,
    pub(super) status: Option<StatusCode>,
    pub(super) tags: Vec<&'static str>,
    pub(super) is_deprecated: bool,
    pub(super) is_hidden: bool,
    pub(super) describe: Option<fn(&mut Operation)>,
}

/// `GET`, and `HEAD` unless it has a route of its own.
pub fn get(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::GET), path.into())
}

/// `POST`.
pub fn post(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::POST), path.into())
}

/// `PUT`.
pub fn put(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::PUT), path.into())
}

/// `DELETE`.
pub fn delete(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::DELETE), path.into())
}

/// `PATCH`.
pub fn patch(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::PATCH), path.into())
}

/// `HEAD`, where it is not to be answered by the route of `GET`.
pub fn head(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::HEAD), path.into())
}

/// `OPTIONS`.
pub fn options(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(Some(Method::OPTIONS), path.into())
}

/// Every method that has no route of its own at this path.
pub fn any(path: impl Into<Cow<'static, str>>) -> Route {
    Route::new(None, path.into())
}

impl Route {
    fn new(method: Option<Method>, path: Cow<'static, str>) -> Self {
        Self {
            method,
            path,
            name: "",
            about: "",
            timeout: None,
            body_limit: None,
            cancel_on_disconnect: false,
            cache: None,
            cache_by: Vec::new(),
            never_shed: false,
            quiet: false,
            any_json: false,
            status: None,
            tags: Vec::new(),
            is_deprecated: false,
            is_hidden: false,
            describe: None,
        }
    }

    /// What the handler is called in messages and in `openapi.json`; the attributes give the method's name.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }

    /// What it is for; the attributes give the method's doc comment.
    #[must_use]
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// How long the handler may take, instead of the server's `request_timeout`; zero is no limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The longest body, in bytes and decompressed, instead of the server's `body_limit`.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(u64::try_from(bytes).unwrap_or(u64::MAX));
        self
    }

    /// Drops the handler at its next await once the client is gone; otherwise it finishes.
    #[must_use]
    pub fn cancel_on_disconnect(mut self) -> Self {
        self.cancel_on_disconnect = true;
        self
    }

    /// Keeps successful answers for so long, by path and query. Requests with `Authorization` or `Cookie` are left out
    /// unless [`cache_by`](Route::cache_by) names that header.
    #[must_use]
    pub fn cache(mut self, time_to_live: Duration) -> Self {
        self.cache = Some(time_to_live);
        self
    }

    /// The request headers that cached answers depend on. A name that is no header is ignored.
    #[must_use]
    pub fn cache_by(mut self, headers: &[&str]) -> Self {
        self.cache_by = headers.iter().filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect();
        self
    }

    /// Never turned away because of load.
    #[must_use]
    pub fn never_shed(mut self) -> Self {
        self.never_shed = true;
        self
    }

    /// No line in the log when all went well.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// Takes the body for JSON whatever its content type says, so that `curl -d '{…}'` needs no header.
    #[must_use]
    pub fn any_json(mut self) -> Self {
        self.any_json = true;
        self
    }

    /// The status of a success in `openapi.json`, where the type of the answer does not say it.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = StatusCode::from_u16(status).ok();
        self
    }

    /// Groups the route in `openapi.json`.
    #[must_use]
    pub fn tag(mut self, tag: &'static str) -> Self {
        self.tags.push(tag);
        self
    }

    /// Marks it as deprecated in `openapi.json`.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    /// Leaves it out of `openapi.json`.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    /// Adds what the handler takes and answers to `openapi.json`.
    #[must_use]
    pub fn describe(mut self, describe: fn(&mut Operation)) -> Self {
        self.describe = Some(describe);
        self
    }

    /// The method as it is written in messages.
    pub(super) fn method_name(&self) -> &str {
        self.method.as_ref().map_or("any method of", Method::as_str)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Route({} {})", self.method_name(), self.path)
    }
}
