//! How a service starts, lives and stops.

mod clock;
pub(crate) mod core;
mod engine;
mod event;
mod graph;
mod health;
mod phase;
pub(crate) mod reload;
mod running;
mod settings;
mod shutdown;
pub(crate) mod signal;
pub(crate) mod systemd;

pub(crate) use self::{
    clock::Clock,
    core::{About, Core, CoreParts, Failure, News, Report, ResourceCell, Stage, StopReason, for_people},
    engine::{Engine, HookPlan, Plan, StopOutcome},
    event::Events,
    running::Running,
};
pub use self::{
    event::{Event, EventKind, EventStream},
    graph::{Graph, GraphError, Walk},
    phase::Phase,
    settings::{LifecycleSettings, ResourceLifecycle},
    shutdown::Shutdown,
};
pub(crate) use crate::context::Place;
