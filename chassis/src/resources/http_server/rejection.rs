//! Refusals of axum's extractors, and errors of routers that know nothing of problem documents, turned into such
//! documents.

use std::{any::Any, error::Error as StdError};

use axum::{
    body::Body,
    extract::rejection::{JsonRejection, PathRejection, QueryRejection},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt;

use super::{
    content::media_type,
    problem::Problem,
    valid::{Faults, pointer_of},
};

/// The longest text of a foreign error that is taken over as a detail.
const LONGEST_DETAIL: u64 = 4096;

/// The problem that a refusal means. Those of axum that know where the fault is keep that; others tell by the text of
/// their response.
pub(super) fn refused(refusal: impl IntoResponse + 'static) -> Problem {
    let mut refusal = Some(refusal);
    let known = {
        let refusal: &mut dyn Any = &mut refusal;
        taken::<Problem>(refusal)
            .or_else(|| taken::<JsonRejection>(refusal).map(|refusal| json(&refusal)))
            .or_else(|| taken::<QueryRejection>(refusal).map(|refusal| query(&refusal)))
            .or_else(|| taken::<PathRejection>(refusal).map(|refusal| path(&refusal)))
    };
    match (known, refusal) {
        (Some(problem), _) => problem,
        (None, Some(refusal)) => {
            let response = refusal.into_response();
            let status = response.status();
            from_response(response).unwrap_or_else(|_| Problem::new(status))
        }
        (None, None) => Problem::internal(),
    }
}

/// The problem that an error response means, or the response itself: when it is no error, or when it has a body that
/// somebody has made on purpose (anything but a short plain text).
pub(super) fn from_response(mut response: Response) -> Result<Problem, Box<Response>> {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut problem = problem;
        problem.adopt_headers(std::mem::take(response.headers_mut()));
        return Ok(problem);
    }
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let is_plain = content_type.is_empty() || media_type(content_type).eq_ignore_ascii_case(b"text/plain");
    let size = response.body().size_hint().exact().unwrap_or(u64::MAX);
    if !is_error || !is_plain || size > LONGEST_DETAIL || response.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Box::new(response));
    }
    let (parts, body) = response.into_parts();
    let mut problem = Problem::new(parts.status);
    if let Some(text) = text_of(body).filter(|text| !text.trim().is_empty()) {
        problem = problem.detail(text);
    }
    problem.adopt_headers(parts.headers);
    Ok(problem)
}

/// Text that is no JSON: a 400 that says where it stops being it.
pub(super) fn json_syntax(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("the body is not JSON: {error}"))
        .with("line", error.line())
        .with("column", error.column())
}

/// A JSON body that is not what the handler takes.
fn json(refusal: &JsonRejection) -> Problem {
    let found = source::<serde_path_to_error::Error<serde_json::Error>>(refusal);
    match (refusal, found) {
        (JsonRejection::JsonDataError(_), Some(error)) => {
            let mut faults = Faults::default();
            faults.add(pointer_of(error.path()), error.inner().to_string());
            let (line, column) = (error.inner().line(), error.inner().column());
            faults.into_problem().with("line", line).with("column", column)
        }
        (JsonRejection::JsonSyntaxError(_), Some(error)) => {
            json_syntax(error.inner()).with("pointer", pointer_of(error.path()))
        }
        (JsonRejection::JsonSyntaxError(error), None) => match source::<serde_json::Error>(error) {
            Some(error) => json_syntax(error),
            None => Problem::bad_request("the body is not JSON"),
        },
        (JsonRejection::MissingJsonContentType(_), _) => no_json(),
        (other, _) => Problem::new(other.status()).detail(other.body_text()),
    }
}

/// A body of another media type where JSON is asked for.
pub(super) fn no_json() -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .detail("the body has to be JSON, with `Content-Type: application/json`")
}

