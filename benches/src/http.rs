//! Requests a second, and processor time of the server per request.

use std::{error::Error, time::Duration};

use crate::{
    load::Load,
    program::{self, Program},
    sample::{Samples, Target, row, title},
};

const CONNECTIONS: usize = 64;

struct Contestant {
    name: &'static str,
    program: Program,
    load: Load,
    per_second: Samples,
    processor: Samples,
}

impl Contestant {
    fn start(name: &'static str, program: Program) -> Result<Self, Box<dyn Error>> {
        let load = Load::open(program.address, "/orders/4711", CONNECTIONS).map_err(|e| format!("{name}: {e}"))?;
        Ok(Contestant { name, program, load, per_second: Samples::default(), processor: Samples::default() })
    }

    fn measure(&mut self, time: Duration, is_counted: bool) -> Result<(), Box<dyn Error>> {
        let before = self.program.processor_time()?;
        let (answered, took) = self.load.run(time).map_err(|e| format!("{}: {e}", self.name))?;
        let used = self.program.processor_time()?.saturating_sub(before);
        if is_counted {
            self.per_second.push(answered as f64 / took.as_secs_f64());
            self.processor.push(used.as_secs_f64() * 1e6 / answered as f64);
        }
        Ok(())
    }
}

/// Prints the rows about HTTP.
///
/// # Errors
///
/// When a program does not work.
pub(crate) fn compare(rounds: u32, time: Duration) -> Result<(), Box<dyn Error>> {
    program::leave_processor();
    let mut contestants = [
        Contestant::start("raw axum", Program::start("raw")?)?,
        Contestant::start("axum, wired by hand", Program::start("by_hand")?)?,
        Contestant::start("chassis", Program::start_service("service")?)?,
        Contestant::start(
            "chassis, observability off",
            Program::start_service_with("service", &["resources.http.observability=false"])?,
        )?,
    ];
    for contestant in &mut contestants {
        contestant.measure(time, false)?;
    }
    // In turn, so that what the machine does besides is shared by all.
    for _ in 0..rounds {
        for contestant in &mut contestants {
            contestant.measure(time, true)?;
        }
    }
    title(&format!(
        "HTTP, a JSON route, {CONNECTIONS} connections, the server on one processor, {rounds} rounds of {time:?}"
    ));
    for contestant in &contestants {
        row(&format!("{}: requests/s", contestant.name), &contestant.per_second, Target::None);
        row(&format!("{}: CPU µs/request", contestant.name), &contestant.processor, Target::None);
    }
    let [raw, by_hand, everything, silent] = &contestants;
    let compare = |own: &Contestant, other: &Contestant, per_second, processor| {
        row(
            &format!("{} / {}: requests/s", own.name, other.name),
            &own.per_second.ratio(&other.per_second),
            per_second,
        );
        row(&format!("{} / {}: CPU", own.name, other.name), &own.processor.ratio(&other.processor), processor);
    };
    compare(by_hand, raw, Target::None, Target::None);
    compare(everything, raw, Target::AtLeast(0.90), Target::AtMost(1.12));
    compare(silent, raw, Target::AtLeast(0.97), Target::None);
    compare(everything, by_hand, Target::AtLeast(1.2), Target::AtMost(0.78));
    Ok(())
}
