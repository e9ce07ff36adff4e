//! How late the ticks of many timers are.

use std::{
    env,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::processor_time;

/// How many timers are compared.
pub const TIMERS: usize = 100_000;

const INTERVAL: Duration = Duration::from_secs(1);
/// Ticks are counted by their lateness in steps of this.
const STEP: Duration = Duration::from_micros(20);
const STEPS: usize = 10_000;

/// Counts ticks by their lateness.
#[derive(Debug)]
pub struct Punctuality {
    /// How long is measured.
    time: Duration,
    ticks: Vec<AtomicU32>,
}

impl Punctuality {
    /// Measures for as many seconds as the environment's `BENCH_SECONDS` says.
    pub fn from_env() -> Self {
        let seconds = env::var("BENCH_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(5);
        Punctuality { time: Duration::from_secs(seconds), ticks: (0..STEPS).map(|_| AtomicU32::new(0)).collect() }
    }

    /// Notes a tick, now, of a timer that was started then.
    pub fn ticked(&self, started: Instant) {
        let since = started.elapsed().as_nanos();
        let late = since % INTERVAL.as_nanos();
        let step = usize::try_from(late / STEP.as_nanos()).unwrap_or(STEPS);
        self.ticks[step.min(STEPS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// Lets the timers run until all have ticked, then for the time that is measured; blocks meanwhile.
    ///
    /// The line says: processor time per tick in microseconds, lateness at the median and at 99 %, in milliseconds,
    /// and the share of the ticks that came at all.
    pub fn report(&self) -> String {
        thread::sleep(2 * INTERVAL);
        self.ticks.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        let before = processor_time("self").unwrap_or_default();
        thread::sleep(self.time);
        let used = processor_time("self").unwrap_or_default().saturating_sub(before);

        let counts: Vec<u64> = self.ticks.iter().map(|count| u64::from(count.load(Ordering::Relaxed))).collect();
        let all: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let wanted = (all as f64 * share).ceil() as u64;
            let mut seen = 0;
            let step = counts.iter().position(|count| {
                seen += count;
                seen >= wanted
            });
            STEP.mul_f64(step.unwrap_or(STEPS) as f64 + 1.0).as_secs_f64() * 1e3
        };
        let expected = TIMERS as f64 * self.time.as_secs_f64() / INTERVAL.as_secs_f64();
        let per_tick = used.as_secs_f64() * 1e6 / all as f64;
        format!("{per_tick} {} {} {}", quantile(0.5), quantile(0.99), all as f64 / expected)
    }
}
