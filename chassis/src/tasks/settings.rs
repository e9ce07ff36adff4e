//! What an operator may change of a timer.

use std::time::Duration;

use super::{Schedule, schedule};
use crate::settings::{Problem, Problems, Section, SettingsSchema};

/// The settings of a timer; at `system.microservices.<service>.timers.<timer>`.
#[derive(Debug, Clone, Default, SettingsSchema)]
pub struct TimerSettings {
    /// Whether the timer ticks; what its attribute says otherwise.
    #[setting(live)]
    pub enabled: Option<bool>,
    /// The time between two ticks; bare numbers are milliseconds. What its attribute says otherwise.
    #[setting(unit = "ms", live)]
    pub interval: Option<Duration>,
    /// A cron expression instead of an interval.
    #[setting(live)]
    pub cron: Option<String>,
    /// The time zone of `cron`, by its IANA name; UTC otherwise.
    #[setting(live)]
    pub timezone: Option<String>,
}

impl TimerSettings {
    /// Reads the settings of a timer whose attribute says `written`, and tells all that cannot be followed.
    ///
    /// Each key is looked at alone: what is wrong with one hides nothing of the others.
    pub(crate) fn read(section: &Section<'_>, written: &Schedule, problems: &mut Problems) -> Option<Self> {
        let settings = section.read::<Self>(&[], problems);
        let mut text = |key: &str| section.setting(key, Some(|| None::<String>), problems).flatten();
        let (cron, zone) = (text("cron"), text("timezone"));
        let has = |key: &str| section.section(key).is_present();
        let mut tell = |key: &str, what: String, help: Option<&str>| {
            let key = section.section(key);
            let problem = help.into_iter().fold(Problem::of_key(&key.path(), what), Problem::help);
            problems.push(if key.is_present() { problem.origin(key.origin()) } else { problem });
        };
        if let Some(Err(what)) = cron.as_deref().map(schedule::check_expression) {
            tell("cron", what, Some(schedule::EXAMPLE));
        }
        if let Some(Err(what)) = zone.as_deref().map(schedule::check_zone) {
            tell("timezone", what, None);
        }
        if has("cron") && has("interval") {
            let what = "a timer follows an interval or a calendar, not both".to_owned();
            tell("interval", what, Some("remove `interval` or `cron`"));
        } else if has("timezone") && !has("cron") && (has("interval") || matches!(written, Schedule::Every(_))) {
            let what = "an interval knows no time zone".to_owned();
            tell("timezone", what, Some("`timezone` goes with `cron`: set that, or remove this"));
        }
        // Of the attribute, what the compiler could not know.
        if let Schedule::Cron { expression, zone } = written
            && !has("cron")
            && !has("interval")
        {
            if let Err(what) = schedule::check_expression(expression) {
                tell("cron", format!("in the attribute of the timer: {what}"), Some(schedule::EXAMPLE));
            }
            if let Some(Err(what)) = zone.as_deref().filter(|_| !has("timezone")).map(schedule::check_zone) {
                tell("timezone", format!("in the attribute of the timer: {what}"), None);
            }
        }
        settings
    }

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
