//! `Valid<T>`: a JSON body that keeps to its own schema, with every fault of it told at once.

mod document;
mod fault;
mod schema;

use std::{
    any::TypeId,
    collections::HashMap,
    ops::{Deref, DerefMut},
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, header};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::de::DeserializeOwned;

pub(super) use self::fault::pointer_of;
pub use self::fault::{Check, Fault, Faults};
use self::schema::Schema;
use super::{
    content::{is_json, media_type},
    problem::Problem,
    rejection,
};
use crate::schemas::Bounds;

/// The JSON body of a request, checked against the JSON Schema of `T`.
///
/// Where `Json<T>` stops at the first fault, this lists all of them in the problem document (status 422), each with a
/// JSON Pointer into the body: wrong types, missing, unknown and doubled members, and what `#[schemars(…)]` asks for
/// (`range`, `length`, …). `pattern` and `format` are part of the documentation only; what a schema cannot say goes
/// into [`Checked<T>`].
///
/// ```
/// # use chassis::prelude::*;
/// # use serde::Deserialize;
/// # use schemars::JsonSchema;
/// #[derive(Deserialize, JsonSchema)]
/// #[serde(deny_unknown_fields)]
/// struct NewOrder {
///     #[schemars(length(min = 1, max = 80))]
///     article: String,
///     #[schemars(range(min = 1))]
///     amount: u32,
/// }
///
/// # struct Orders;
/// # impl Orders {
/// // {"article": "", "amuont": 1} is answered by
/// // "errors": [{"pointer": "/amount", "detail": "is required"},
/// //            {"pointer": "/amuont", "detail": "is not known; did you mean `amount`?"},
/// //            {"pointer": "/article", "detail": "must have at least 1 character"}]
/// async fn place(&self, Valid(order): Valid<NewOrder>) { }
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Valid<T>(pub T);

/// [`Valid<T>`], and the rules of [`Check`] besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Checked<T>(pub T);

impl<T, S> FromRequest<S> for Valid<T>
where
    T: DeserializeOwned + JsonSchema + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        has_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(rejection::refused)?;
        read(&body).map(Self)
    }
}

impl<T, S> FromRequest<S> for Checked<T>
where
    T: DeserializeOwned + JsonSchema + Check + 'static,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Valid(value) = Valid::<T>::from_request(request, state).await?;
        let mut faults = Faults::default();
        value.check(&mut faults);
        faults.into_result()?;
        Ok(Self(value))
    }
}

impl<T> Deref for Valid<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Valid<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Checked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Reads a body, or says everything that is wrong with it.
fn read<T: DeserializeOwned + JsonSchema + 'static>(body: &[u8]) -> Result<T, Problem> {
    let mut faults = Faults::default();
    let value = document::read(body, &mut faults).map_err(|error| rejection::json_syntax(&error))?;
    schema_of::<T>().check(&value, &mut faults);
    faults.into_result()?;
    // What a schema cannot say: numbers too large for their type, formats, conversions of the type's own.
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut faults = Faults::default();
        faults.add(pointer_of(error.path()), error.inner().to_string());
        faults.into_problem()
    })
}

fn has_json(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_TYPE) {
        Some(value) if is_json(media_type(value.as_bytes())) => Ok(()),
        _ => Err(rejection::no_json()),
    }
}

/// The prepared schema of a type, made once per process.
fn schema_of<T: JsonSchema + 'static>() -> Arc<Schema> {
    static PREPARED: LazyLock<RwLock<HashMap<TypeId, Arc<Schema>>>> = LazyLock::new(RwLock::default);
    let id = TypeId::of::<T>();
    if let Some(schema) = PREPARED.read().unwrap_or_else(PoisonError::into_inner).get(&id) {
        return Arc::clone(schema);
    }
    let generated = SchemaSettings::draft2020_12().with_transform(Bounds).into_generator().into_root_schema_for::<T>();
    let schema = Arc::new(Schema::new(generated.as_value()));
    PREPARED.write().unwrap_or_else(PoisonError::into_inner).insert(id, Arc::clone(&schema));
    schema
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use http::StatusCode;
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[schemars(length(min = 1, max = 5))]
        article: String,
        #[schemars(range(min = 1))]
        #[expect(dead_code, reason = "only read from JSON")]
        amount: u8,
        #[serde(default)]
        #[expect(dead_code, reason = "only read from JSON")]
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    struct Line {
        #[expect(dead_code, reason = "only read from JSON")]
        price: Option<f64>,
    }

    fn faults(body: &Value) -> Value {
        let problem = read::<Order>(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
        problem.member("errors").cloned().unwrap_or_default()
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let body = json!({"article": "", "amuont": 1, "lines": [{"price": 1.5}, {"price": "free"}, 7]});
        assert_eq!(
            faults(&body),
            json!([
                {"pointer": "/amount", "detail": "is required"},
                {"pointer": "/amuont", "detail": "is not known; did you mean `amount`?"},
                {"pointer": "/article", "detail": "must have at least 1 character"},
                {"pointer": "/lines/1/price", "detail": "expected a number or null, found a string"},
                {"pointer": "/lines/2", "detail": "expected an object, found a number"},
            ])
        );
    }

    #[test]
    fn a_member_that_is_there_twice_is_a_fault_beside_others() {
        let problem = read::<Order>(br#"{"article": "pen", "amount": "1", "article": "ink"}"#).unwrap_err();
        let errors = json!([
            {"pointer": "/article", "detail": "is there more than once"},
            {"pointer": "/amount", "detail": "expected an integer, found a string"},
        ]);
        assert_eq!((problem.status(), problem.member("errors")), (StatusCode::UNPROCESSABLE_ENTITY, Some(&errors)));
    }

    #[test]
    fn what_the_schema_cannot_say_is_told_by_the_type() {
        assert_eq!(read::<Order>(br#"{"article": "pen", "amount": 255}"#).unwrap().article, "pen");
        let not_whole = faults(&json!({"article": "pen", "amount": 3.0}));
        assert_eq!(not_whole[0]["pointer"], "/amount");
    }

    #[test]
    fn text_that_is_no_json_is_a_400_with_line_and_column() {
        let problem = read::<Order>(b"{\n  oops").unwrap_err();
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        assert_eq!(problem.member("line"), Some(&json!(2)));
        assert_eq!(problem.member("column"), Some(&json!(3)));
    }

    #[test]
    fn deep_nesting_and_bytes_that_are_no_text_are_a_400() {
        for body in [[b'['; 100_000].as_slice(), b"{\"article\": \"\xff\xfe\"}"] {
            assert_eq!(read::<Order>(body).unwrap_err().status(), StatusCode::BAD_REQUEST);
        }
    }
}