fn query(refusal: &QueryRejection) -> Problem {
    let why = refusal.source().map_or_else(|| refusal.body_text(), ToString::to_string);
    Problem::new(refusal.status()).detail(format!("the query of the URL cannot be used: {why}"))
}

fn path(refusal: &PathRejection) -> Problem {
    let text = refusal.body_text();
    let why = text.strip_prefix("Invalid URL: ").unwrap_or(&text);
    let mut characters = why.chars();
    let why: String = characters.next().into_iter().flat_map(char::to_lowercase).chain(characters).collect();
    Problem::new(refusal.status()).detail(format!("the path of the URL cannot be used: {why}"))
}

fn taken<T: 'static>(refusal: &mut dyn Any) -> Option<T> {
    refusal.downcast_mut::<Option<T>>()?.take()
}

fn source<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
        .find_map(|error| error.downcast_ref())
}

/// The text of a body that is there already; nothing is waited for.
fn text_of(body: Body) -> Option<String> {
    let bytes = body.collect().now_or_never()?.ok()?.to_bytes();
    String::from_utf8(bytes.into()).ok()
}

#[cfg(test)]
mod tests {
    use axum::{Json, extract::FromRequest};
    use http::{HeaderMap, Request};
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Order {
        #[expect(dead_code, reason = "only read from JSON")]
        lines: Vec<u8>,
    }

    async fn refusal_of(content_type: &'static str, body: impl Into<Body>) -> (u16, Value) {
        let request = Request::builder().header(header::CONTENT_TYPE, content_type).body(body.into());
        let Ok(request) = request else { panic!("no request") };
        match Json::<Order>::from_request(request, &()).await {
            Ok(_) => panic!("not refused"),
            Err(refusal) => {
                let problem = refused(refusal);
                let document = serde_json::to_value(&problem).unwrap_or_default();
                (problem.status().as_u16(), document)
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_type_in_json_points_to_its_place() {
        let (status, problem) = refusal_of("application/json", r#"{"lines": [1, "x"]}"#).await;
        assert_eq!(status, 422);
        assert_eq!(problem["errors"][0]["pointer"], "/lines/1");
        assert_eq!((&problem["line"], &problem["column"]), (&json!(1), &json!(17)));
    }

    #[tokio::test]
    async fn text_that_is_no_json_says_where() {
        let (status, problem) = refusal_of("application/json", "{\"lines\": [1,\n x]}").await;
        assert_eq!(status, 400);
        assert_eq!((&problem["line"], &problem["column"]), (&json!(2), &json!(2)));
        let (status, problem) = refusal_of("application/json", "{\"lines\": []} x").await;
        assert_eq!((status, &problem["column"]), (400, &json!(15)));
    }

    #[tokio::test]
    async fn another_content_type_is_a_415() {
        assert_eq!(refusal_of("text/plain", "{}").await.0, 415);
    }

    #[tokio::test]
    async fn a_problem_stays_what_it_is() {
        let problem = refused(Problem::conflict("no").with("order", 7));
        assert_eq!(problem.member("order"), Some(&json!(7)));
    }

    #[tokio::test]
    async fn a_plain_error_of_a_foreign_router_becomes_a_problem_with_its_headers() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ALLOW, HeaderValue::from_static("GET"));
        let response = (StatusCode::METHOD_NOT_ALLOWED, headers, "not that way").into_response();
        let Ok(problem) = from_response(response) else { panic!("still a response") };
        assert_eq!(problem.explanation(), Some("not that way"));
        assert_eq!(problem.headers()[header::ALLOW], "GET");
        assert!(from_response((StatusCode::NOT_FOUND, ()).into_response()).is_ok());
    }

    #[tokio::test]
    async fn what_somebody_made_on_purpose_stays() {
        assert!(from_response((StatusCode::BAD_REQUEST, Json(json!({"my": "error"}))).into_response()).is_err());
        assert!(from_response("fine".into_response()).is_err());
        assert!(from_response((StatusCode::BAD_REQUEST, "x".repeat(5000)).into_response()).is_err());
    }
}
