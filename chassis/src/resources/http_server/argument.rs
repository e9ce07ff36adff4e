//! A handler's arguments and its answer: what an expansion calls, step by step.

use std::future::Future;

use axum::{
    extract::{FromRequest, FromRequestParts},
    response::{IntoResponse, Response},
};

use super::{rejection::refused, request::Request};
use crate::handler::{Give, Input, Settle};

/// What a handler can take out of the head of a request: every extractor of axum that leaves the body alone.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take a `{Self}` here",
    label = "this argument is not an extractor that leaves the body alone",
    note = "what reads the body must be the last argument; for a JSON body write `Json<…>`, for the path `Path<…>`, for the query `Query<…>`"
)]
pub trait Part: Sized {
    /// Takes it, or says by which response the request is refused.
    fn part(request: &mut Request) -> impl Future<Output = Result<Self, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T> Part for T
where
    T: FromRequestParts<(), Rejection: 'static>,
{
    async fn part(request: &mut Request) -> Result<Self, Response> {
        let refuse = |refusal| refused(refusal).into_response();
        if let Some(taken) = request.path::<T>() {
            return taken.map_err(refuse);
        }
        T::from_request_parts(request.parts_mut(), &()).await.map_err(refuse)
    }
}

/// What a handler can take as its last argument: every extractor of axum.
///
/// `Via` is axum's mark that tells the two sorts of extractors apart; it is always inferred.
#[diagnostic::on_unimplemented(
    message = "a handler cannot take a `{Self}`",
    label = "this argument is not an extractor",
    note = "for a JSON body write `Json<…>`, whose content derives `Deserialize`, or `Valid<…>`, whose content derives `JsonSchema` too",
    note = "for a piece of the path write `Path<…>`, for the query `Query<…>`"
)]
pub trait Last<Via>: Sized {
    /// Takes it, or says by which response the request is refused.
    fn last(request: &mut Request) -> impl Future<Output = Result<Self, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T, Via> Last<Via> for T
where
    T: FromRequest<(), Via, Rejection: 'static>,
{
    async fn last(request: &mut Request) -> Result<Self, Response> {
        if let Some(taken) = request.last_path::<T, Via>() {
            return taken.map_err(|refusal| refused(refusal).into_response());
        }
        T::from_request(request.take_http(), &()).await.map_err(|refusal| {
            // What went wrong with the body itself weighs more than what the extractor makes of it.
            request.body_problem().unwrap_or_else(|| refused(refusal)).into_response()
        })
    }
}

/// What a handler can answer with: everything axum can make a response of.
#[diagnostic::on_unimplemented(
    message = "a handler cannot answer with `{Self}`",
    label = "this is not an answer",
    note = "for a JSON body write `Json<…>`, whose content derives `Serialize`; for what can fail `Result<…, Problem>` or `Result<…>`"
)]
pub trait Answer {
    /// Makes the response.
    fn answer(self) -> Response;
}

#[diagnostic::do_not_recommend]
impl<T: IntoResponse> Answer for T {
    fn answer(self) -> Response {
        self.into_response()
    }
}

/// Takes one argument out of the head of the request.
///
/// # Errors
/// The response by which the request is refused.
pub async fn part<T: Part>(request: &mut Request) -> Result<T, Response> {
    T::part(request).await
}

/// Takes the last argument, which may read the body.
///
/// # Errors
/// The response by which the request is refused.
pub async fn last<T: Last<Via>, Via>(request: &mut Request) -> Result<T, Response> {
    T::last(request).await
}

/// Makes the response out of what a handler answers.
///
/// Not an `async fn`: one that is generic over the answer breaks on `Box<dyn Error>`.
pub fn answer<R: Answer>(_: Request, answer: R) -> Response {
    answer.answer()
}

impl Input for Request {
    type Outcome = Response;
}

impl<T: Last<Via> + Send, Via> Give<T, Via> for Request {
    async fn give(&mut self) -> Result<T, Response> {
        T::last(self).await
    }
}

impl<R: Answer> Settle<R> for Request {
    fn settle(self, answer: R) -> Response {
        answer.answer()
    }
}
