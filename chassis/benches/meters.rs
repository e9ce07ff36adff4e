//! What counting and recording cost, beside the handles of the `metrics` crate and prometheus-client.
//!
//! `cargo bench -p chassis --bench meters`. One thread: time per operation. Eight threads on one meter: time from the
//! first start to the last end, by the number of all operations. Rounds are short, many, and of the contestants in
//! turn, so that a busy machine is busy for all of them; on one, look at the minimum and the median.

#![allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]

use std::{
    hint::black_box,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use chassis::metrics::{Counter, Gauge, Histogram, Labels, MeterOptions, Metrics, Summary};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use prometheus_client::metrics as client;

const ROUNDS: usize = 101;
/// In a round of one thread.
const ALONE: u32 = 50_000;
/// In a round of each of several threads, enough for all of them to be at work at once.
const TOGETHER: u32 = 100_000;
const BOUNDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

#[derive(Labels)]
struct ByRoute {
    route: &'static str,
    status: u16,
}

/// Something to measure: a name and the operation, given the number of its turn.
struct Contestant<'a> {
    name: &'a str,
    operation: Box<dyn Fn(u32) + Sync + 'a>,
    /// Between rounds.
    tidy: Box<dyn Fn() + 'a>,
}

fn main() {
    let service = Metrics::new("bench");
    let counter: Counter = made(service.meter(MeterOptions::new("counter", "Counts.")));
    let labelled: Counter<ByRoute> = made(service.meter(MeterOptions::new("labelled", "Counts by route.")));
    let gauge: Gauge = made(service.meter(MeterOptions::new("gauge", "Counts up and down.")));
    let histogram: Histogram = made(service.meter(MeterOptions::new("histogram", "Records.").buckets(BOUNDS)));
    let summary: Summary = made(service.meter(MeterOptions::new("summary", "Records.")));

    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("histogram".into()), &BOUNDS)
        .map(PrometheusBuilder::build_recorder)
        .unwrap_or_else(|error| panic!("{error}"));
    let handle = recorder.handle();
    let (their_counter, their_histogram) =
        metrics::with_local_recorder(&recorder, || (metrics::counter!("counter"), metrics::histogram!("histogram")));
    let client_counter: client::counter::Counter = client::counter::Counter::default();
    let client_histogram = client::histogram::Histogram::new(BOUNDS);

    // Not in order, so that no branch is predicted better than in a service.
    let values: Vec<f64> =
        (0..1024_u32).map(|step| f64::from(step.wrapping_mul(2_654_435_761) >> 20) / 400.0).collect();
    let value = |turn: u32| values[turn as usize & 1023];

    let none = || Box::new(|| ());
    let counters = [
        Contestant { name: "chassis", operation: Box::new(|_| counter.inc()), tidy: none() },
        Contestant { name: "metrics", operation: Box::new(|_| their_counter.increment(1)), tidy: none() },
        Contestant {
            name: "prometheus-client",
            operation: Box::new(|_| {
                client_counter.inc();
            }),
            tidy: none(),
        },
        Contestant {
            name: "chassis, by labels",
            operation: Box::new(|_| labelled.with(&ByRoute { route: "/orders/{id}", status: 200 }).inc()),
            tidy: none(),
        },
        Contestant {
            name: "chassis gauge, up, down",
            operation: Box::new(|_| {
                gauge.inc();
                gauge.dec();
            }),
            tidy: none(),
        },
    ];
    let histograms = [
        Contestant { name: "chassis", operation: Box::new(|turn| histogram.record(value(turn))), tidy: none() },
        Contestant {
            name: "metrics",
            operation: Box::new(|turn| their_histogram.record(value(turn))),
            tidy: Box::new(|| handle.run_upkeep()),
        },
        Contestant {
            name: "prometheus-client",
            operation: Box::new(|turn| client_histogram.observe(value(turn))),
            tidy: none(),
        },
        Contestant { name: "chassis summary", operation: Box::new(|turn| summary.record(value(turn))), tidy: none() },
    ];
    for (what, contestants) in [("counter increment", &counters[..]), ("histogram record", &histograms[..])] {
        for threads in [1, 8] {
            report(what, threads, contestants);
        }
    }
}

fn report(what: &str, threads: u32, contestants: &[Contestant<'_>]) {
    let mut times: Vec<Vec<f64>> = contestants.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    for _ in 0..ROUNDS {
        for (contestant, times) in contestants.iter().zip(&mut times) {
            times.push(round(threads, &contestant.operation));
            (contestant.tidy)();
        }
    }
    println!("{what}, {threads} thread{}   ns: min  median  max", if threads == 1 { "" } else { "s" });
    for (contestant, mut times) in contestants.iter().zip(times) {
        times.sort_by(f64::total_cmp);
        let (min, median, max) = (times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
        println!("  {:<24} {min:>8.2} {median:>8.2} {max:>8.2}", contestant.name);
    }
}

/// Nanoseconds per operation.
fn round(threads: u32, operation: &(dyn Fn(u32) + Sync)) -> f64 {
    let operations = if threads == 1 { ALONE } else { TOGETHER };
    let barrier = Barrier::new(threads as usize);
    let work = || {
        barrier.wait();
        let started = Instant::now();
        (0..operations).for_each(|turn| operation(black_box(turn)));
        (started, Instant::now())
    };
    let spans: Vec<(Instant, Instant)> = match threads {
        1 => vec![work()],
        _ => thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
        }),
    };
    let started = spans.iter().map(|(started, _)| *started).min();
    let ended = spans.iter().map(|(_, ended)| *ended).max();
    let took = ended.zip(started).map_or(Duration::ZERO, |(ended, started)| ended - started);
    took.as_secs_f64() * 1e9 / (f64::from(operations) * f64::from(threads))
}

fn made<T>(result: chassis::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:#}"))
}
