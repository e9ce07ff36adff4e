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
#[derive(Debug, Default)]
pub struct RestartLog {
    /// When they were, counted from any fixed moment.
    recent: VecDeque<Duration>,
}

impl RestartLog {
    /// Records a failure at `now`, counted from any fixed moment; whether one more restart is allowed.
    pub fn allows(&mut self, now: Duration, intensity: Intensity) -> bool {
        while self.recent.front().is_some_and(|&first| now.saturating_sub(first) >= intensity.within) {
            self.recent.pop_front();
        }
        if self.recent.len() >= intensity.restarts as usize {
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
        let intensity = Intensity { restarts: 2, within: Duration::from_secs(60) };
        let mut log = RestartLog::default();
        let mut allows = |seconds| log.allows(start + Duration::from_secs(seconds), intensity);
        assert!(allows(0));
        assert!(allows(30));
        assert!(!allows(59));
        assert!(allows(60));
        assert!(!allows(61));
    }

    #[test]
    fn an_intensity_of_zero_allows_nothing() {
        let intensity = Intensity { restarts: 0, within: Duration::from_secs(1) };
        assert!(!RestartLog::default().allows(Duration::ZERO, intensity));
    }

    #[test]
    fn forgetting_gives_the_whole_intensity_back() {
        let (now, intensity) = (Duration::ZERO, Intensity { restarts: 1, within: Duration::from_secs(60) });
        let mut log = RestartLog::default();
        assert!(log.allows(now, intensity));
        assert!(!log.allows(now, intensity));
        log.forget();
        assert!(log.allows(now, intensity));
    }
}
