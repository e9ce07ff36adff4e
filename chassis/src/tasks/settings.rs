//! What an operator may change of a timer.

use std::time::Duration;

use super::Schedule;
use crate::settings::SettingsSchema;

/// The settings of a timer; at `system.microservices.<service>.timers.<timer>`.
#[derive(Debug, Clone, Default, SettingsSchema)]
pub struct TimerSettings {
    /// Whether the timer ticks; what its attribute says otherwise.
    pub enabled: Option<bool>,
    /// The time between two ticks; bare numbers are milliseconds. What its attribute says otherwise.
    #[setting(unit = "ms")]
    pub interval: Option<Duration>,
    /// A cron expression instead of an interval.
    pub cron: Option<String>,
    /// The time zone of `cron`, by its IANA name; UTC otherwise.
    pub timezone: Option<String>,
}

impl TimerSettings {
    /// The schedule of a timer whose attribute says `written`.
    pub(crate) fn schedule(&self, written: &Schedule) -> Schedule {
        match (&self.cron, self.interval, written) {
            (Some(cron), _, _) => Schedule::cron(cron, self.timezone.as_deref()),
            (None, Some(interval), _) => Schedule::every(interval),
            (None, None, Schedule::Cron { expression, zone }) => {
                Schedule::cron(expression, self.timezone.as_deref().or(zone.as_deref()))
            }
            (None, None, Schedule::Every(interval)) => Schedule::every(*interval),
        }
    }
}
