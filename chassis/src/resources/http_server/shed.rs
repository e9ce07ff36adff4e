//! When requests are turned away: the rule, and nothing else.
//!
//! Two conditions, either is enough:
//!
//! - **The cap**: `max_in_flight` requests are at work.
//! - **The lag**: work waits too long for a thread. A probe measures how much later than asked it is woken. When even
//!   the *best* of its measurements within one window is above `max_lag`, the queue is standing, not a burst (the
//!   observation of CoDel), and a tenth more of the requests is turned away, up to nine tenths. Each window with a
//!   good measurement halves that share again.
//!
//! The best measurement, because one slow moment proves nothing; a share, because turning all away would empty the
//! queue, let all in again and swing for ever.
//!
//! Pure: the caller owns the clock, the probe and the dice.

use std::time::Duration;

/// How long the probe looks before it decides.
pub(super) const WINDOW: Duration = Duration::from_millis(500);

/// How many measurements a window has.
pub(super) const MEASUREMENTS: u32 = 20;

/// The share that is added by a bad window, in percent; a good one halves what there is.
const STEP: u8 = 10;

/// Some requests always get through, so that recovery is seen.
const MOST: u8 = 90;

/// How large a share of the requests is turned away because of the lag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LagRule {
    max_lag: Duration,
    best: Duration,
    measured: u32,
    share: u8,
}

impl LagRule {
    /// Turns nothing away yet.
    pub(super) fn new(max_lag: Duration) -> Self {
        Self { max_lag, best: Duration::MAX, measured: 0, share: 0 }
    }

    /// Goes on with another limit.
    pub(super) fn set_max_lag(&mut self, max_lag: Duration) {
        self.max_lag = max_lag;
    }

    /// Takes how much later than asked the probe was woken; gives back the share in percent.
    pub(super) fn measured(&mut self, lag: Duration) -> u8 {
        self.best = self.best.min(lag);
        self.measured += 1;
        if self.measured == MEASUREMENTS {
            self.share = match self.best > self.max_lag {
                true => (self.share + STEP).min(MOST),
                false => self.share / 2,
            };
            (self.best, self.measured) = (Duration::MAX, 0);
        }
        self.share
    }
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shed {
    /// Too many requests are at work.
    Cap,
    /// Work waits too long for a thread.
    Lag,
}

/// Decides about one request; `dice` is a number below 100.
pub(super) fn decide(in_flight: usize, max_in_flight: usize, share: u8, dice: impl FnOnce() -> u8) -> Option<Shed> {
    if in_flight > max_in_flight {
        Some(Shed::Cap)
    } else if share > 0 && dice() < share {
        Some(Shed::Lag)
    } else {
        None
    }
}

/// The seconds after which a client may come back: spread out, and later when more is turned away.
pub(super) fn retry_after(share: u8, dice: u8) -> u32 {
    let spread = u32::from(dice % 3);
    1 + u32::from(share / 30) + spread
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(rule: &mut LagRule, lags: impl Fn(u32) -> u64) -> u8 {
        (0..MEASUREMENTS).map(|nth| rule.measured(Duration::from_millis(lags(nth)))).last().unwrap_or_default()
    }

    #[test]
    fn a_burst_is_forgiven_as_long_as_one_measurement_is_good() {
        let mut rule = LagRule::new(Duration::from_millis(100));
        assert_eq!(window(&mut rule, |nth| if nth == 7 { 100 } else { 5_000 }), 0);
    }

    #[test]
    fn a_standing_queue_turns_more_and_more_away_but_never_all() {
        let mut rule = LagRule::new(Duration::from_millis(100));
        let shares: Vec<u8> = (0..12).map(|_| window(&mut rule, |_| 101)).collect();
        assert_eq!(shares, [10, 20, 30, 40, 50, 60, 70, 80, 90, 90, 90, 90]);
    }

    #[test]
    fn recovery_halves_the_share_down_to_nothing() {
        let mut rule = LagRule::new(Duration::from_millis(100));
        for _ in 0..9 {
            window(&mut rule, |_| 200);
        }
        let shares: Vec<u8> = (0..8).map(|_| window(&mut rule, |_| 1)).collect();
        assert_eq!(shares, [45, 22, 11, 5, 2, 1, 0, 0]);
    }

    #[test]
    fn the_cap_counts_the_request_itself_and_the_share_needs_the_dice() {
        assert_eq!(decide(10, 10, 0, || 0), None);
        assert_eq!(decide(11, 10, 0, || 99), Some(Shed::Cap));
        assert_eq!(decide(1, 10, 30, || 29), Some(Shed::Lag));
        assert_eq!(decide(1, 10, 30, || 30), None);
    }

    #[test]
    fn clients_are_sent_away_for_seconds_and_not_all_for_the_same() {
        assert_eq!((0..3).map(|dice| retry_after(0, dice)).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(retry_after(90, 2), 6);
    }
}
