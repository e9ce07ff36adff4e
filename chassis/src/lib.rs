//! A microservice chassis: a plain struct lists what a service is made of, its methods are what it does.
//!
#![cfg_attr(feature = "http-server", doc = "```no_run")]
#![cfg_attr(not(feature = "http-server"), doc = "```ignore")]
//! use chassis::prelude::*;
//!
//! /// Says hello.
//! #[microservice(name = "hello")]
//! struct Hello {
//!     #[resource]
//!     http: HttpServer,
//!     /// Who is greeted.
//!     #[setting(default = "world")]
//!     name: Setting<String>,
//! }
//!
//! #[microservice]
//! impl Hello {
//!     #[get("/")]
//!     async fn hello(&self) -> String {
//!         format!("hello, {}\n", self.name.get())
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     Hello::run()
//! }
//! ```
//!
//! | for | see |
//! | --- | --- |
//! | what may stand on the struct and its methods | [`macro@microservice`], then [`macro@get`], [`macro@task`], [`macro@task_timer`], [`macro@thread`], [`macro@before`], [`macro@on`] |
//! | the parts of a service | [`HttpServer`] and [`http_server`], [`Resource`] for parts of one's own, [`Context`] |
//! | settings | [`settings`] and [`derive@SettingsSchema`] |
//! | figures and logs | [`metrics`], [`logging`], [`mod@unit`] |
//! | errors | [`Error`] and its [`Cause`]; [`Problem`] for HTTP |
//! | tests and scripts | [`Builder`], [`Running`], [`testing`] |
//!
//! The guide, by task, is in the folder `docs` of the repository.

// Expansions name `::chassis`, also those in this crate.
#[allow(unused_extern_crates, reason = "used by expansions")]
extern crate self as chassis;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod assembly;
mod blueprint;
mod builder;
mod cli;
#[cfg(feature = "_messaging")]
pub mod codec;
mod context;
pub mod diagram;
pub mod error;
#[cfg(feature = "etcd")]
mod etcd;
pub mod handler;
#[cfg(feature = "_http")]
mod http;
mod json;
mod leadership;
pub mod lifecycle;
pub mod logging;
mod macros;
// Whoever has none of them reads these names in the compiler's answer.
#[cfg(any(feature = "memory", feature = "amqp", feature = "kafka", feature = "zmq", feature = "_messaging"))]
pub mod messaging;
pub mod metrics;
mod microservice;
pub mod prelude;
pub mod process;
pub mod resource;
mod resources;
mod run;
#[cfg(any(feature = "http-server", feature = "_messaging"))]
mod schemas;
pub mod scope;
pub mod service;
pub mod settings;
pub mod supervision;
pub mod tasks;
pub mod testing;
pub mod unit;

/// The examples of the README and of the guide, which are compiled with those of the code.
#[cfg(all(doctest, feature = "http-server"))]
mod guide {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/services.md")]
    struct Services;
    #[doc = include_str!("../../docs/resources.md")]
    struct Resources;
}

/// The version of axum that handlers, extractors and routers are of.
#[cfg(feature = "http-server")]
pub use axum;
pub use blueprint::{Blueprint, When};
pub use builder::{Builder, Running, StopReport};
pub use cli::NoArgs;
pub use context::{Condition, Context};
pub use error::{Cause, Error, Result, ResultExt};
pub use leadership::{Leader, LeaderSettings, Leadership};
pub use lifecycle::Shutdown;
pub use macros::{
    after, any, before, delete, get, head, microservice, on, options, patch, post, pull, put, reply, subscribe, task,
    task_timer, thread,
};
pub use microservice::{FromContext, Microservice, Outcome, Parts};
pub use resource::{Claim, Health, HealthStatus, Resource, Slot, State};
#[cfg(feature = "http-server")]
pub use resources::http_server::{self, HttpServer, Json, Path, Problem, Query, Valid};
#[cfg(feature = "status")]
pub use resources::status;
#[cfg(feature = "etcd")]
pub use resources::{discovery, registry};
pub use settings::{Secret, Setting, SettingsSchema};
