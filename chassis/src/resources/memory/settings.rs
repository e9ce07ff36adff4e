//! What can be set of a broker in memory.

use crate::settings::SettingsSchema;

/// Settings of a [`Memory`](super::Memory), beside those of every broker.
#[derive(Debug, Clone, SettingsSchema)]
pub struct MemorySettings {
    /// Services of this process that name the same hub reach each other; without one a service is alone.
    pub hub: Option<String>,
    /// How many messages wait under each name; senders wait for room.
    #[setting(default = 100_000, range = 1..)]
    pub capacity: usize,
}
