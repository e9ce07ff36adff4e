//! What holds for one handler, and when a message is tried again.
//!
//! Pure: the worker owns the clock and throws the dice.

use std::time::Duration;

use super::{
    matcher::Options,
    pattern::Pattern,
    settings::{DeliverySettings, HandlerSettings},
};
use crate::supervision::Backoff;

/// What holds for one handler: the settings of its name, what the code says, the settings of all of them, the default;
/// the first that says anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) concurrency: usize,
    pub(super) prefetch: usize,
    pub(super) retries: u32,
    pub(super) min_delay: Duration,
    pub(super) max_delay: Duration,
    pub(super) timeout: Option<Duration>,
    pub(super) by_key: bool,
}

impl Rules {
    pub(super) fn new(pattern: Pattern, options: &Options, settings: &DeliverySettings) -> Self {
        let unset = HandlerSettings::default();
        let (own, all) = (settings.handlers.get(options.handler).unwrap_or(&unset), &settings.handler);
        let concurrency = own.concurrency.or(options.concurrency).or(all.concurrency).unwrap_or(1).max(1);
        let prefetch = own.prefetch.or(options.prefetch).or(all.prefetch).unwrap_or_else(|| match pattern {
            // A request that waits behind others here could be answered by another instance.
            Pattern::RequestResponse => concurrency,
            Pattern::PushPull | Pattern::PublishSubscribe => 32.max(2 * concurrency),
        });
        let retries = own.retries.or(options.retries).or(all.retries);
        Self {
            concurrency,
            prefetch: prefetch.max(concurrency),
            retries: retries.unwrap_or(if pattern == Pattern::RequestResponse { 0 } else { 5 }),
            min_delay: own.min_delay.or(options.min_delay).or(all.min_delay).unwrap_or(Duration::from_millis(200)),
            max_delay: own.max_delay.or(options.max_delay).or(all.max_delay).unwrap_or(Duration::from_secs(30)),
            timeout: own.timeout.or(options.timeout).or(all.timeout),
            by_key: options.by_key,
        }
    }

    /// How long a message rests whose attempt of that number has failed; `None` when that was the last one.
    ///
    /// Full jitter: `random`, between 0 and 1, is which part of the longest rest it is.
    pub(super) fn rest(&self, attempt: u32, random: f64) -> Option<Duration> {
        if attempt > self.retries {
            return None;
        }
        Some(Backoff::after(attempt, self.min_delay, self.max_delay).mul_f64(random.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn rules(options: &Options, settings: &DeliverySettings) -> Rules {
        Rules::new(Pattern::PushPull, options, settings)
    }

    #[test]
    fn the_settings_of_a_handler_win_over_its_code_and_that_over_the_settings_of_all() {
        let mut settings = DeliverySettings::default();
        settings.handler.concurrency = Some(2);
        let silent = Options { handler: "send", ..Options::default() };
        assert_eq!(rules(&silent, &settings).concurrency, 2);
        let spoken = Options { concurrency: Some(3), ..silent };
        assert_eq!(rules(&spoken, &settings).concurrency, 3);
        settings.handlers.insert("send".to_owned(), HandlerSettings { concurrency: Some(4), ..Default::default() });
        assert_eq!(rules(&spoken, &settings).concurrency, 4);
    }

    #[test]
    fn the_prefetch_is_never_below_the_concurrency() {
        let options = Options { concurrency: Some(8), prefetch: Some(2), ..Options::default() };
        assert_eq!(rules(&options, &DeliverySettings::default()).prefetch, 8);
    }

    #[test]
    fn no_request_is_fetched_ahead_unless_asked_for() {
        let options = Options { concurrency: Some(8), ..Options::default() };
        assert_eq!(Rules::new(Pattern::RequestResponse, &options, &DeliverySettings::default()).prefetch, 8);
        assert_eq!(rules(&options, &DeliverySettings::default()).prefetch, 32);
    }

    #[test]
    fn rests_double_and_end_with_the_last_retry() {
        let options = Options { retries: Some(3), max_delay: Some(Duration::from_millis(500)), ..Options::default() };
        let rules = rules(&options, &DeliverySettings::default());
        let rests: Vec<_> = (1..=4).map(|attempt| rules.rest(attempt, 1.0).map(|rest| rest.as_millis())).collect();
        assert_eq!(rests, [Some(200), Some(400), Some(500), None]);
        assert_eq!(rules.rest(1, 0.0), Some(Duration::ZERO));
    }
}
