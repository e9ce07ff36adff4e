//! The service's own command line: `run`, `check`, `settings`, `graph`.
//!
//! Results go to standard output, everything else to standard error.

mod arguments;
mod check;
mod explain;
mod graph;
mod log_level;
mod settings;

use std::{ffi::OsString, io::Write};

use clap::{Args, error::ErrorKind};

use self::arguments::{Arguments, Task, Tool};
use crate::{
    Microservice,
    settings::{
        Source,
        source::{Cli as Values, Env, File, etcd_of_environment},
    },
};

/// The exit code of a command line that is not understood.
const USAGE: u8 = 64;

/// No arguments besides those of every service.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct NoArgs {}

/// What is left to do after the command line was read.
pub(crate) enum Action<S: Microservice> {
    /// Nothing: end with this code.
    Exit(u8),
    /// Print something, and end with the code that this gives.
    Command(Box<dyn FnOnce() -> u8>),
    /// Run the service.
    Run {
        /// The settings, lowest first.
        sources: Vec<Box<dyn Source>>,
        /// The service's own arguments.
        args: S::Args,
    },
}

/// What the command line of the process asks for.
pub(crate) fn act<S: Microservice>() -> Action<S> {
    act_on::<S>(std::env::args_os())
}

fn act_on<S: Microservice>(line: impl IntoIterator<Item = OsString>) -> Action<S> {
    let arguments = match arguments::parse::<S>(line) {
        Ok(arguments) => arguments,
        Err(error) => return Action::Exit(explain(&error)),
    };
    let sources = match sources(&arguments) {
        Ok(sources) => sources,
        Err(what) => {
            complain(&what);
            return Action::Exit(USAGE);
        }
    };
    match arguments.task {
        Task::Run(args) => Action::Run { sources, args },
        Task::Check => Action::Command(Box::new(|| check::check::<S>(sources))),
        Task::Settings(show) => Action::Command(Box::new(move || settings::settings::<S>(show, &sources))),
        Task::Tool(Tool::Explain(asked)) => Action::Command(Box::new(move || explain::explain::<S>(&asked, &sources))),
        Task::Graph(format) => Action::Command(Box::new(move || graph::graph::<S>(format))),
    }
}

/// The sources in their order: files of the environment and of the command line, etcd, the environment, `--set`.
fn sources<A>(arguments: &Arguments<A>) -> Result<Vec<Box<dyn Source>>, String> {
    let level = arguments.level()?;
    let mut sources: Vec<Box<dyn Source>> = Vec::new();
    for file in File::of_environment() {
        sources.push(Box::new(file));
    }
    for path in &arguments.files {
        sources.push(Box::new(File::new(path)));
    }
    sources.extend(etcd_of_environment());
    sources.push(Box::new(Env::from_process()));
    sources.push(Box::new(Values::new(&arguments.values)));
    if let Some(level) = level {
        sources.push(Box::new(level));
    }
    Ok(sources)
}

/// Says what was wrong with the command line, or what was asked for.
fn explain(error: &clap::Error) -> u8 {
    // A closed pipe is nothing to complain about.
    let _ = error.print();
    let is_asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if is_asked { 0 } else { USAGE }
}

/// Prints a result.
fn tell(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // Whoever closed the pipe has read enough.
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Prints what is wrong.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests;
