//! What a type tells about itself: an expansion asks every argument and answer of a handler.

use std::{borrow::Cow, marker::PhantomData};

use axum::{
    Form, Json,
    extract::Query,
    response::{Html, NoContent, Redirect},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;

use super::{
    super::{
        path::Path,
        problem::Problem,
        valid::{Checked, Valid},
    },
    Operation,
};

/// Asks a type about itself: `Shape::<Json<Order>>::argument(operation)`.
///
/// A described type answers by the functions below, any other one by those of [`Undescribed`], which have the same
/// names and stand behind.
#[derive(Debug)]
pub struct Shape<T>(PhantomData<T>);

/// An argument that says what it takes out of a request, for `openapi.json`.
pub trait DescribeArgument {
    /// Adds it to the operation.
    fn describe_argument(operation: &mut Operation);
}

/// An answer that says what it makes of a response, for `openapi.json`.
pub trait DescribeAnswer {
    /// Adds it to the operation.
    fn describe_answer(operation: &mut Operation);
}

impl<T: DescribeArgument> Shape<T> {
    /// Adds an argument.
    pub fn argument(operation: &mut Operation) {
        T::describe_argument(operation);
    }
}

impl<T: DescribeAnswer> Shape<T> {
    /// Adds an answer.
    pub fn answer(operation: &mut Operation) {
        T::describe_answer(operation);
    }
}

/// What is said of a type that says nothing.
pub trait Undescribed {
    /// Adds an argument of unknown shape.
    fn argument(operation: &mut Operation);

    /// Adds an answer of unknown shape.
    fn answer(operation: &mut Operation);

    /// Adds a failure. Whatever its type, a client sees a problem document, which every operation has.
    fn failure(operation: &mut Operation);
}

impl<T> Undescribed for Shape<T> {
    fn argument(operation: &mut Operation) {
        operation.takes_undescribed(std::any::type_name::<T>());
    }

    fn answer(operation: &mut Operation) {
        operation.answers_undescribed(std::any::type_name::<T>());
    }

    fn failure(_: &mut Operation) {}
}

impl<T: JsonSchema> DescribeArgument for Json<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_body::<T>("application/json");
    }
}

impl<T: JsonSchema> DescribeArgument for Valid<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_body::<T>("application/json");
    }
}

impl<T: JsonSchema> DescribeArgument for Checked<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_body::<T>("application/json");
    }
}

impl<T: JsonSchema> DescribeArgument for Form<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_body::<T>("application/x-www-form-urlencoded");
    }
}

impl DescribeArgument for String {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_body::<String>("text/plain");
    }
}

impl DescribeArgument for Bytes {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_raw_body("application/octet-stream");
    }
}

impl<T: JsonSchema> DescribeArgument for Path<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_path::<T>();
    }
}

impl<T: JsonSchema> DescribeArgument for axum::extract::Path<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_path::<T>();
    }
}

impl<T: JsonSchema> DescribeArgument for Query<T> {
    fn describe_argument(operation: &mut Operation) {
        operation.takes_query::<T>();
    }
}

impl<T: JsonSchema> DescribeAnswer for Json<T> {
    fn describe_answer(operation: &mut Operation) {
        operation.answers::<T>("application/json");
    }
}

impl DescribeAnswer for () {
    fn describe_answer(_: &mut Operation) {}
}

impl DescribeAnswer for StatusCode {
    fn describe_answer(_: &mut Operation) {}
}

impl DescribeAnswer for HeaderMap {
    fn describe_answer(_: &mut Operation) {}
}

impl<K, V, const N: usize> DescribeAnswer for [(K, V); N] {
    fn describe_answer(_: &mut Operation) {}
}

impl DescribeAnswer for Problem {
    fn describe_answer(_: &mut Operation) {}
}

impl DescribeAnswer for NoContent {
    fn describe_answer(operation: &mut Operation) {
        operation.answers_status(204);
    }
}

impl DescribeAnswer for Redirect {
    fn describe_answer(operation: &mut Operation) {
        operation.answers_status(303);
    }
}

impl DescribeAnswer for String {
    fn describe_answer(operation: &mut Operation) {
        operation.answers::<String>("text/plain");
    }
}

impl DescribeAnswer for &'static str {
    fn describe_answer(operation: &mut Operation) {
        operation.answers::<String>("text/plain");
    }
}

impl DescribeAnswer for Cow<'static, str> {
    fn describe_answer(operation: &mut Operation) {
        operation.answers::<String>("text/plain");
    }
}

impl DescribeAnswer for Bytes {
    fn describe_answer(operation: &mut Operation) {
        operation.answers_raw("application/octet-stream");
    }
}

impl DescribeAnswer for Vec<u8> {
    fn describe_answer(operation: &mut Operation) {
        operation.answers_raw("application/octet-stream");
    }
}

impl<T> DescribeAnswer for Html<T> {
    fn describe_answer(operation: &mut Operation) {
        operation.answers::<String>("text/html");
    }
}

impl<R: DescribeAnswer> DescribeAnswer for (StatusCode, R) {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}

impl<R: DescribeAnswer> DescribeAnswer for (HeaderMap, R) {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}

impl<K, V, R: DescribeAnswer, const N: usize> DescribeAnswer for ([(K, V); N], R) {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}

impl<R: DescribeAnswer> DescribeAnswer for (StatusCode, HeaderMap, R) {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}

impl<K, V, R: DescribeAnswer, const N: usize> DescribeAnswer for (StatusCode, [(K, V); N], R) {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}

impl<R: DescribeAnswer, E> DescribeAnswer for Result<R, E> {
    fn describe_answer(operation: &mut Operation) {
        R::describe_answer(operation);
    }
}
