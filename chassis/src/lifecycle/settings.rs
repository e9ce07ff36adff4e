//! The settings of the lifecycle: of the service, and of each resource.

use std::time::Duration;

use crate::{
    process,
    settings::{Setting, SettingsSchema},
    supervision::RestartPolicySettings,
};

/// The settings at `system.lifecycle`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct LifecycleSettings {
    /// The budget of a stop, for everything together: 30 s, or 25 s where `KUBERNETES_SERVICE_HOST` is set.
    #[setting(default = default_stop_timeout())]
    pub stop_timeout: Setting<Duration>,
    /// How long each hook of the service may take in a start.
    #[setting(default = "60s")]
    pub hook_timeout: Setting<Duration>,
    /// How often resources are asked for their health.
    #[setting(default = "5s")]
    pub health_interval: Setting<Duration>,
    /// How long each phase of stopping a resource may take when it is restarted.
    #[setting(default = "10s")]
    pub restart_stop_timeout: Setting<Duration>,
    /// Read at `system.resources.status.restart_policy.resources`.
    #[setting(skip)]
    pub(crate) restart_policy: RestartPolicySettings,
}

/// The settings at `system.resources.<field name>.lifecycle`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct ResourceLifecycle {
    /// How long the resource may take to start, all attempts together; and each of `pre_start`, `post_start`, `open`.
    #[setting(default = "10s")]
    pub start_timeout: Setting<Duration>,
    /// How often a start that crashed is tried again; one that cannot reach its peer is tried until the timeout.
    #[setting(default = 0)]
    pub start_retries: Setting<u32>,
    /// The longest wait before the second attempt; it doubles with each further one.
    #[setting(default = "100ms")]
    pub backoff_min: Setting<Duration>,
    /// The longest wait between attempts.
    #[setting(default = "5s")]
    pub backoff_max: Setting<Duration>,
}

/// Kubernetes kills after 30 s by default; what is left of them is for its own work.
fn default_stop_timeout() -> Duration {
    Duration::from_secs(if process::is_on_kubernetes() { 25 } else { 30 })
}
