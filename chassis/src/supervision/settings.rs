//! The settings of restarts: of resources and of tasks.

use std::time::Duration;

use super::{Intensity, OnGiveUp, Restart};
use crate::settings::{OneOrMany, Setting, SettingsSchema};

/// What is restarted when a resource fails; at `system.resources.status.restart_policy.resources`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct RestartPolicySettings {
    /// Resources whose failure ends the service with exit code 70, so that the orchestrator restarts it; or `all`.
    #[setting(default)]
    pub restart_microservice_on_failure: Setting<OneOrMany>,
    /// Resources that are restarted alone when they fail; or `all`. What is in neither list is restarted too.
    #[setting(default)]
    pub restart_resource_on_failure: Setting<OneOrMany>,
    /// Whether what depends on a failed resource is restarted with it.
    #[setting(default = Strategy::OneForOne)]
    pub strategy: Setting<Strategy>,
    /// How many restarts of one resource are allowed within `within`; one more ends the service with exit code 70.
    #[setting(default = 5)]
    pub restarts: Setting<u32>,
    /// The time in which restarts are counted.
    #[setting(default = "60s")]
    pub within: Setting<Duration>,
    /// The longest wait before the first restart; it doubles with each further one.
    #[setting(default = "200ms")]
    pub backoff_min: Setting<Duration>,
    /// The longest wait before any restart.
    #[setting(default = "30s")]
    pub backoff_max: Setting<Duration>,
    /// After so much health, past failures are forgotten.
    #[setting(default = "60s")]
    pub forget_after: Setting<Duration>,
}

/// Whether what depends on a failed resource is restarted with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SettingsSchema)]
pub enum Strategy {
    /// Only what failed is restarted.
    OneForOne,
    /// What failed and everything that depends on it.
    RestForOne,
}

/// What is restarted when a resource fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceRestart {
    /// The resource.
    Resource,
    /// The whole service, by its orchestrator.
    Microservice,
}

impl Default for RestartPolicySettings {
    fn default() -> Self {
        crate::settings::defaults()
    }
}

impl RestartPolicySettings {
    /// What is restarted when the resource with this name fails. A name of its own beats `all`.
    pub fn restart_of(&self, resource: &str) -> ResourceRestart {
        let microservice = self.restart_microservice_on_failure.load();
        let own = self.restart_resource_on_failure.load();
        if microservice.names(resource) || (microservice.is_all() && !own.names(resource)) {
            ResourceRestart::Microservice
        } else {
            ResourceRestart::Resource
        }
    }

    /// How many restarts are too many.
    pub fn intensity(&self) -> Intensity {
        Intensity { restarts: self.restarts.get(), within: self.within.get() }
    }
}

/// What an operator may change of a task; at `system.microservices.<service>.tasks.<task>`.
#[derive(Debug, Clone, Default, SettingsSchema)]
pub struct TaskSettings {
    /// When the task is started again: `never`, `on-failure` or `always`; what its attribute says otherwise.
    pub restart: Setting<Option<Restart>>,
    /// What happens once it is not started again: `stop` or `degrade`; what its attribute says otherwise.
    pub on_give_up: Setting<Option<OnGiveUp>>,
    /// How many restarts are allowed within `within`; 5 by default.
    pub restarts: Setting<Option<u32>>,
    /// The time in which restarts are counted; 60 s by default.
    pub within: Setting<Option<Duration>>,
    /// The longest wait before the first restart, doubled with each further one; 200 ms by default. Where
    /// `restart` is `always`, a run that ended well in less time is followed by a wait of this length.
    pub backoff_min: Setting<Option<Duration>>,
    /// The longest wait before any restart; 30 s by default.
    pub backoff_max: Setting<Option<Duration>>,
    /// After so much health, past failures are forgotten; 60 s by default.
    pub forget_after: Setting<Option<Duration>>,
}

/// What a task's attribute and its settings come to.
#[derive(Debug, Clone)]
pub(crate) struct TaskPolicy {
    pub(crate) restart: Restart,
    pub(crate) on_give_up: OnGiveUp,
    pub(crate) intensity: Intensity,
    pub(crate) backoff_min: Duration,
    pub(crate) backoff_max: Duration,
    pub(crate) forget_after: Duration,
}

impl TaskSettings {
    /// The policy, as it is now, of a task whose attribute says `restart` and `on_give_up`.
    pub(crate) fn policy(&self, restart: Restart, on_give_up: OnGiveUp) -> TaskPolicy {
        let Intensity { restarts, within } = Intensity::default();
        TaskPolicy {
            restart: self.restart.get().unwrap_or(restart),
            on_give_up: self.on_give_up.get().unwrap_or(on_give_up),
            intensity: Intensity {
                restarts: self.restarts.get().unwrap_or(restarts),
                within: self.within.get().unwrap_or(within),
            },
            backoff_min: self.backoff_min.get().unwrap_or(Duration::from_millis(200)),
            backoff_max: self.backoff_max.get().unwrap_or(Duration::from_secs(30)),
            forget_after: self.forget_after.get().unwrap_or(Duration::from_secs(60)),
        }
    }
}
