//! Cross-origin requests: who may ask, and what they are told.
//!
//! Pure: headers in, headers out.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};

use super::settings::CorsSettings;
use crate::{Error, Result as Checked};

/// What the settings `cors.*` say, prepared for use.
#[derive(Debug, Clone)]
pub(super) struct Cors {
    origins: Origins,
    methods: Option<HeaderValue>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
}

#[derive(Debug, Clone)]
enum Origins {
    Any,
    Listed(Vec<String>),
}

/// Why the settings of `cors` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CorsProblem {
    /// Browsers refuse this pair, and rightly so.
    CredentialsForAnybody,
    /// A method, a header or an origin that cannot stand in a header.
    NotAHeaderValue(String),
}

/// The parts of the settings that decide.
pub(super) struct CorsRules<'a> {
    pub(super) origins: &'a [String],
    pub(super) methods: &'a [String],
    pub(super) headers: &'a [String],
    pub(super) expose: &'a [String],
    pub(super) credentials: bool,
    pub(super) max_age: Duration,
}

impl Cors {
    /// Prepares what is set; `None` when no origin is allowed.
    ///
    /// # Errors
    /// Misconfigured, with the rule that cannot be.
    pub(super) fn from_settings(settings: &CorsSettings) -> Checked<Option<Self>> {
        let CorsSettings { origins, methods, headers, expose, credentials, max_age } = settings;
        let rules = CorsRules { origins, methods, headers, expose, credentials: *credentials, max_age: *max_age };
        Self::new(&rules).map_err(|problem| Error::misconfigured(Error::msg(problem)))
    }

    /// Prepares the rules; `None` when no origin is allowed.
    pub(super) fn new(rules: &CorsRules<'_>) -> Result<Option<Self>, CorsProblem> {
        if rules.origins.is_empty() {
            return Ok(None);
        }
        let is_any = rules.origins.iter().any(|origin| origin == "*");
        if is_any && rules.credentials {
            return Err(CorsProblem::CredentialsForAnybody);
        }
        for origin in rules.origins {
            value(origin)?;
        }
        let origins = match is_any {
            true => Origins::Any,
            false => {
                Origins::Listed(rules.origins.iter().map(|origin| origin.trim_end_matches('/').to_owned()).collect())
            }
        };
        Ok(Some(Self {
            origins,
            methods: list(rules.methods)?,
            headers: list(rules.headers)?,
            expose: list(rules.expose)?,
            credentials: rules.credentials,
            max_age: HeaderValue::from(rules.max_age.as_secs()),
        }))
    }

    /// The headers of the answer to a preflight, when the request is one; `allow` lists the methods of the route.
    pub(super) fn preflight(&self, method: &Method, request: &HeaderMap, allow: &HeaderValue) -> Option<HeaderMap> {
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
        if *method != Method::OPTIONS || !request.contains_key(header::ORIGIN) {
            return None;
        }
        let mut headers = HeaderMap::new();
        self.extend(request.get(header::ORIGIN), &mut headers);
        if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            let methods = self.methods.clone().unwrap_or_else(|| merge(allow, asked));
            headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
            if let Some(allowed) = self.headers.as_ref().or(wanted) {
                headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone());
            }
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
        for name in ["access-control-request-method", "access-control-request-headers"] {
            headers.append(header::VARY, HeaderValue::from_static(name));
        }
        Some(headers)
    }

    /// Adds what any answer to this request says.
    pub(super) fn extend(&self, origin: Option<&HeaderValue>, response: &mut HeaderMap) {
        if let Origins::Listed(_) = self.origins {
            // The answer depends on who asks, also when nobody did.
            response.append(header::VARY, HeaderValue::from_name(header::ORIGIN));
        }
        let Some(origin) = origin else { return };
        let allowed = match &self.origins {
            Origins::Any => HeaderValue::from_static("*"),
            Origins::Listed(origins) if origins.iter().any(|listed| origin == listed.as_str()) => origin.clone(),
            Origins::Listed(_) => return,
        };
        response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            response.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(expose) = &self.expose {
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }
}

impl std::fmt::Display for CorsProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::CredentialsForAnybody => f.write_str(
                "`cors.credentials` cannot go with the origin `*`: list the origins that may send credentials",
            ),
            Self::NotAHeaderValue(text) => write!(f, "`cors`: `{text}` cannot stand in a header"),
        }
    }
}

fn list(items: &[String]) -> Result<Option<HeaderValue>, CorsProblem> {
    match items {
        [] => Ok(None),
        items => value(&items.join(", ")).map(Some),
    }
}

fn value(text: &str) -> Result<HeaderValue, CorsProblem> {
    HeaderValue::from_str(text).map_err(|_| CorsProblem::NotAHeaderValue(text.to_owned()))
}

/// The methods of the route; the asked one when the path has no route of its own, for a merged router may have it.
fn merge(allow: &HeaderValue, asked: &HeaderValue) -> HeaderValue {
    if allow.is_empty() { asked.clone() } else { allow.clone() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const ALLOW: HeaderValue = HeaderValue::from_static("GET, HEAD, POST");

    fn cors(origins: &[&str], credentials: bool) -> Result<Option<Cors>, CorsProblem> {
        let origins: Vec<String> = origins.iter().map(ToString::to_string).collect();
        let max_age = Duration::from_secs(600);
        Cors::new(&CorsRules { origins: &origins, methods: &[], headers: &[], expose: &[], credentials, max_age })
    }

    fn asks(origin: &'static str, method: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        if let Some(method) = method {
            headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static(method));
            headers.insert(header::ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("x-one"));
        }
        headers
    }

    #[test]
    fn no_origin_means_no_cors() {
        assert!(cors(&[], false).unwrap().is_none());
    }

    #[test]
    fn credentials_for_anybody_are_refused() {
        assert_eq!(cors(&["*"], true).err(), Some(CorsProblem::CredentialsForAnybody));
    }

    #[test]
    fn a_preflight_is_told_the_methods_of_the_route_and_what_it_asked_for() {
        let cors = cors(&["https://shop.example/"], true).unwrap().unwrap();
        let request = asks("https://shop.example", Some("POST"));
        let headers = cors.preflight(&Method::OPTIONS, &request, &ALLOW).unwrap();
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD, POST");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_HEADERS], "x-one");
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
        assert_eq!(headers[header::ACCESS_CONTROL_MAX_AGE], "600");
        assert_eq!(headers.get_all(header::VARY).iter().count(), 3);
    }

    #[test]
    fn an_options_request_that_asks_nothing_is_no_preflight() {
        let cors = cors(&["*"], false).unwrap().unwrap();
        assert!(cors.preflight(&Method::OPTIONS, &asks("https://a.example", None), &ALLOW).is_none());
        assert!(cors.preflight(&Method::POST, &asks("https://a.example", Some("POST")), &ALLOW).is_none());
    }

    #[test]
    fn a_stranger_is_told_nothing_but_that_the_answer_depends_on_the_origin() {
        let cors = cors(&["https://shop.example"], false).unwrap().unwrap();
        let mut response = HeaderMap::new();
        cors.extend(Some(&HeaderValue::from_static("https://evil.example")), &mut response);
        assert_eq!(response.len(), 1);
        assert_eq!(response[header::VARY], "origin");
    }

    #[test]
    fn anybody_gets_a_star() {
        let cors = cors(&["*"], false).unwrap().unwrap();
        let mut response = HeaderMap::new();
        cors.extend(Some(&HeaderValue::from_static("https://a.example")), &mut response);
        assert_eq!(response[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert!(!response.contains_key(header::VARY));
    }
}
