//! One file per helper.

pub(crate) mod certificates;
pub(crate) mod client;
#[cfg(feature = "etcd")]
pub(crate) mod etcd;
#[cfg(feature = "etcd")]
pub(crate) mod etcd_writer;
#[cfg(feature = "etcd")]
pub(crate) mod fence;
#[cfg(feature = "etcd")]
pub(crate) mod followed;
pub(crate) mod held;
pub(crate) mod http_caller;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
pub(crate) mod leaks;
pub(crate) mod measure;
pub(crate) mod pool;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod python;
pub(crate) mod rabbit;
pub(crate) mod reloads;
pub(crate) mod service_framework;
pub(crate) mod tool;
