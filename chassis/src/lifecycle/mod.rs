//! How a service starts, lives and stops.

pub(crate) mod core;
mod engine;
mod event;
mod graph;
mod health;
mod phase;
mod settings;
mod shutdown;
pub(crate) mod signal;
pub(crate) mod systemd;

pub(crate) use self::{
    core::{About, Clock, Core, CoreParts, Failure, News, Report, ResourceCell, Stage, StopReason, for_people},
    engine::{Engine, HookPlan, Plan, StopOutcome},
    event::Events,
};
pub use self::{
    event::{Event, EventKind, EventStream},
    graph::{Graph, GraphError, Walk},
    phase::Phase,
    settings::{LifecycleSettings, ResourceLifecycle},
    shutdown::Shutdown,
};
pub(crate) use crate::context::Place;
