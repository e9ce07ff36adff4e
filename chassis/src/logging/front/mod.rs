//! The front ends that code logs through, each routed to the service at work.

mod log;
mod span;
mod tracing;

pub(crate) use self::{log::LogRouter, tracing::TracingRouter};
