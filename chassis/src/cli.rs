//! The service's own command line.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};

use crate::{
    Microservice,
    settings::{
        Source,
        source::{Cli as Values, Env, File},
    },
};

/// The exit code of a command line that is not understood.
const USAGE: u8 = 64;

/// What every service understands, and the service's own arguments.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
struct Cli<A: Args> {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    own: A,
}

/// No arguments besides those of every service.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct NoArgs {}

/// Where settings come from besides the environment.
#[derive(Debug, Clone, Default, Args)]
struct SourceArgs {
    /// Reads settings from a YAML, TOML or JSON file; later files win.
    #[arg(long = "settings", value_name = "FILE", global = true)]
    files: Vec<PathBuf>,
    /// Sets one value, by its path below `system`.
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    values: Vec<String>,
    /// Logs from this level on: trace, debug, info, warn or error.
    #[arg(long, value_name = "LEVEL", global = true)]
    log_level: Option<String>,
}

/// What the program can do.
#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Runs the service; the default.
    Run,
}

/// What the command line asks for.
pub(crate) enum Action<S: Microservice> {
    /// Everything is said; end with this code.
    Exit(u8),
    /// Run the service.
    Run {
        /// The settings, lowest first.
        sources: Vec<Box<dyn Source>>,
        /// The service's own arguments.
        args: S::Args,
    },
}

/// Reads the command line of the process.
pub(crate) fn parse<S: Microservice>() -> Action<S> {
    let mut command = Cli::<S::Args>::command().name(S::NAME).version(S::VERSION);
    if !S::ABOUT.is_empty() {
        command = command.about(S::ABOUT);
    }
    let parsed = command.try_get_matches().and_then(|matches| Cli::<S::Args>::from_arg_matches(&matches));
    let Cli { command, sources, own } = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let is_asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return Action::Exit(if is_asked { 0 } else { USAGE });
        }
    };
    match command.unwrap_or(Command::Run) {
        Command::Run => Action::Run { sources: sources.into_sources(), args: own },
    }
}

impl SourceArgs {
    /// The sources in their order: files of the environment, files of the command line, environment, `--set`.
    fn into_sources(self) -> Vec<Box<dyn Source>> {
        let mut sources: Vec<Box<dyn Source>> = Vec::new();
        for file in File::of_environment() {
            sources.push(Box::new(file));
        }
        for path in self.files {
            sources.push(Box::new(File::new(path)));
        }
        sources.push(Box::new(Env::from_process()));
        let _ = self.log_level;
        sources.push(Box::new(Values::new(self.values)));
        sources
    }
}
