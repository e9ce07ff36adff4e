//! The AsyncAPI document of a broker, out of the types of its handlers.

mod document;
mod shape;

pub use self::shape::{DescribeAnswer, DescribeArgument, Description, Shape, Undescribed};
