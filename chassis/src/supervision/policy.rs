//! When something that failed is restarted, and when it is given up. Pure: the supervisor owns the clock.

use std::{collections::VecDeque, time::Duration};

use crate::settings::SettingsSchema;

/// When a task is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SettingsSchema)]
#[settings(rename_all = "kebab-case")]
pub enum Restart {
    /// Never; a failure is given up at once.
    Never,
    /// When it failed or panicked.
    OnFailure,
    /// Also when it returned without a failure.
    Always,
}

/// What becomes of the service when something is not restarted any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SettingsSchema)]
pub enum OnGiveUp {
    /// It stops gracefully and exits with 70.
    Stop,
    /// It goes on without; its health warns.
    Degrade,
}

/// How many restarts in how much time are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intensity {
    /// Restarts that are allowed within the window.
    pub restarts: u32,
    /// The window.
    pub within: Duration,
}

impl Default for Intensity {
    fn default() -> Self {
        Self { restarts: 5, within: Duration::from_secs(60) }
    }
}

/// Counts restarts in a sliding window.
#[derive(Debug)]
pub struct RestartLog {
    intensity: Intensity,
    /// When they were, counted from any fixed moment.
    recent: VecDeque<Duration>,
}

impl RestartLog {
    /// With no restart on record.
    pub fn new(intensity: Intensity) -> Self {
        Self { intensity, recent: VecDeque::new() }
    }

    /// Records a failure at `now`, counted from any fixed moment; whether one more restart is allowed.
    pub fn allows(&mut self, now: Duration) -> bool {
        while self.recent.front().is_some_and(|&first| now.saturating_sub(first) >= self.intensity.within) {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.intensity.restarts as usize {
            return false;
        }
        self.recent.push_back(now);
        true
    }

    /// Forgets all restarts.
    pub fn forget(&mut self) {
        self.recent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_up_to_the_intensity_and_again_once_the_window_has_moved() {
        let start = Duration::from_secs(1000);
        let mut log = RestartLog::new(Intensity { restarts: 2, within: Duration::from_secs(60) });
        assert!(log.allows(start));
        assert!(log.allows(start + Duration::from_secs(30)));
        assert!(!log.allows(start + Duration::from_secs(59)));
        assert!(log.allows(start + Duration::from_secs(60)));
        assert!(!log.allows(start + Duration::from_secs(61)));
    }

    #[test]
    fn an_intensity_of_zero_allows_nothing() {
        let mut log = RestartLog::new(Intensity { restarts: 0, within: Duration::from_secs(1) });
        assert!(!log.allows(Duration::ZERO));
    }

    #[test]
    fn forgetting_gives_the_whole_intensity_back() {
        let now = Duration::ZERO;
        let mut log = RestartLog::new(Intensity { restarts: 1, within: Duration::from_secs(60) });
        assert!(log.allows(now));
        assert!(!log.allows(now));
        log.forget();
        assert!(log.allows(now));
    }
}
