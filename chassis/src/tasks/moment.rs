//! What time it is for the timers, in nanoseconds: a tick adds and compares a few of them, so they are plain numbers.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::lifecycle::Clock;

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// Since the timers began; never goes back.
    pub(super) at: u64,
    /// Since 1970, by the time of day.
    pub(super) unix: u64,
}

impl Moment {
    /// The time of day that lies `at`, if the clock is not set meanwhile.
    pub(super) fn unix_at(self, at: u64) -> u64 {
        self.unix.saturating_add(at).saturating_sub(self.at)
    }
}

/// The clocks of the timers.
#[derive(Debug)]
pub(super) struct Clocks {
    began: Instant,
    day: Clock,
}

impl Clocks {
    /// Clocks that begin now.
    pub(super) fn new(day: Clock) -> Self {
        Self { began: Instant::now(), day }
    }

    pub(super) fn now(&self) -> Moment {
        Moment { at: self.at(Instant::now()), unix: unix(self.day.now()) }
    }

    /// The moment it is now, read off one clock only: since `before` it has not been long.
    pub(super) fn after(&self, before: Moment) -> Moment {
        let at = self.at(Instant::now());
        Moment { at, unix: before.unix_at(at) }
    }

    pub(super) fn at(&self, instant: Instant) -> u64 {
        nanos(instant.saturating_duration_since(self.began))
    }

    pub(super) fn instant(&self, at: u64) -> Instant {
        self.began + Duration::from_nanos(at)
    }
}

/// Nanoseconds, which last for 584 years.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970.
pub(super) fn unix(time: SystemTime) -> u64 {
    nanos(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// The time that is so many nanoseconds after 1970.
pub(super) fn time(unix: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_clocks_go_together() {
        let clocks = Clocks::new(Clock::starting_at(time(5_000_000_000)));
        let moment = Moment { at: 2_000_000_000, unix: 7_000_000_000 };
        assert_eq!(moment.unix_at(3_500_000_000), 8_500_000_000);
        assert_eq!(moment.unix_at(0), 5_000_000_000);
        assert_eq!(moment.unix_at(u64::MAX), u64::MAX - 2_000_000_000);
        assert_eq!(clocks.at(clocks.instant(1_234)), 1_234);
        assert_eq!(clocks.at(clocks.began), 0);
    }

    #[test]
    fn a_time_before_1970_and_one_that_never_comes_are_the_first_and_the_last() {
        assert_eq!(unix(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), 0);
        assert_eq!(nanos(Duration::MAX), u64::MAX);
        assert_eq!(unix(time(1_700_000_000_123_456_789)), 1_700_000_000_123_456_789);
    }
}
