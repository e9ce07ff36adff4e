//! What a type tells about itself: an expansion asks every argument and answer of a handler.

use std::marker::PhantomData;

use schemars::JsonSchema;
use serde_json::Value;

use crate::{
    messaging::{headers::Headers, message::Message},
    schemas::Schemas,
};

/// What is known of the messages of one handler: filled in by the types of its method.
#[derive(Debug, Default)]
pub struct Description {
    pub(super) schemas: Schemas,
    pub(super) body: Option<Value>,
    pub(super) answer: Option<Value>,
}

/// Asks a type about itself: `Shape::<Message<Order>>::argument(description)`.
///
/// A described type answers by the functions below, any other one by those of [`Undescribed`], which have the same
/// names and stand behind.
#[derive(Debug)]
pub struct Shape<T>(PhantomData<T>);

/// An argument that says what body it is made of.
pub trait DescribeArgument {
    /// Adds it to the description.
    fn describe_argument(description: &mut Description);
}

/// An answer that says what is written.
pub trait DescribeAnswer {
    /// Adds it to the description.
    fn describe_answer(description: &mut Description);
}

impl<T: JsonSchema> DescribeArgument for T {
    fn describe_argument(description: &mut Description) {
        description.body = Some(description.schemas.taken::<T>());
    }
}

impl<T: JsonSchema> DescribeArgument for Message<T> {
    fn describe_argument(description: &mut Description) {
        T::describe_argument(description);
    }
}

impl DescribeArgument for Headers {
    fn describe_argument(_: &mut Description) {}
}

impl<T: JsonSchema> DescribeAnswer for T {
    fn describe_answer(description: &mut Description) {
        description.answer = Some(description.schemas.given::<T>());
    }
}

impl<T: DescribeArgument> Shape<T> {
    /// Adds an argument.
    pub fn argument(description: &mut Description) {
        T::describe_argument(description);
    }
}

impl<T: DescribeAnswer> Shape<T> {
    /// Adds an answer.
    pub fn answer(description: &mut Description) {
        T::describe_answer(description);
    }
}

/// What is said of a type that says nothing.
pub trait Undescribed {
    /// An argument of unknown shape.
    fn argument(_: &mut Description) {}

    /// An answer of unknown shape.
    fn answer(_: &mut Description) {}

    /// A failure; its text is all that a caller sees of it.
    fn failure(_: &mut Description) {}
}

impl<T> Undescribed for Shape<T> {}
