//! The settings of the registry.

use std::{collections::BTreeMap, time::Duration};

use crate::settings::SettingsSchema;

/// The settings at `system.resources.registry`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct RegistrySettings {
    /// Whether other services are told where this one is.
    #[setting(default = false)]
    pub enabled: bool,
    /// Below which path instances are registered, in etcd: dots are slashes there.
    #[setting(default = "system.discovery")]
    pub path: String,
    /// How long an instance stays registered that does not say so any more; in whole seconds.
    #[setting(default = "5s", range = "1s"..="1d")]
    pub ttl: Duration,
    /// Where the service is reached, `host:port` or a host alone: that of its HTTP server, otherwise of its status server.
    pub address: Option<String>,
    /// What else those who look for it may want to know.
    #[setting(default = BTreeMap::new())]
    pub metadata: BTreeMap<String, String>,
}
