//! The integration tests, one binary: a file per behaviour.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod builder;
mod cli;
mod examples;
mod guide;
mod http_connections;
mod http_live;
mod http_moves;
mod http_routes;
mod http_surface;
#[cfg(feature = "etcd")]
mod leader;
#[cfg(feature = "etcd")]
mod leader_faults;
#[cfg(feature = "etcd")]
mod leader_outage;
#[cfg(feature = "etcd")]
mod leader_work;
mod leaks;
mod lifecycle_start;
mod lifecycle_stop;
mod logging;
mod logging_stdout;
mod logging_units;
mod macros;
mod macros_alone;
mod messaging;
mod metrics;
mod process;
mod properties;
mod queue;
#[cfg(feature = "etcd")]
mod registry;
#[cfg(feature = "etcd")]
mod registry_etcd;
mod restarts;
mod settings_convergence;
#[cfg(feature = "etcd")]
mod settings_etcd;
#[cfg(feature = "etcd")]
mod settings_etcd_live;
#[cfg(feature = "etcd")]
mod settings_etcd_outage;
#[cfg(feature = "etcd")]
mod settings_etcd_program;
#[cfg(feature = "etcd")]
mod settings_etcd_service;
#[cfg(feature = "etcd")]
mod settings_etcd_tools;
mod settings_files;
mod settings_followed_files;
mod settings_live;
mod settings_merge;
mod settings_reference;
mod settings_report;
mod settings_run_time;
mod settings_schema;
mod settings_tools;
mod settings_watched;
mod status;
mod stop_under_load;
mod tasks;
mod tidy;
mod timers;
mod timers_settings;
mod todo;
mod todo_api;
mod todo_stores;
