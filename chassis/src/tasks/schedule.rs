//! When the ticks of a timer are due. Pure: the timer owns the clock.

use std::time::Duration;
#[cfg(feature = "cron")]
use std::time::SystemTime;

use crate::{Error, Result};

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
        let Schedule::Cron { expression, zone } = self else { return Ok(()) };
        check_expression(expression)
            .and_then(|()| zone.as_deref().map_or(Ok(()), check_zone))
            .map_err(|what| Error::misconfigured(Error::msg(what)))
    }
}

/// What a cron expression looks like, for whoever wrote a wrong one.
pub(crate) const EXAMPLE: &str = "write it like `0 3 * * *` (every day at 03:00) or `*/10 * * * MON-FRI`";

/// Whether there is a time zone of this name; what is wrong otherwise.
#[cfg(feature = "cron")]
pub(crate) fn check_zone(zone: &str) -> Result<(), String> {
    find_zone(zone).map(drop)
}

/// Without the feature, it is the expression that is told.
#[cfg(not(feature = "cron"))]
pub(crate) fn check_zone(_: &str) -> Result<(), String> {
    Ok(())
}

#[cfg(feature = "cron")]
fn find_zone(zone: &str) -> Result<jiff::tz::TimeZone, String> {
    let unknown = |_| format!("no time zone is called `{zone}`; write its IANA name, such as `Europe/Berlin`");
    jiff::tz::TimeZone::get(zone).map_err(unknown)
}

/// Whether a cron expression can be followed; what is wrong otherwise, and in which of its fields.
#[cfg(feature = "cron")]
pub(crate) fn check_expression(expression: &str) -> Result<(), String> {
    parse_expression(expression).map(drop)
}

/// Whether a cron expression can be followed.
#[cfg(not(feature = "cron"))]
pub(crate) fn check_expression(expression: &str) -> Result<(), String> {
    Err(format!("cron expression `{expression}`: not compiled in; enable the feature `cron` of `chassis`"))
}

#[cfg(feature = "cron")]
fn parse_expression(expression: &str) -> Result<croner::Cron, String> {
    let parser = croner::parser::CronParser::builder().seconds(croner::parser::Seconds::Optional).build();
    parser.parse(expression).map_err(|error| {
        let about = format!("cron expression `{expression}`");
        let fields: Vec<&str> = expression.split_whitespace().collect();
        if expression.trim_start().starts_with('@') {
            return format!("{about}: there is no such name");
        }
        let count = fields.len();
        if !(5..=6).contains(&count) {
            return format!(
                "{about}: it has {count} fields; there are five (minute, hour, day, month, weekday), or six with seconds in front"
            );
        }
        // The library does not say which field it is at, so each is tried alone.
        let is_wrong = |place: &usize| {
            let mut alone = vec!["*"; count];
            alone[*place] = fields[*place];
            parser.parse(&alone.join(" ")).is_err()
        };
        let wrong: Vec<String> = (0..count)
            .filter(is_wrong)
            .map(|place| {
                let (name, values) = FIELDS[place + FIELDS.len() - count];
                format!("the {name} is `{}`, and has to be {values}", fields[place])
            })
            .collect();
        // What is wrong with two fields together, such as a day that no month has.
        if wrong.is_empty() { format!("{about}: {error}") } else { format!("{about}: {}", wrong.join("; ")) }
    })
}

/// The fields of an expression, and what may stand in them.
#[cfg(feature = "cron")]
const FIELDS: [(&str, &str); 6] = [
    ("second", "within 0-59"),
    ("minute", "within 0-59"),
    ("hour", "within 0-23"),
    ("day", "within 1-31, or `L` for the last"),
    ("month", "within 1-12 or JAN-DEC"),
    ("weekday", "within 0-7 or SUN-SAT"),
];

/// Which tick of an interval is due next, `elapsed` after the start, when tick number `last` was the last one.
///
/// Gives the number of the next tick and how many were missed in between. Times are nanoseconds.
pub(super) fn next_tick(elapsed: u64, interval: u64, last: u64) -> (u64, u64) {
    let following = last.saturating_add(1);
    // One that is due right now is not missed.
    if elapsed <= interval.saturating_mul(following) {
        return (following, 0);
    }
    let due = elapsed.div_ceil(interval.max(1));
    (due, due - following)
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
        let misconfigured = |what: String| Error::misconfigured(Error::msg(what));
        let cron = parse_expression(expression).map_err(misconfigured)?;
        let zone = zone.map_or(Ok(jiff::tz::TimeZone::UTC), find_zone).map_err(misconfigured)?;
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

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_timer_that_is_on_time_misses_nothing() {
        assert_eq!(next_tick(SECOND / 100, SECOND, 0), (1, 0));
        assert_eq!(next_tick(SECOND + SECOND / 1000, SECOND, 1), (2, 0));
        assert_eq!(next_tick(2 * SECOND, SECOND, 1), (2, 0));
    }

    #[test]
    fn missed_ticks_are_counted_and_the_schedule_is_kept() {
        assert_eq!(next_tick(2 * SECOND + 1, SECOND, 1), (3, 1));
        assert_eq!(next_tick(3 * SECOND + SECOND / 2, SECOND, 1), (4, 2));
        assert_eq!(next_tick(4 * SECOND, SECOND, 1), (4, 2));
    }

    #[test]
    fn an_interval_of_ages_has_one_next_tick() {
        assert_eq!(next_tick(SECOND, u64::MAX, 0), (1, 0));
        assert_eq!(next_tick(u64::MAX, u64::MAX, 1), (2, 0));
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

        #[test]
        fn the_fields_that_are_wrong_are_named() {
            let said = |expression| check_expression(expression).unwrap_err();
            assert_eq!(
                said("61 * * 13 *"),
                "cron expression `61 * * 13 *`: the minute is `61`, and has to be within 0-59; \
                 the month is `13`, and has to be within 1-12 or JAN-DEC"
            );
            assert!(said("* * 25 * * *").contains("the hour is `25`"));
            assert!(said("99 * * * * *").contains("the second is `99`"));
            assert!(said("* * * * FUNDAY").contains("the weekday is `FUNDAY`"));
            assert!(said("* * *").contains("it has 3 fields"));
            assert!(said("@often").contains("no such name"));
        }
    }
}
