//! Where settings come from: each source is one file, behind one trait.

use std::{any::Any, future::Future, pin::Pin};

mod changes;
mod cli;
mod dict;
mod env;
mod etcd;
mod file;
mod format;
mod layer;
mod print;

pub(crate) use self::changes::Changed;
#[cfg(feature = "etcd")]
pub use self::etcd::Etcd;
pub(crate) use self::etcd::of_environment as etcd_of_environment;
#[cfg(feature = "etcd")]
pub(crate) use self::etcd::{MOST_OPERATIONS, Plan, Store, etcd_among, has_etcd};
#[cfg(all(test, feature = "yaml"))]
pub(crate) use self::file::parse_text;
pub use self::{changes::Changes, cli::Cli, dict::Dict, env::Env, file::File, layer::Layer};
use super::{accepted::Accepted, problem::Problems};
use crate::Health;

/// A place that settings are read from.
///
/// ```
/// use chassis::settings::{Layer, Origin, Problems, Source};
///
/// /// The port that a platform tells in a variable of its own.
/// struct PlatformPort;
///
/// impl Source for PlatformPort {
///     fn name(&self) -> String {
///         "platform".to_owned()
///     }
///
///     fn load(&self, problems: &mut Problems) -> Layer {
///         let mut layer = Layer::empty();
///         if let Ok(port) = std::env::var("PORT") {
///             layer.insert_text("resources.http.port", &port, Origin::named("PORT"), problems);
///         }
///         layer
///     }
/// }
/// ```
pub trait Source: Any + Send + Sync {
    /// What people call it: `settings.yml`, `environment`.
    fn name(&self) -> String;

    /// Reads all of it, and tells what is wrong with it; what could be read is used to tell further problems.
    fn load(&self, problems: &mut Problems) -> Layer;

    /// Is told that the service works with what was loaded last: once it has started, and after each change that it has
    /// taken over. A source may keep a copy for a start without the place it reads from.
    fn accepted(&self, _accepted: &Accepted<'_>) {}

    /// Is told that the service has stopped; nothing is asked of it any more.
    fn end(&self) {}

    /// Follows it while the service runs: the future tells `changes` whenever `load` would say something else, and is
    /// dropped when the service stops. `None`, the default, is a source that never changes.
    fn follow(&self, _changes: Changes) -> Option<Following> {
        None
    }

    /// How it is while the service runs. One that cannot be reached any more warns: the service goes on with what it was
    /// told last, and its readiness shows the warning. Answered from memory.
    fn health(&self) -> Health {
        Health::pass()
    }
}

/// What follows a source; see [`Source::follow`].
pub type Following = Pin<Box<dyn Future<Output = ()> + Send>>;
