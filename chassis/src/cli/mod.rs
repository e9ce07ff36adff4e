//! The service's own command line: `run`, `check`, `settings`, `graph`.
//!
//! Results go to standard output, everything else to standard error.

mod arguments;
mod check;
mod diff;
mod explain;
mod graph;
mod log_level;
#[cfg(feature = "etcd")]
mod pull;
#[cfg(feature = "etcd")]
mod push;
mod settings;
#[cfg(not(feature = "etcd"))]
mod without_etcd;

use std::{ffi::OsString, io::Write, path::PathBuf};

use clap::{Args, error::ErrorKind};

#[cfg(not(feature = "etcd"))]
use self::without_etcd::{self as pull, self as push};
use self::{
    arguments::{Arguments, Task, Tool},
    log_level::LevelOption,
};
use crate::{
    Error, Microservice,
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
    let Arguments { task, files, values, log_level } = arguments;
    let level = match log_level.as_deref().map(LevelOption::parse).transpose() {
        Ok(level) => level,
        Err(what) => {
            complain(&what);
            return Action::Exit(USAGE);
        }
    };
    let given = Given { files, values, level };
    match task {
        Task::Run(args) => Action::Run { sources: given.sources(), args },
        Task::Check => Action::Command(Box::new(move || check::check::<S>(given.sources()))),
        Task::Settings(show) => Action::Command(Box::new(move || settings::settings::<S>(show, &given.sources()))),
        Task::Tool(tool) => Action::Command(Box::new(move || use_tool::<S>(&tool, &given))),
        Task::Graph(format) => Action::Command(Box::new(move || graph::graph::<S>(format))),
    }
}

fn use_tool<S: Microservice>(tool: &Tool, given: &Given) -> u8 {
    match tool {
        Tool::Explain(asked) => explain::explain::<S>(asked, &given.sources()),
        Tool::Diff(asked) => diff::diff::<S>(asked, given),
        Tool::Push(asked) => push::push::<S>(asked, given),
        Tool::Pull(asked) => pull::pull::<S>(asked),
    }
}

/// Where settings come from, as the command line says it.
struct Given {
    files: Vec<PathBuf>,
    values: Vec<String>,
    level: Option<LevelOption>,
}

impl Given {
    /// The sources in their order: files of the environment and of the command line, etcd, the environment, `--set`.
    fn sources(&self) -> Vec<Box<dyn Source>> {
        self.sources_with(etcd_of_environment())
    }

    /// The same with something else in etcd's place.
    fn sources_with(&self, etcd: Option<Box<dyn Source>>) -> Vec<Box<dyn Source>> {
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        for file in File::of_environment() {
            sources.push(Box::new(file));
        }
        for path in &self.files {
            sources.push(Box::new(File::new(path)));
        }
        sources.extend(etcd);
        sources.push(Box::new(Env::from_process()));
        sources.push(Box::new(Values::new(&self.values)));
        if let Some(level) = self.level {
            sources.push(Box::new(level));
        }
        sources
    }
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

/// Says what is wrong in one report; the exit code.
fn refuse(error: &Error) -> u8 {
    complain(&format!("{error:#}"));
    error.cause().exit_code()
}

/// Prints what is wrong.
fn complain(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests;
