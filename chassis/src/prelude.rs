//! What nearly every service needs: `use chassis::prelude::*`.

pub use std::time::Duration;

#[cfg(feature = "http-server")]
pub use crate::http_server::{Checked, HttpServer, Json, Path, Problem, Query, Valid};
pub use crate::{
    Context, Error, Health, Resource, Result, Shutdown,
    macros::{
        after, any, before, delete, get, head, microservice, on, options, patch, post, pull, put, reply, subscribe,
        task, task_timer, thread,
    },
    metrics::{Counter, Gauge, Histogram, Labels, Summary, timed},
    settings::{Secret, Setting, SettingsSchema},
};
