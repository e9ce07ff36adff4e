//! Which endpoint answers a request: paths by the router under axum's, methods beside them.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use http::{HeaderValue, Method};
use matchit::Match;

use super::{
    endpoint::{Endpoint, Registered, takes_slash},
    path::Captured,
    route::Route,
};
use crate::{Error, Result};

/// All routes of a server.
pub(super) struct Table {
    paths: matchit::Router<Methods>,
    accepts_trailing_slash: bool,
}

/// What answers at one path.
pub(super) struct Methods {
    get: Option<Arc<Endpoint>>,
    others: Vec<(Method, Arc<Endpoint>)>,
    any: Option<Arc<Endpoint>>,
    /// The value of `Allow`.
    pub(super) allow: HeaderValue,
}

/// What the table says of a request.
pub(super) enum Found<'a> {
    /// Who answers, and where the captures stand in the path, if they are few.
    Endpoint(&'a Arc<Endpoint>, Option<Captured>),
    /// The path has no such method.
    OtherMethods(&'a Methods),
    Nothing,
}

impl Table {
    /// Builds it out of routes that [`check`] has accepted.
    pub(super) fn new(
        endpoints: impl IntoIterator<Item = Arc<Endpoint>>,
        accepts_trailing_slash: bool,
    ) -> Result<Self> {
        let mut by_path: BTreeMap<Box<str>, Vec<Arc<Endpoint>>> = BTreeMap::new();
        for endpoint in endpoints {
            by_path.entry(endpoint.path.clone()).or_default().push(endpoint);
        }
        let mut paths = matchit::Router::new();
        for (path, endpoints) in by_path {
            paths.insert(path.as_ref(), Methods::new(endpoints)).map_err(|error| unroutable(&path, &error))?;
        }
        Ok(Self { paths, accepts_trailing_slash })
    }

    /// Finds the endpoint of a request.
    pub(super) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let found = match self.paths.at(path) {
            Ok(found) => found,
            Err(_) => match self.without_slash(path) {
                Some(found) => found,
                None => return Found::Nothing,
            },
        };
        match found.value.endpoint(method) {
            Some(endpoint) => Found::Endpoint(endpoint, Captured::new(path, &found.params)),
            None => Found::OtherMethods(found.value),
        }
    }

    fn without_slash<'a, 'p>(&'a self, path: &'p str) -> Option<Match<'a, 'p, &'a Methods>> {
        let path = path.strip_suffix('/').filter(|path| !path.is_empty() && self.accepts_trailing_slash)?;
        self.paths.at(path).ok()
    }
}

impl Methods {
    fn new(endpoints: Vec<Arc<Endpoint>>) -> Self {
        let mut methods = Self { get: None, others: Vec::new(), any: None, allow: HeaderValue::from_static("") };
        for endpoint in endpoints {
            match endpoint.method.clone() {
                Some(Method::GET) => methods.get = Some(endpoint),
                Some(method) => methods.others.push((method, endpoint)),
                None => methods.any = Some(endpoint),
            }
        }
        let mut allow = Vec::new();
        if methods.get.is_some() {
            allow.extend([Method::GET, Method::HEAD]);
        }
        allow.extend(methods.others.iter().map(|(method, _)| method.clone()).filter(|method| *method != Method::HEAD));
        let allow = allow.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        // The names of methods are tokens, and tokens can stand in any header.
        methods.allow = HeaderValue::from_str(&allow).unwrap_or(HeaderValue::from_static(""));
        methods
    }

    fn endpoint(&self, method: &Method) -> Option<&Arc<Endpoint>> {
        if *method == Method::GET {
            return self.get.as_ref().or(self.any.as_ref());
        }
        let own = self.others.iter().find(|(other, _)| other == method).map(|(_, endpoint)| endpoint);
        let for_head = if *method == Method::HEAD { self.get.as_ref() } else { None };
        own.or(for_head).or(self.any.as_ref())
    }
}

/// Whether the routes can be served together.
///
/// # Errors
/// All duplicates and malformed paths at once, with the handlers they belong to.
pub(super) fn check(routes: &[Registered], accepts_trailing_slash: bool) -> Result<()> {
    let mut problems = Vec::new();
    let mut seen: BTreeMap<(String, &str), &Route> = BTreeMap::new();
    let mut paths: matchit::Router<&Route> = matchit::Router::new();
    for route in routes.iter().map(|registered| &registered.route) {
        let is_first_of_path = !seen.keys().any(|(path, _)| path == route.path.as_ref());
        if let Some(first) = seen.insert((route.path.to_string(), route.method_name()), route) {
            problems.push(format!(
                "`{} {}` is routed twice: to `{}` and to `{}`",
                route.method_name(),
                route.path,
                first.name,
                route.name
            ));
            continue;
        }
        if !is_first_of_path {
            continue;
        }
        if !route.path.starts_with('/') {
            problems.push(format!("`{}` of `{}` has to begin with `/`", route.path, route.name));
        } else if let Err(error) = paths.insert(route.path.as_ref(), route) {
            let other = paths.at(&probe(&route.path)).ok().map_or("", |found| found.value.name);
            problems.push(format!("`{}` of `{}`: {}", route.path, route.name, explain(&error, other)));
        }
    }
    if accepts_trailing_slash {
        for route in routes.iter().map(|registered| &registered.route).filter(|route| takes_slash(&route.path)) {
            let twin = seen.get(&(format!("{}/", route.path), route.method_name()));
            if let Some(twin) = twin.filter(|_| route.path != "/") {
                problems.push(format!(
                    "`{0} {1}` of `{2}` and `{0} {1}/` of `{3}` are the same path; leave one of them away, or set \
                     `trailing_slash: false`",
                    route.method_name(),
                    route.path,
                    route.name,
                    twin.name
                ));
            }
        }
    }
    match problems.as_slice() {
        [] => Ok(()),
        [only] => Err(Error::misconfigured(Error::msg(only))),
        several => {
            let mut text = format!("{} routes cannot be served", several.len());
            for problem in several {
                // Writing to a string does not fail.
                let _ = write!(text, "\n  - {problem}");
            }
            Err(Error::misconfigured(Error::msg(text)))
        }
    }
}

/// A path that a template matches: its captures are filled in.
fn probe(template: &str) -> String {
    let fill = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
    template.split('/').map(fill).collect::<Vec<_>>().join("/")
}

fn explain(error: &matchit::InsertError, other: &str) -> String {
    match error {
        matchit::InsertError::Conflict { with } if other.is_empty() => format!("it stands in the way of `{with}`"),
        matchit::InsertError::Conflict { with } => format!("it stands in the way of `{with}` of `{other}`"),
        error => error.to_string(),
    }
}

fn unroutable(path: &str, error: &matchit::InsertError) -> Error {
    Error::misconfigured(Error::msg(format!("`{path}`: {}", explain(error, ""))))
}
