//! etcd as a source: one consistent read of a prefix, then everything that changes below it.
//!
//! The key `/system/resources/http/port` holds the JSON document of `system.resources.http.port`. A source has a thread
//! of its own with a small runtime: `load` waits for the first read and gives what is known; the thread follows the tree
//! until the source is dropped. What it is to talk to etcd at all stands in `crate::etcd`.
//!
//! | file | |
//! | --- | --- |
//! | `source` | what the rest of the settings sees of it |
//! | `options` | what the source was told |
//! | `environment`, `variables` | the same as the environment says it |
//! | `follower` | what the thread does: read, watch, and begin again |
//! | `connection`, `pages` | one endpoint of etcd: reading, watching |
//! | `tree` | what stands below the prefix, and what is wrong with it |
//! | `standing` | what the thread knows, and those who wait for it |
//! | `store`, `plan` | the tree for `settings push` and `settings pull` |
//! | `cache`, `keeper` | the last good settings in a file |
//! | `disabled` | what is told where the feature is not compiled in |

#[cfg(feature = "etcd")]
mod cache;
#[cfg(feature = "etcd")]
mod connection;
#[cfg(any(test, not(feature = "etcd")))]
mod disabled;
#[cfg(feature = "etcd")]
mod environment;
#[cfg(feature = "etcd")]
mod follower;
#[cfg(feature = "etcd")]
mod keeper;
#[cfg(feature = "etcd")]
mod options;
#[cfg(feature = "etcd")]
mod pages;
#[cfg(feature = "etcd")]
mod plan;
#[cfg(feature = "etcd")]
mod source;
#[cfg(feature = "etcd")]
mod standing;
#[cfg(feature = "etcd")]
mod store;
#[cfg(feature = "etcd")]
mod tree;
pub(super) mod variables;

#[cfg(not(feature = "etcd"))]
pub(crate) use self::disabled::of_environment;
#[cfg(feature = "etcd")]
pub(crate) use self::environment::of_environment;
#[cfg(feature = "etcd")]
pub use self::source::Etcd;
#[cfg(feature = "etcd")]
pub(crate) use self::source::{etcd_among, has_etcd};
#[cfg(feature = "etcd")]
pub(crate) use self::{
    plan::{MOST_OPERATIONS, Plan},
    store::Store,
};
