//! How methods marked `#[on(field, matcher)]` meet the resource that calls them.
//!
//! A resource that calls methods of the service has a method `on(&self, matcher, handler)`, whose handler takes one
//! input per unit of work. What an argument is made of is the resource's say: its input implements [`Give`] for every
//! type a handler may take, and [`Settle`] for every type a handler may return.

use std::{
    future::{Future, Pending, pending},
    sync::Arc,
};

use futures_util::future::{Either, FutureExt as _, Map};

use crate::Context;

/// One unit of work that a resource hands to a method: a message, a job, a request.
pub trait Input: Send {
    /// What the resource wants to know at the end.
    type Outcome: Send;
}

/// An input that a handler's argument of type `T` can be made of.
///
/// `Via` is for resources that make arguments in several ways; leave it away otherwise.
#[diagnostic::on_unimplemented(
    message = "a handler for `{Self}` cannot take a `{T}`",
    label = "this argument cannot be made from `{Self}`",
    note = "the resource of this handler decides what its methods may take: see its documentation; everything else is reached through `&self`"
)]
pub trait Give<T, Via = ()>: Input {
    /// Makes the argument, or says how the unit of work ends without calling the method.
    fn give(&mut self) -> impl Future<Output = Result<T, Self::Outcome>> + Send;
}

/// An input that a handler's answer of type `R` can end.
#[diagnostic::on_unimplemented(
    message = "a handler for `{Self}` cannot answer with `{R}`",
    label = "this answer means nothing to `{Self}`",
    note = "the resource of this handler decides what its methods may return: see its documentation"
)]
pub trait Settle<R>: Input {
    /// Turns the answer into what the resource wants to know.
    fn settle(self, answer: R) -> Self::Outcome;
}

/// Makes one argument; what an expansion calls.
///
/// # Errors
/// The outcome when the argument cannot be made.
pub async fn take<T, Via, I: Give<T, Via>>(input: &mut I) -> Result<T, I::Outcome> {
    input.give().await
}

/// Ends a unit of work with the method's answer; what an expansion calls.
pub fn settle<R, I: Settle<R>>(input: I, answer: R) -> I::Outcome {
    input.settle(answer)
}

/// A handler that runs `run` with the service and each input; what an expansion calls.
///
/// An argument that cannot be made ends the unit of work early, by `?`: both sides of the result are its outcome. It does
/// not keep the service alive: the service owns the resource that owns the handler. A handler that is called after its
/// service is gone never completes.
pub fn each<S, I, O, F, Fut>(service: &Arc<S>, run: F) -> impl Fn(I) -> Each<Fut, O> + Send + Sync + 'static
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, O>>,
{
    let service = Arc::downgrade(service);
    move |input| match service.upgrade() {
        Some(service) => Either::Left(run(service, input).map(either as Merge<O>)),
        None => Either::Right(pending()),
    }
}

/// The same as [`each`], for a method that takes the context or what is made of it.
pub fn each_with<S, I, O, F, Fut>(
    service: &Arc<S>,
    cx: &Context,
    run: F,
) -> impl Fn(I) -> Each<Fut, O> + Send + Sync + 'static + use<S, I, O, F, Fut>
where
    S: Send + Sync + 'static,
    F: Fn(Arc<S>, Context, I) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<O, O>>,
{
    let service = Arc::downgrade(service);
    let cx = cx.clone();
    move |input| match service.upgrade() {
        Some(service) => Either::Left(run(service, cx.clone(), input).map(either as Merge<O>)),
        None => Either::Right(pending()),
    }
}

/// The future of a handler made by [`each`].
pub type Each<Fut, O> = Either<Map<Fut, Merge<O>>, Pending<O>>;

type Merge<O> = fn(Result<O, O>) -> O;

fn either<O>(outcome: Result<O, O>) -> O {
    match outcome {
        Ok(outcome) | Err(outcome) => outcome,
    }
}
