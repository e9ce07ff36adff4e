//! Lateness and processor time of 100,000 timers.

use std::error::Error;

use crate::{
    program,
    sample::{Samples, Target, row, title},
};

/// What a program prints at its end, run after run.
#[derive(Default)]
struct Runs {
    per_tick: Samples,
    median: Samples,
    late: Samples,
    share: Samples,
}

impl Runs {
    fn add(&mut self, name: &str, seconds: u32) -> Result<(), Box<dyn Error>> {
        let [per_tick, median, late, share] = program::figures(name, &[], &[("BENCH_SECONDS", &seconds.to_string())])?;
        self.per_tick.push(per_tick);
        self.median.push(median);
        self.late.push(late);
        self.share.push(share);
        Ok(())
    }

    fn print(&self, name: &str, target: Target) {
        row(&format!("{name}: CPU µs/tick"), &self.per_tick, Target::None);
        row(&format!("{name}: lateness, median, ms"), &self.median, Target::None);
        row(&format!("{name}: lateness, 99 %, ms"), &self.late, target);
        row(&format!("{name}: ticks that came, share"), &self.share, Target::None);
    }
}

/// Prints the rows about timers.
///
/// # Errors
///
/// When a program does not work.
pub(crate) fn compare(rounds: u32, seconds: u32) -> Result<(), Box<dyn Error>> {
    let (mut raw, mut chassis) = (Runs::default(), Runs::default());
    for _ in 0..rounds {
        raw.add("timers", seconds)?;
        chassis.add("chassis_timers", seconds)?;
    }
    title(&format!("100,000 timers of 1 s, {rounds} rounds of {seconds} s"));
    raw.print("tokio interval", Target::None);
    chassis.print("chassis", Target::AtMost(2.0));
    row("chassis / tokio interval: CPU per tick", &chassis.per_tick.ratio(&raw.per_tick), Target::AtMost(1.1));
    Ok(())
}
