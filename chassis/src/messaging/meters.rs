//! The figures of a broker, named after the conventions of OpenTelemetry.
//!
//! | figure | type | labels |
//! | --- | --- | --- |
//! | `messaging_process_duration_seconds` | histogram | `broker`, `pattern`, `name`, `handler`, `outcome` |
//! | `messaging_in_flight` | gauge | `broker`, `handler` |
//! | `messaging_retries_total` | counter | `broker`, `handler` |
//! | `messaging_dead_letters_total` | counter | `broker`, `handler`, `reason` |
//! | `messaging_unsettled_total` | counter | `broker`, `handler`: the broker could not be told, and delivers again |
//! | `messaging_send_duration_seconds` | histogram | `broker`, `pattern`, `name`, `outcome` |

use std::{sync::OnceLock, time::Duration};

use super::{letter::Reason, pattern::Pattern};
use crate::{
    Result,
    metrics::{Counter, CounterHandle, Gauge, GaugeHandle, Histogram, HistogramHandle, Labels, MeterOptions, Metrics},
    unit::Outcome,
};

/// All figures of one broker.
#[derive(Debug)]
pub(super) struct Meters {
    broker: Box<str>,
    process: Histogram<OfProcess<'static>>,
    in_flight: Gauge<OfHandler<'static>>,
    retries: Counter<OfHandler<'static>>,
    dead: Counter<OfLetter<'static>>,
    unsettled: Counter<OfHandler<'static>>,
    send: Histogram<OfSend<'static>>,
    /// The series of the first names that something was sent to: mostly there are only a few. For others they are looked up.
    sent: [OnceLock<SendMeters>; 8],
}

/// The series of one name that messages are sent to.
#[derive(Debug)]
struct SendMeters {
    pattern: Pattern,
    name: Box<str>,
    ok: OnceLock<HistogramHandle>,
    error: OnceLock<HistogramHandle>,
}

/// The figures of one handler: found once, so that a message neither searches nor allocates.
#[derive(Debug)]
pub(super) struct HandlerMeters {
    labels: (Box<str>, Pattern, Box<str>, &'static str),
    process: Histogram<OfProcess<'static>>,
    /// In the order of [`Outcome::ALL`].
    outcomes: [OnceLock<HistogramHandle>; Outcome::ALL.len()],
    pub(super) in_flight: GaugeHandle,
    pub(super) retries: CounterHandle,
    pub(super) unsettled: CounterHandle,
    dead: Counter<OfLetter<'static>>,
}

#[derive(Labels)]
struct OfProcess<'a> {
    broker: &'a str,
    pattern: &'static str,
    name: &'a str,
    handler: &'a str,
    outcome: &'static str,
}

#[derive(Labels)]
struct OfHandler<'a> {
    broker: &'a str,
    handler: &'a str,
}

#[derive(Labels)]
struct OfLetter<'a> {
    broker: &'a str,
    handler: &'a str,
    reason: &'static str,
}

#[derive(Labels)]
struct OfSend<'a> {
    broker: &'a str,
    pattern: &'static str,
    name: &'a str,
    outcome: &'static str,
}

impl Meters {
    pub(super) fn new(metrics: &Metrics, broker: &str) -> Result<Self> {
        let options = |name, help| MeterOptions::new(name, help).without_prefix();
        let seconds = |name, help| options(name, help).unit("seconds");
        Ok(Self {
            broker: broker.into(),
            process: metrics.meter(seconds("messaging_process_duration", "How long handlers took for a message."))?,
            in_flight: metrics.meter(options("messaging_in_flight", "Messages that are being handled."))?,
            retries: metrics.meter(options("messaging_retries", "Messages that are tried again."))?,
            dead: metrics.meter(options("messaging_dead_letters", "Messages that were given up."))?,
            unsettled: metrics.meter(options(
                "messaging_unsettled",
                "Handled messages that the broker could not be told of, and delivers again.",
            ))?,
            send: metrics.meter(seconds("messaging_send_duration", "How long it took to send a message."))?,
            sent: Default::default(),
        })
    }

    pub(super) fn handler(&self, pattern: Pattern, name: &str, handler: &'static str) -> HandlerMeters {
        let labels = OfHandler { broker: &self.broker, handler };
        HandlerMeters {
            labels: (self.broker.clone(), pattern, name.into(), handler),
            process: self.process.clone(),
            outcomes: Default::default(),
            in_flight: self.in_flight.handle(&labels),
            retries: self.retries.handle(&labels),
            unsettled: self.unsettled.handle(&labels),
            dead: self.dead.clone(),
        }
    }

    pub(super) fn sent(&self, pattern: Pattern, name: &str, is_ok: bool, took: Duration) {
        let outcome = if is_ok { "ok" } else { "error" };
        let labels = OfSend { broker: &self.broker, pattern: pattern.as_str(), name, outcome };
        let new = || SendMeters { pattern, name: name.into(), ok: OnceLock::new(), error: OnceLock::new() };
        let mut known = self.sent.iter().map(|place| place.get_or_init(new));
        match known.find(|known| known.pattern == pattern && *known.name == *name) {
            Some(SendMeters { ok, error, .. }) => {
                let series = if is_ok { ok } else { error };
                series.get_or_init(|| self.send.handle(&labels)).record(took);
            }
            None => self.send.with(&labels).record(took),
        }
    }
}

impl HandlerMeters {
    pub(super) fn handled(&self, outcome: Outcome, took: Duration) {
        let series = self.outcomes[outcome as usize].get_or_init(|| {
            let (broker, pattern, name, handler) = &self.labels;
            let outcome = outcome.as_str();
            self.process.handle(&OfProcess { broker, pattern: pattern.as_str(), name, handler, outcome })
        });
        series.record(took);
    }

    pub(super) fn dead(&self, reason: Reason) {
        let (broker, _, _, handler) = &self.labels;
        self.dead.with(&OfLetter { broker, handler, reason: reason.as_str() }).inc();
    }
}
