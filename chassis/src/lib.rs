//! A microservice chassis: a plain struct becomes a running service.

pub mod error;

pub use error::{Cause, Error, Result, ResultExt};
