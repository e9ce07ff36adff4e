//! `Path<T>`: what a request's path has in the places of the route's `{…}`.
//!
//! The routes of a service are found by a table that sees the captures anyhow, so they go from there to the extractor
//! without the detour over the extensions of the request that axum's own extractor needs. Everywhere else, inside
//! other extractors and in plain routers, this one reads what axum has left there.

mod captured;
mod deserializer;
mod offer;
mod refusal;

use std::ops::{Deref, DerefMut};

use axum::extract::{FromRequestParts, OptionalFromRequestParts, RawPathParams, rejection::RawPathParamsRejection};
use http::request::Parts;
use serde::de::DeserializeOwned;

pub(super) use self::{
    captured::{Captured, Names, names},
    offer::Offer,
};
use self::{
    deserializer::{Capture, Captures},
    refusal::Refusal,
};
use super::{problem::Problem, rejection};

/// What stands in the path of a request where its route has `{…}`, as a `T`.
///
/// One capture is anything that can be read from text: numbers, `String`, `char`, `bool`, enums without data, ids.
/// Several are a tuple in the order of the route, or a struct or map by their names:
///
/// ```
/// # use chassis::prelude::*;
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// struct Line {
///     order: u32,
///     number: u8,
/// }
///
/// # struct Orders;
/// # impl Orders {
/// // "/orders/{id}"
/// async fn order(&self, Path(id): Path<u32>) { }
///
/// // "/orders/{order}/lines/{number}"
/// async fn line(&self, Path((order, number)): Path<(u32, u8)>) { }
/// async fn line_by_name(&self, Path(Line { order, number }): Path<Line>) { }
/// # }
/// ```
///
/// Percent escapes are decoded. What is not UTF-8 then, or not what `T` asks for, is answered by a problem document with
/// status 400 that names the capture, what was expected, and what came; its name is also the member `parameter`. A `T`
/// that does not fit the route is the service's own mistake, and a 500.
///
/// It is an extractor of axum like any other, so it works in extractors of one's own and in plain routers, too. An
/// `Option<Path<T>>` is `None` on a route without captures.
#[derive(Debug, Clone, Copy, Default)]
pub struct Path<T>(pub T);

/// How the name of every `Path<T>` begins.
const TYPE_NAME: &str = concat!(module_path!(), "::Path<");

impl<T, S> FromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if let Some(offer) = Offer::take() {
            return Ok(Self(offer.read(parts.uri.path())?));
        }
        let left = left_by_axum(parts).await?;
        Ok(Self(T::deserialize(Captures(&captures(left.as_ref())))?))
    }
}

impl<T, S> OptionalFromRequestParts<S> for Path<T>
where
    T: DeserializeOwned + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        let left = left_by_axum(parts).await?;
        let captures = captures(left.as_ref());
        if captures.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self(T::deserialize(Captures(&captures))?)))
    }
}

/// What axum's router has found; `None` where no router of axum was asked.
async fn left_by_axum(parts: &mut Parts) -> Result<Option<RawPathParams>, Problem> {
    match RawPathParams::from_request_parts(parts, &()).await {
        Ok(left) => Ok(Some(left)),
        Err(RawPathParamsRejection::MissingPathParams(_)) => Ok(None),
        // Its text is all that has the name.
        Err(RawPathParamsRejection::InvalidUtf8InPathParam(why)) => {
            Err(Refusal::not_utf8(why.body_text().split('`').nth(1).unwrap_or_default()).into())
        }
        Err(refusal) => Err(rejection::refused(refusal)),
    }
}

fn captures(left: Option<&RawPathParams>) -> Vec<Capture<'_>> {
    left.into_iter().flatten().map(|(name, value)| Capture { name, value: value.into() }).collect()
}

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Path<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
