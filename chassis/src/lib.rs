//! A microservice chassis: a plain struct becomes a running service.

pub mod error;
pub mod logging;
pub mod process;
pub mod scope;

pub use error::{Cause, Error, Result, ResultExt};
