#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::{
    LevelOption,
    arguments::{GraphFormat, Show, Task, parse},
};
use crate::{Blueprint, Parts, Result};

#[derive(Debug, PartialEq, clap::Args)]
struct OwnArgs {
    /// What is imported.
    #[arg(long, required = true)]
    import: Vec<String>,
}

struct Orders;

impl crate::Microservice for Orders {
    const NAME: &'static str = "orders";
    const VERSION: &'static str = "1.2.3";
    const ABOUT: &'static str = "Keeps orders.";

    type Args = OwnArgs;

    fn build(_: &mut Parts<'_>) -> Result<Self> {
        Ok(Self)
    }

    fn blueprint(_: &mut Blueprint<Self>) {}
}

fn line(line: &str) -> Result<super::Arguments<OwnArgs>, clap::Error> {
    parse::<Orders>(["orders"].into_iter().chain(line.split_whitespace()).map(Into::into))
}

#[test]
fn run_is_what_happens_without_a_command() {
    for words in ["--import a --set x=1", "run --import a --set x=1", "--set x=1 run --import a"] {
        let arguments = line(words).unwrap();
        assert!(matches!(&arguments.task, Task::Run(own) if own.import == ["a"]), "{words}: {arguments:?}");
        assert_eq!(arguments.values, ["x=1"], "{words}");
    }
}

#[test]
fn what_comes_later_wins_over_what_comes_before() {
    let arguments =
        line("--settings a.yml --log-level info run --import a --settings b.yml --log-level debug").unwrap();
    assert_eq!(arguments.files, [std::path::Path::new("a.yml"), std::path::Path::new("b.yml")]);
    assert_eq!(arguments.log_level.as_deref(), Some("debug"));
}

#[test]
fn other_commands_do_not_ask_for_what_run_insists_on() {
    assert!(matches!(line("check --set x=1").unwrap().task, Task::Check));
    for (words, show) in [
        ("settings", Show::Values),
        ("settings show", Show::Values),
        ("settings schema", Show::Schema),
        ("settings sample", Show::Sample),
        ("settings reference", Show::Reference),
    ] {
        assert!(matches!(line(words).unwrap().task, Task::Settings(shown) if shown == show), "{words}");
    }
    assert_eq!(line("settings --set a=1 show --set b=2").unwrap().values, ["a=1", "b=2"]);
    for words in ["check --log-level debug", "settings --log-level debug", "settings show --log-level debug"] {
        assert_eq!(line(words).unwrap().log_level.as_deref(), Some("debug"), "{words}");
    }
    assert!(matches!(line("graph").unwrap().task, Task::Graph(GraphFormat::Dot)));
    assert!(matches!(line("graph --format mermaid").unwrap().task, Task::Graph(GraphFormat::Mermaid)));
}

#[test]
fn what_is_not_understood_is_an_error() {
    for words in [
        "",
        "--nonsense",
        "run",
        "check --import a",
        "frobnicate",
        "graph --format png",
        "help",
        "settings diff",
        "settings diff a.yml --etcd",
        "settings push",
        "settings explain",
    ] {
        let error = line(words).unwrap_err();
        assert_ne!(error.exit_code(), 0, "{words}");
    }
    let error = line("--import a check").unwrap_err().to_string();
    assert!(error.contains("`--import` means nothing before `check`; it belongs to `run`"), "{error}");
}

#[test]
fn a_level_that_is_none_is_told_in_one_line() {
    let arguments = line("--import a --log-level loud").unwrap();
    let told = LevelOption::parse(&arguments.log_level.unwrap()).unwrap_err();
    assert_eq!(told, "`--log-level`: expected off, error, warn, info, debug or trace, found `loud`");
    assert!(LevelOption::parse("WARN").is_ok());
}
