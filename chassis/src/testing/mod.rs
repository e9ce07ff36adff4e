//! Helpers for tests of services.

pub(crate) mod yaml;
