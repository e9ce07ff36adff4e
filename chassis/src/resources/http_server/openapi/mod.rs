//! The document at `/openapi.json`, out of the types of the handlers.

mod document;
mod operation;
mod schemas;
mod shape;

pub(super) use self::{
    document::{Info, document},
    schemas::Bounds,
};
pub use self::{
    operation::Operation,
    shape::{DescribeAnswer, DescribeArgument, Shape, Undescribed},
};
