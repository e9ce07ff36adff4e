//! The integration tests, one binary: a file per behaviour.

mod leaks;
mod macros;
mod macros_alone;
mod tidy;
