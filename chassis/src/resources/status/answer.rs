//! From a request to an answer: which path is what, and who may see it.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{
    access::{self, Refusal},
    page, probe, report,
};
use crate::{
    HealthStatus,
    metrics::{Format, reporter::Reporter},
    process,
    service::Service,
    settings::Secret,
};

pub(super) type Answer = Response<Full<Bytes>>;

/// What answers are made of.
pub(super) struct Desk {
    pub(super) service: Service,
    pub(super) token: Option<Secret<String>>,
}

impl Desk {
    /// Answers a request; a panic on the way is an answer, too.
    pub(super) fn answer(&self, request: &Parts, peer: IpAddr) -> Answer {
        process::catch(|| self.dispatch(request, peer)).unwrap_or_else(|panic| {
            tracing::error!("the status server {panic}");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made; see the log", request)
        })
    }

    fn dispatch(&self, request: &Parts, peer: IpAddr) -> Answer {
        let path = request.uri.path();
        let answer: fn(&Self, &Parts) -> Answer = match path.strip_suffix('/').unwrap_or(path) {
            "" => |desk, request| html(page::page(&desk.service, refresh(request))),
            "/status" => |desk, _| {
                let (are_started, body) = report::status(&desk.service);
                json_answer(if are_started { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, &body)
            },
            "/livez" => |desk, _| health(probe::liveness(&desk.service)),
            "/readyz" => |desk, _| health(probe::readiness(&desk.service)),
            "/startupz" => |desk, _| health(probe::startup(&desk.service)),
            "/metrics" => |desk, request| metrics(&desk.service, request),
            "/info" => |desk, _| json_answer(StatusCode::OK, &report::info(&desk.service)),
            "/resources" => |desk, _| json_answer(StatusCode::OK, &report::resources(&desk.service)),
            "/tasks" => |desk, _| json_answer(StatusCode::OK, &report::tasks(&desk.service)),
            "/events" => |desk, _| json_answer(StatusCode::OK, &report::events(&desk.service)),
            "/loggers" => |desk, _| json_answer(StatusCode::OK, &report::loggers(&desk.service)),
            "/settings" => |desk, _| json_answer(StatusCode::OK, &report::settings(&desk.service)),
            "/graph.svg" => |desk, _| text("image/svg+xml", desk.service.diagram().to_svg()),
            "/graph.dot" => |desk, _| text("text/vnd.graphviz; charset=utf-8", desk.service.diagram().to_dot()),
            "/graph.json" => |desk, _| json_answer(StatusCode::OK, &desk.service.diagram().to_json()),
            _ => {
                let detail = format!("there is no `{path}`; `/` says what there is");
                return problem(StatusCode::NOT_FOUND, &detail, request);
            }
        };
        if !matches!(request.method, Method::GET | Method::HEAD) {
            let detail = format!("`{path}` can only be read");
            let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, &detail, request);
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return answer;
        }
        if is_private(path)
            && let Err(refusal) =
                access::check(peer, &request.headers, self.token.as_ref().map(|token| token.expose().as_str()))
        {
            return refuse(refusal, request);
        }
        answer(self, request)
    }
}

/// Whether it takes more than reaching the port to see it.
fn is_private(path: &str) -> bool {
    path.starts_with("/settings")
}

fn refuse(refusal: Refusal, request: &Parts) -> Answer {
    let status = match refusal {
        Refusal::NoToken => StatusCode::FORBIDDEN,
        Refusal::Missing | Refusal::Wrong => StatusCode::UNAUTHORIZED,
    };
    let mut answer = problem(status, refusal.advice(), request);
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"status\""));
    }
    answer
}

fn metrics(service: &Service, request: &Parts) -> Answer {
    if !service.metrics().settings().handlers.prometheus.enabled {
        let detail = "switched off by `system.resources.metrics.handlers.prometheus.enabled`";
        return problem(StatusCode::NOT_FOUND, detail, request);
    }
    let accepted = request.headers.get_all(header::ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    let format = Format::accepted(&accepted.collect::<Vec<_>>().join(","));
    text(format.content_type(), service.metrics().render(format))
}

/// `?refresh=5`, within reason.
fn refresh(request: &Parts) -> Option<u32> {
    let pairs = request.uri.query()?.split('&');
    let seconds = pairs.filter_map(|pair| pair.strip_prefix("refresh=")).next()?;
    seconds.parse().ok().map(|seconds: u32| seconds.clamp(1, 3600))
}

fn health((status, body): (HealthStatus, Value)) -> Answer {
    let code = if status == HealthStatus::Fail { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    with(code, "application/health+json", body.to_string())
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    with(status, "application/json", body.to_string())
}

fn html(body: String) -> Answer {
    text("text/html; charset=utf-8", body)
}

fn text(content_type: &'static str, body: String) -> Answer {
    with(StatusCode::OK, content_type, body)
}

/// A problem document (RFC 9457).
fn problem(status: StatusCode, detail: &str, request: &Parts) -> Answer {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
        "instance": request.uri.path(),
    });
    with(status, "application/problem+json", body.to_string())
}

fn with(status: StatusCode, content_type: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Whatever a page shows was escaped; should that fail once, a script still does not run.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'none'";
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    answer
}
