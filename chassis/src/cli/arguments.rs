//! What may stand on a service's command line.
//!
//! Options of where settings come from stand before or after the command; the service's own arguments belong to `run`,
//! with or without that word.

use std::{ffi::OsString, path::PathBuf};

use clap::{ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum, error::ErrorKind, parser::ValueSource};

use crate::Microservice;

/// What the command line asks for.
#[derive(Debug)]
pub(super) struct Arguments<A> {
    pub(super) task: Task<A>,
    pub(super) files: Vec<PathBuf>,
    pub(super) values: Vec<String>,
    pub(super) log_level: Option<String>,
}

/// What the program is to do.
#[derive(Debug)]
pub(super) enum Task<A> {
    Run(A),
    Check,
    Settings(Show),
    Tool(Tool),
    Graph(GraphFormat),
}

/// What to show of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    Values,
    Schema,
    Sample,
    Reference,
}

/// What to do with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tool {
    Explain(Explain),
    Diff(Diff),
    Push(Push),
    Pull(Pull),
}

/// What the settings in effect are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Diff {
    /// A settings file.
    #[arg(value_name = "FILE", required_unless_present = "etcd")]
    pub(super) file: Option<PathBuf>,
    /// The tree in etcd, which is then no source of what is in effect.
    #[arg(long, conflicts_with = "file")]
    pub(super) etcd: bool,
}

/// What is to be written to etcd.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Push {
    /// The settings file to write to etcd.
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Say what would be written, and write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Delete every key of the tree that the file does not have, those of other services, too.
    #[arg(long)]
    pub(super) prune: bool,
}

/// What is to be read from etcd.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Pull {
    /// Write the tree to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Show secrets; a file is then for its owner alone (mode 0600).
    #[arg(long)]
    pub(super) with_secrets: bool,
}

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub(super) struct Explain {
    /// The path of a key or section, such as `resources.http.port`.
    #[arg(value_name = "KEY")]
    pub(super) key: String,
    /// Print it as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// The language of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GraphFormat {
    /// Graphviz.
    Dot,
    /// A picture.
    Svg,
    /// Mermaid, which many viewers of Markdown draw.
    Mermaid,
}

/// Where settings come from besides the environment.
#[derive(Debug, Clone, Default, Args)]
struct Sources {
    /// Read settings from a YAML, TOML or JSON file; later files win.
    #[arg(long = "settings", value_name = "FILE", action = ArgAction::Append)]
    files: Vec<PathBuf>,
    /// Set one value by its path below `system`, such as `resources.http.port=9090`.
    #[arg(long = "set", value_name = "KEY=VALUE", action = ArgAction::Append)]
    values: Vec<String>,
}

