//! `cargo xtask bench`: how fast and how small, each figure beside what it is held against, in one run.

mod compile;
mod http;
mod load;
mod program;
mod resources;
mod sample;
mod startup;
mod stop;
mod timers;

use std::{error::Error, process::ExitCode, time::Duration};

fn main() -> ExitCode {
    let groups: Vec<String> = std::env::args().skip(1).collect();
    match run(&groups) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the groups that were named, or all.
fn run(groups: &[String]) -> Result<(), Box<dyn Error>> {
    let is_wanted = |group: &str| groups.is_empty() || groups.iter().any(|wanted| wanted == group);
    if is_wanted("http") {
        http::compare(30, Duration::from_millis(300))?;
    }
    if is_wanted("start") {
        startup::compare(30)?;
    }
    if is_wanted("stop") {
        stop::measure(10)?;
    }
    if is_wanted("resources") {
        resources::measure(5)?;
    }
    if is_wanted("timers") {
        timers::compare(3, 5)?;
    }
    if is_wanted("compile") {
        compile::compare(3)?;
    }
    Ok(())
}
