//! Everything optional: each resource is one folder, and uses only what a stranger's resource could use.

#[cfg(feature = "http-server")]
pub mod http_server;

use crate::assembly::Builtin;

/// The parts that every service has, although no field says so.
pub(crate) fn builtins() -> Vec<Builtin> {
    vec![]
}
