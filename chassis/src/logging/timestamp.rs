//! The time of a record: RFC 3339, UTC, microseconds.

use std::{
    cell::Cell,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::format::number;

thread_local! {
    /// The last second that was written on this thread; most records are of the same one.
    static LAST: Cell<(u64, [u8; LENGTH])> = const { Cell::new((0, *b"1970-01-01T00:00:00.000000Z")) };

    /// A moment of this thread, and what time it was then.
    static KNOWN: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

const LENGTH: usize = 27;

/// After so long the time of day is looked up again, because clocks are set.
const TRUSTED: Duration = Duration::from_millis(100);

/// A time as log lines write it: RFC 3339, UTC, microseconds.
pub fn timestamp(time: SystemTime) -> String {
    String::from_utf8_lossy(Timestamp::of(time).as_bytes()).into_owned()
}

/// Such as `2026-11-20T09:08:07.654321Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp([u8; LENGTH]);

impl Timestamp {
    /// The time of day.
    pub(crate) fn now() -> Self {
        Self::of(SystemTime::now())
    }

    /// The time of day, told from the moment that somebody has just looked up: a look at a clock takes longer than
    /// writing the time down.
    pub(crate) fn at(now: Instant) -> Self {
        let known = KNOWN.get().and_then(|(then, time)| {
            let since = now.checked_duration_since(then).filter(|since| *since < TRUSTED)?;
            time.checked_add(since)
        });
        Self::of(known.unwrap_or_else(|| {
            let time = SystemTime::now();
            KNOWN.set(Some((now, time)));
            time
        }))
    }

    /// A clock before 1970 is wrong anyway; 1970 says so without more code.
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        let (last, mut text) = LAST.get();
        if seconds != last {
            text = second(seconds);
            LAST.set((seconds, text));
        }
        for (at, number) in [(20, micros / 10_000), (22, micros / 100 % 100), (24, micros % 100)] {
            text[at..at + 2].copy_from_slice(&number::pair(number));
        }
        Self(text)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

fn second(seconds: u64) -> [u8; LENGTH] {
    let (year, month, day) = civil(seconds / 86_400);
    let of_day = (seconds % 86_400) as u32;
    let mut text = *b"0000-00-00T00:00:00.000000Z";
    let mut put = |at: usize, number: u32| text[at..at + 2].copy_from_slice(&number::pair(number));
    put(0, year / 100);
    put(2, year % 100);
    put(5, month);
    put(8, day);
    put(11, of_day / 3600);
    put(14, of_day / 60 % 60);
    put(17, of_day % 60);
    text
}

/// Year, month and day of a day counted from 1970-01-01, by the rules of the Gregorian calendar.
///
/// Years are counted from March, so that the leap day is the last one of its year; 400 years are one cycle.
fn civil(days: u64) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (cycle, of_cycle) = (days / 146_097, (days % 146_097) as u32);
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = (cycle as u32).saturating_mul(400).saturating_add(year) + u32::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(micros: u64, expected: &str) {
        let time = Timestamp::of(UNIX_EPOCH + Duration::from_micros(micros));
        assert_eq!(String::from_utf8_lossy(time.as_bytes()), expected);
    }

    #[test]
    fn the_calendar_knows_leap_years_and_ends_of_years() {
        check(0, "1970-01-01T00:00:00.000000Z");
        check(951_782_400_000_000, "2000-02-29T00:00:00.000000Z");
        check(1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z");
        check(1_735_689_599_000_001, "2024-12-31T23:59:59.000001Z");
        check(4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z");
        check(1_795_166_887_654_321, "2026-11-20T09:28:07.654321Z");
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut last = civil(0);
        for day in 1..200_000 {
            let next = civil(day);
            let is_next = next == (last.0, last.1, last.2 + 1)
                || next == (last.0, last.1 + 1, 1)
                || next == (last.0 + 1, 1, 1) && (last.1, last.2) == (12, 31);
            assert!(is_next, "{last:?} then {next:?}");
            last = next;
        }
        assert_eq!(last, (2517, 7, 31));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the time of day is real time")]
    fn a_moment_tells_the_time_of_day_also_after_a_while_and_looking_back() {
        let since_epoch = |time: &Timestamp| String::from_utf8_lossy(time.as_bytes()).into_owned();
        let now = Instant::now();
        let before = Timestamp::now();
        let told = [0, 1, 99, 100, 101, 5].map(|millis| Timestamp::at(now + Duration::from_millis(millis)));
        let latest = Timestamp::of(SystemTime::now() + TRUSTED);
        for time in told {
            assert!((since_epoch(&before)..=since_epoch(&latest)).contains(&since_epoch(&time)), "{time:?}");
        }
    }

    #[test]
    fn a_clock_before_1970_does_no_harm() {
        let time = Timestamp::of(UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(&time.as_bytes()[..4], b"1970");
    }
}
