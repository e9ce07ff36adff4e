//! The settings of discovery.

use crate::settings::SettingsSchema;

/// The settings at `system.resources.<field>` of a [`Discovery`](super::Discovery).
#[derive(Debug, Clone, SettingsSchema)]
pub struct DiscoverySettings {
    /// Below which path instances are registered, in etcd: dots are slashes there.
    #[setting(default = "system.discovery")]
    pub path: String,
}
