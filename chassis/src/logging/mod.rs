//! Logs of a service: levels, formats, sinks.

use std::sync::Arc;

/// The logs of one service; clones are the same logs.
#[derive(Clone)]
pub struct Logs {
    #[expect(dead_code, reason = "what it logs through is the next step")]
    service: Arc<str>,
}

impl Logs {
    /// Logging before the settings are known: level info, text on a terminal and otherwise JSON.
    pub fn provisional(service: impl Into<Arc<str>>) -> Self {
        Self { service: service.into() }
    }

    /// Logs that print nothing and keep their records in memory, for tests.
    pub fn captured_for(service: impl Into<Arc<str>>) -> Self {
        Self::provisional(service)
    }
}
#[derive(chassis_macros::SettingsSchema)]
pub struct LoggingSettings;
impl Logs {
    pub fn configure(&self, _: &LoggingSettings) {}
    pub fn flush(&self, _: std::time::Duration) {}
}
