//! A microservice chassis: a plain struct becomes a running service.

// Expansions name `::chassis`, also those in this crate.
#[allow(unused_extern_crates, reason = "used by expansions")]
extern crate self as chassis;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
pub mod error;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod scope;

pub use error::{Cause, Error, Result, ResultExt};
