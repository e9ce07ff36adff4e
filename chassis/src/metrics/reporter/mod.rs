//! How figures leave the process: one file per format, behind one trait.

pub mod prometheus;

use super::snapshot::Snapshot;

/// Writes all meters of a service in one format.
pub trait Reporter: Send + Sync {
    /// The media type of what it writes.
    fn content_type(&self) -> &'static str;

    /// Adds everything to `out`.
    fn report(&self, snapshot: &Snapshot, out: &mut String);
}
