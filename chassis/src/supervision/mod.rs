//! What becomes of things that fail.

mod backoff;
mod policy;
mod settings;
mod supervisor;

pub use self::{
    backoff::Backoff,
    policy::{Intensity, OnGiveUp, Restart, RestartLog},
    settings::{ResourceRestart, RestartPolicySettings, Strategy, TaskSettings},
};
pub(crate) use self::{settings::TaskPolicy, supervisor::Supervisor};
