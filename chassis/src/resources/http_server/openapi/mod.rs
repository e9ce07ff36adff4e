//! The document at `/openapi.json`, out of the types of the handlers.

mod document;
mod operation;
mod shape;

pub(super) use self::document::{Info, document};
pub use self::{
    operation::Operation,
    shape::{DescribeAnswer, DescribeArgument, Shape, Undescribed},
};