/// How much is logged.
#[derive(Debug, Clone, Default, Args)]
struct Level {
    /// Log from this level on: error, warn, info, debug, trace, or off.
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// The format of a graph.
#[derive(Debug, Clone, Args)]
struct Format {
    /// The language to print it in.
    #[arg(long, value_enum, default_value_t = GraphFormat::Dot)]
    format: GraphFormat,
}

/// Understands a command line, the program's name included.
///
/// # Errors
/// What is wrong with it, or the help or version that was asked for.
pub(super) fn parse<S: Microservice>(
    line: impl IntoIterator<Item = OsString>,
) -> Result<Arguments<S::Args>, clap::Error> {
    let mut command = command::<S>();
    let matches = command.try_get_matches_from_mut(line)?;
    let mut files = Vec::new();
    let mut values = Vec::new();
    let mut log_level = None;
    let mut level = Some(&matches);
    // Those of a command come after, and so win over, those before it.
    while let Some(matches) = level {
        if matches.try_contains_id("files").is_ok() {
            let sources = Sources::from_arg_matches(matches)?;
            files.extend(sources.files);
            values.extend(sources.values);
        }
        if let Ok(Some(told)) = matches.try_get_one::<String>("log_level") {
            log_level = Some(told.clone());
        }
        level = matches.subcommand().map(|(_, matches)| matches);
    }
    let task = match matches.subcommand() {
        None => Task::Run(S::Args::from_arg_matches(&matches)?),
        Some((name, inner)) => {
            refuse_own_before::<S>(name, &matches, &mut command)?;
            match name {
                "check" => Task::Check,
                "settings" => settings(inner)?,
                "graph" => Task::Graph(Format::from_arg_matches(inner)?.format),
                _ => Task::Run(S::Args::from_arg_matches(inner)?),
            }
        }
    };
    Ok(Arguments { task, files, values, log_level })
}

/// What is asked of the settings.
fn settings<A>(matches: &ArgMatches) -> Result<Task<A>, clap::Error> {
    Ok(match matches.subcommand() {
        Some(("schema", _)) => Task::Settings(Show::Schema),
        Some(("sample", _)) => Task::Settings(Show::Sample),
        Some(("reference", _)) => Task::Settings(Show::Reference),
        Some(("explain", inner)) => Task::Tool(Tool::Explain(Explain::from_arg_matches(inner)?)),
        Some(("diff", inner)) => Task::Tool(Tool::Diff(Diff::from_arg_matches(inner)?)),
        Some(("push", inner)) => Task::Tool(Tool::Push(Push::from_arg_matches(inner)?)),
        Some(("pull", inner)) => Task::Tool(Tool::Pull(Pull::from_arg_matches(inner)?)),
        _ => Task::Settings(Show::Values),
    })
}

fn command<S: Microservice>() -> Command {
    let common = |command| Level::augment_args(Sources::augment_args(command));
    let own = |command| S::Args::augment_args(common(command));
    let named = Command::new;
    // What arguments say of themselves is no description of a command, so descriptions come last.
    let run = own(named("run")).about("Run the service; what happens without a command");
    let check = common(named("check")).about("Check the settings against this program, and start nothing");
    let show =
        common(named("show")).about("Print the settings in effect with their origins; what happens without a word");
    let schema = named("schema").about("Print the JSON Schema of all settings");
    let sample = named("sample").about("Print a settings file with every key, its default and what it is for");
    let reference = named("reference").about("Print tables of all keys in Markdown");
    let explain = Explain::augment_args(common(named("explain")))
        .about("Print all there is to know of one key: its value, who sets it, type, default, how it changes");
    let diff = Diff::augment_args(common(named("diff")))
        .about("Print what is in effect other than in a file or in etcd")
        .after_help("Exits with 0 where both are the same to this service, with 1 where they differ.");
    let push = Push::augment_args(common(named("push")))
        .about("Check a file against this program, and write it to etcd")
        .after_help(
            "Nothing is written unless the service could start with the tree as it will be, together with the other \
             files, the environment and `--set` of this command line. Keys that the file does not have stay. Writes in \
             one transaction, or, where there are more than 128 keys, in several; the key that `CHASSIS_ETCD_CHECK_KEY` \
             names is written last.",
        );
    let pull = Pull::augment_args(common(named("pull"))).about("Print the tree in etcd as a settings file in YAML");
    let settings = common(named("settings"))
        .about("Look at settings: in effect, explained, compared, as schema or sample; and write them to etcd")
        .disable_help_subcommand(true)
        .subcommands(
            [show, explain, diff, schema, sample, reference, push, pull].map(|command| command.long_about(None)),
        );
    let graph = Format::augment_args(named("graph")).about("Print the resources and what each is started after");
    own(named(S::NAME))
        .version(S::VERSION)
        .about((!S::ABOUT.is_empty()).then_some(S::ABOUT))
        // Other commands do not ask for what `run` insists on.
        .subcommand_negates_reqs(true)
        .disable_help_subcommand(true)
        .subcommands([run, check, settings, graph].map(|command| command.long_about(None)))
        .long_about(None)
}

/// The service's own arguments before a command would mean nothing.
fn refuse_own_before<S: Microservice>(
    name: &str,
    matches: &ArgMatches,
    command: &mut Command,
) -> Result<(), clap::Error> {
    let own = S::Args::augment_args(Command::new("own"));
    let is_told = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let Some(told) = own.get_arguments().map(|own| own.get_id().as_str()).find(|id| is_told(id)) else {
        return Ok(());
    };
    let what = match own.get_arguments().find(|own| own.get_id() == told).and_then(|own| own.get_long()) {
        Some(long) => format!("`--{long}`"),
        None => format!("`{told}`"),
    };
    let advice = if name == "run" { "put it after `run`" } else { "it belongs to `run`" };
    Err(command.error(ErrorKind::ArgumentConflict, format!("{what} means nothing before `{name}`; {advice}")))
}
