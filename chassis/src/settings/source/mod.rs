//! Where settings come from: each source is one file, behind one trait.

mod cli;
mod dict;
mod env;
mod file;
mod format;
mod layer;

#[cfg(test)]
pub(crate) use self::file::parse_text;
pub use self::{cli::Cli, dict::Dict, env::Env, file::File, layer::Layer};
use super::problem::Problems;

/// A place that settings are read from.
pub trait Source: Send + Sync + 'static {
    /// What people call it: `settings.yml`, `environment`.
    fn name(&self) -> String;

    /// Reads all of it, and tells what is wrong with it; what could be read is used to tell further problems.
    fn load(&self, problems: &mut Problems) -> Layer;
}
