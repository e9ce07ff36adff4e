//! How long to wait before the next attempt.
//!
//! Exponential with full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015): the delay is uniform
//! between zero and a ceiling that doubles. Pure: the caller brings the random number and owns the clock.

use std::time::Duration;

/// Ceilings that double from `min` to `max`, and start over once [`healthy`](Backoff::healthy).
///
/// A `max` below `min` counts as `min`.
#[derive(Debug, Clone)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    /// Failures since it was last healthy.
    failures: u32,
}

impl Backoff {
    /// Starts with no failure on record.
    pub fn new(min: Duration, max: Duration) -> Self {
        Self { min, max: max.max(min), failures: 0 }
    }

    /// Goes on between other limits.
    pub fn set_limits(&mut self, min: Duration, max: Duration) {
        (self.min, self.max) = (min, max.max(min));
    }

    /// The longest delay after that many failures in a row, the last one included.
    pub fn after(failures: u32, min: Duration, max: Duration) -> Duration {
        // Saturates instead of wrapping: by then the cap was reached long ago.
        let factor = 2_u32.saturating_pow(failures.saturating_sub(1));
        min.saturating_mul(factor).min(max.max(min))
    }

    /// Records a failure and returns the longest delay before the next attempt.
    pub fn failed(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        Self::after(self.failures, self.min, self.max)
    }

    /// Records a failure and returns the delay for a random number `jitter` between 0 and 1.
    pub fn failed_with_jitter(&mut self, jitter: f64) -> Duration {
        self.failed().mul_f64(jitter.clamp(0.0, 1.0))
    }

    /// Failures since it was last healthy.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// Forgets past failures.
    pub fn healthy(&mut self) {
        self.failures = 0;
    }
}

impl Default for Backoff {
    /// From 200 ms to 30 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(200), Duration::from_secs(30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap_and_starts_over_once_healthy() {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(1));
        let delays: Vec<_> = (0..5).map(|_| backoff.failed().as_millis()).collect();
        assert_eq!(delays, [200, 400, 800, 1000, 1000]);
        backoff.healthy();
        assert_eq!(backoff.failed().as_millis(), 200);
    }

    #[test]
    fn jitter_spreads_over_the_whole_delay() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.failed_with_jitter(0.0), Duration::ZERO);
        assert_eq!(backoff.failed_with_jitter(1.0), Duration::from_millis(400));
        assert_eq!(backoff.failed_with_jitter(7.0), Duration::from_millis(800));
    }

    #[test]
    fn never_overflows() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::MAX);
        for _ in 0..1000 {
            backoff.failed();
        }
        assert!(backoff.failed() >= Duration::from_secs(u64::from(u32::MAX)));
    }
}
