//! When the ticks of a timer are due. Pure: the timer owns the clock.

use std::time::Duration;
#[cfg(feature = "cron")]
use std::time::SystemTime;

#[cfg(feature = "cron")]
use crate::Error;
use crate::Result;

/// When a timer ticks: every so often, or by the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// The k-th tick is due at the timer's start plus k intervals.
    Every(Duration),
    /// At the times of a cron expression.
    Cron {
        /// Five fields (minute, hour, day, month, weekday), or six with seconds in front.
        expression: String,
        /// An IANA time zone; UTC when there is none.
        zone: Option<String>,
    },
}

/// What happens to a tick that is due while the one before still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// It is skipped and counted.
    Skip,
    /// It runs as soon as the one before has ended.
    Queue,
}

/// The name of a timer, as a constant of its service: `Self::TICK` for a method `tick`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerId(pub(crate) &'static str);

impl TimerId {
    /// The timer of the method with this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name of the method.
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl Schedule {
    /// A tick every `interval`; an interval of zero counts as a millisecond.
    pub fn every(interval: Duration) -> Self {
        Schedule::Every(interval.max(Duration::from_millis(1)))
    }

    /// A tick at the times of a cron expression, in the time zone with this IANA name or in UTC.
    pub fn cron(expression: impl Into<String>, zone: Option<&str>) -> Self {
        Schedule::Cron { expression: expression.into(), zone: zone.map(str::to_owned) }
    }

    /// Whether it can be followed.
    ///
    /// # Errors
    /// What is wrong with the expression or the time zone; or that the feature `cron` is not on.
    pub fn check(&self) -> Result<()> {
        match self {
            Schedule::Every(_) => Ok(()),
            #[cfg(feature = "cron")]
            Schedule::Cron { expression, zone } => Cron::parse(expression, zone.as_deref()).map(drop),
            #[cfg(not(feature = "cron"))]
            Schedule::Cron { expression, .. } => Err(crate::Error::misconfigured(crate::Error::msg(format!(
                "cron expression `{expression}`: not compiled in; enable the feature `cron` of `chassis`"
            )))),
        }
    }
}

/// Which tick of an interval is due next, `elapsed` after the start, when tick number `last` was the last one.
///
/// Gives the number of the next tick and how many were missed in between.
pub(crate) fn next_tick(elapsed: Duration, interval: Duration, last: u64) -> (u64, u64) {
    // The last tick that is due by now; one that is due right now is not missed.
    let due = nanos(elapsed).div_ceil(nanos(interval).max(1));
    let next = due.max(last.saturating_add(1));
    (next, next - last - 1)
}

/// The moment of tick number `tick`, counted from the start.
pub(crate) fn due_after(interval: Duration, tick: u64) -> Duration {
    Duration::from_nanos(nanos(interval).saturating_mul(tick))
}

/// Nanoseconds, which last for 584 years.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A parsed cron expression with its time zone.
#[cfg(feature = "cron")]
pub(crate) struct Cron {
    cron: croner::Cron,
    zone: jiff::tz::TimeZone,
}

#[cfg(feature = "cron")]
impl Cron {
    /// Parses an expression of five fields, or six with seconds in front.
    pub(crate) fn parse(expression: &str, zone: Option<&str>) -> Result<Self> {
        let cron = croner::parser::CronParser::builder()
            .seconds(croner::parser::Seconds::Optional)
            .build()
            .parse(expression)
            .map_err(|error| Error::misconfigured(Error::msg(format!("cron expression `{expression}`: {error}"))))?;
        let zone = match zone {
            None => jiff::tz::TimeZone::UTC,
            Some(zone) => jiff::tz::TimeZone::get(zone).map_err(|_| {
                Error::misconfigured(Error::msg(format!(
                    "cron expression `{expression}`: no time zone is called `{zone}`; write its IANA name, such as `Europe/Berlin`"
                )))
            })?,
        };
        Ok(Self { cron, zone })
    }

    /// The first time after `now`; `None` when there is none any more.
    pub(crate) fn next_after(&self, now: SystemTime) -> Option<SystemTime> {
        let now = jiff::Timestamp::try_from(now).ok()?.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&now, false).ok()?;
        Some(next.timestamp().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_timer_that_is_on_time_misses_nothing() {
        assert_eq!(next_tick(Duration::from_millis(10), SECOND, 0), (1, 0));
        assert_eq!(next_tick(Duration::from_millis(1001), SECOND, 1), (2, 0));
    }

    #[test]
    fn missed_ticks_are_counted_and_the_schedule_is_kept() {
        assert_eq!(next_tick(Duration::from_millis(3500), SECOND, 1), (4, 2));
        assert_eq!(next_tick(Duration::from_secs(4), SECOND, 1), (4, 2));
    }

    #[test]
    fn the_millionth_tick_has_not_drifted() {
        assert_eq!(due_after(Duration::from_nanos(333_333_333), 3_000_000), Duration::from_millis(999_999_999));
    }

    #[cfg(feature = "cron")]
    mod cron {
        use super::*;

        fn times(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
            let cron = Cron::parse(expression, Some(zone)).unwrap();
            let mut now: SystemTime = from.parse::<jiff::Timestamp>().unwrap().into();
            (0..count)
                .map(|_| {
                    now = cron.next_after(now).unwrap();
                    jiff::Timestamp::try_from(now).unwrap().to_string()
                })
                .collect()
        }

        #[test]
        fn a_daily_time_moves_with_daylight_saving() {
            assert_eq!(
                times("0 12 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
                ["2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z", "2026-03-30T10:00:00Z"]
            );
        }

        #[test]
        fn a_time_that_is_skipped_or_comes_twice_is_due_once() {
            // 02:30 is not there on 2026-03-29, and comes twice on 2026-10-25.
            assert_eq!(
                times("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", 2),
                ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
            );
            assert_eq!(
                times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2),
                ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
            );
        }

        #[test]
        fn what_comes_every_half_hour_goes_on_through_both_changes() {
            assert_eq!(
                times("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:15:00Z", 3),
                ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
            );
            assert_eq!(
                times("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15:00Z", 3),
                ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
            );
        }

        #[test]
        fn six_fields_have_seconds_in_front() {
            assert_eq!(
                times("*/20 * * * * *", "UTC", "2026-01-01T00:00:00Z", 3),
                ["2026-01-01T00:00:20Z", "2026-01-01T00:00:40Z", "2026-01-01T00:01:00Z"]
            );
        }

        #[test]
        fn a_wrong_expression_or_zone_is_explained() {
            assert!(Schedule::cron("61 * * * *", None).check().unwrap_err().is_misconfigured());
            let error = Schedule::cron("* * * * *", Some("Mars/Olympus")).check().unwrap_err();
            assert!(error.to_string().contains("IANA"), "{error}");
        }
    }
}
