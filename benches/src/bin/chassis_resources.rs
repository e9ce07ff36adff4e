//! A service with many resources that do nothing. `chassis_resources chain|fan|random COUNT` prints how many `after`
//! there are, and the milliseconds of its start, of its stop, and of the processor for both.
//!
//! What `#[microservice]` would write, by hand: no struct has so many fields.

use std::{sync::OnceLock, time::Instant};

use benches::processor_time;
use chassis::{__private::Builder, Blueprint, Microservice, NoArgs, Parts, Resource, Result};

#[derive(Default)]
struct Nothing;

impl Resource for Nothing {
    type Settings = ();
}

#[derive(Default)]
struct Many {
    nothing: Nothing,
}

impl Microservice for Many {
    const NAME: &'static str = "many";
    const VERSION: &'static str = "1.0.0";
    const ABOUT: &'static str = "Starts and stops.";

    type Args = NoArgs;

    fn build(_: &mut Parts<'_>) -> Result<Self> {
        Ok(Many::default())
    }

    fn blueprint(blueprint: &mut Blueprint<Self>) {
        for (name, after) in graph() {
            blueprint.resource(name, |many: &Many| &many.nothing).after(*after);
        }
    }
}

type Graph = Vec<(&'static str, &'static [&'static str])>;

/// The graph that the arguments ask for; it lives as long as the program, like the lists of an expansion.
fn graph() -> &'static [(&'static str, &'static [&'static str])] {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| {
        let mut arguments = std::env::args().skip(1);
        let shape = arguments.next().unwrap_or_default();
        let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(10);
        let names: Vec<&'static str> = (0..count).map(|index| &*format!("r{index}").leak()).collect();
        // A generator of the simplest kind: the same graph in every run.
        let mut seed: usize = 4711;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut after = |index: usize| -> Vec<&'static str> {
            match shape.as_str() {
                _ if index == 0 => Vec::new(),
                "chain" => vec![names[index - 1]],
                "fan" => vec![names[0]],
                _ => {
                    let mut after: Vec<_> = (0..random(5)).map(|_| names[random(index)]).collect();
                    after.sort_unstable();
                    after.dedup();
                    after
                }
            }
        };
        names.iter().enumerate().map(|(index, name)| (*name, &*after(index).leak())).collect()
    })
}

#[tokio::main]
async fn main() -> Result<()> {
    let edges: usize = graph().iter().map(|(_, after)| after.len()).sum();
    let before = processor_time("self")?;
    let began = Instant::now();
    let running = Builder::<Many>::new().start().await?;
    let started = began.elapsed();
    let began = Instant::now();
    running.stop().await?;
    let stopped = began.elapsed();
    let used = processor_time("self")?.saturating_sub(before);
    let milliseconds = [started, stopped, used].map(|time| time.as_secs_f64() * 1e3);
    println!("{edges} {} {} {}", milliseconds[0], milliseconds[1], milliseconds[2]);
    Ok(())
}
