//! Everything that must hold before a change lands.

use std::{thread, time::Instant};

use crate::{dependencies, features, machine, step::Step, workspace};

/// How much is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What CI runs.
    Everything,
    /// Format, lints of all features, tests: for the time between two edits.
    Quick,
}

/// Runs the steps one after the other; a failure does not hide what comes after it.
///
/// # Errors
///
/// The steps that failed.
pub(crate) fn run(extent: Extent) -> Result<(), String> {
    let began = Instant::now();
    let mut problems = Vec::new();
    let mut note = |outcome: Result<(), String>| problems.extend(outcome.err());

    note(Step::cargo("format", "fmt --all --check").run());
    if extent == Extent::Everything {
        note(machine::install_programs());
        note(dependencies::check());
    }
    thread::scope(|scope| {
        // This waits for registries, and the compiler need not.
        let peers = (extent == Extent::Everything).then(|| scope.spawn(machine::install_peers));
        note(lint("lint", &format!("{} --all-targets", whole_and_apart())).run());
        if extent == Extent::Everything {
            note(lint_each_feature());
            note(documentation().run());
        }
        let installed = peers.map(|peers| peers.join().unwrap_or_else(|_| Err("the installation panicked".to_owned())));
        note(installed.unwrap_or(Ok(())));
    });
    note(tests(extent));

    let seconds = began.elapsed().as_secs();
    if problems.is_empty() {
        println!("all passed in {} min {} s", seconds / 60, seconds % 60);
        return Ok(());
    }
    Err(problems.join("\nxtask: "))
}

/// Clippy also reports what the compiler warns of; `-D warnings` after `--` leaves the dependencies alone, and so
/// every step of this chore shares their build.
fn lint(name: impl Into<String>, selection: &str) -> Step {
    Step::cargo(name, "clippy --quiet --locked").words(selection).words("-- -D warnings")
}

/// Every package, with the features that are not on by themselves because they need more than Rust.
fn whole() -> String {
    let etcd = if machine::has_protoc() { " --features chassis-tests/etcd" } else { "" };
    let kafka = if machine::has_make() { " --features chassis-tests/kafka" } else { "" };
    format!("--workspace{etcd}{kafka}")
}

/// With what nothing else of this chore builds: the benchmark beside another crate, and what only soaks.
fn whole_and_apart() -> String {
    let server = if machine::has_make() { " --features chassis-tests/kafka-server" } else { "" };
    format!("{} --features chassis-tests/zeromq{server}", whole())
}

/// Features that are linted with others: `full` is the sum of its parts, and what `kafka-ssl` says is how a library in C is
/// compiled, for which not everybody has the files of OpenSSL.
const NOT_ALONE: [&str; 2] = ["full", "kafka-ssl"];

fn lint_each_feature() -> Result<(), String> {
    lint("lint without features", "-p chassis --no-default-features").run()?;
    for feature in features::public()?.into_iter().filter(|feature| !NOT_ALONE.contains(&feature.as_str())) {
        let selection = format!("-p chassis --no-default-features --features {feature}");
        lint(format!("lint feature {feature}"), &selection).run()?;
    }
    Ok(())
}

fn documentation() -> Step {
    Step::cargo("documentation", "doc --quiet --locked --no-deps").words(&whole()).env("RUSTDOCFLAGS", "-D warnings")
}

fn tests(extent: Extent) -> Result<(), String> {
    let mut problems = Vec::new();
    // The runner builds the others beside the tests, but not one that has a test of its own.
    problems.extend(Step::cargo("examples", "build --quiet --locked --examples").words(&whole()).run().err());
    if workspace::find_program("cargo-nextest").is_some() {
        let run = with_tools(Step::cargo("tests", "nextest run --locked --no-fail-fast").words(&whole()), extent);
        problems.extend(run.words("--status-level fail --final-status-level flaky").shown().run().err());
        let doc =
            with_tools(Step::cargo("tests in documentation", "test --quiet --locked --doc").words(&whole()), extent);
        problems.extend(doc.shown().run().err());
    } else {
        let run = with_tools(Step::cargo("tests", "test --quiet --locked --no-fail-fast").words(&whole()), extent);
        problems.extend(run.shown().run().err());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\nxtask: ")) }
}

/// Tells the tests what they may rely on: `tests/tool.rs` reads it.
fn with_tools(step: Step, extent: Extent) -> Step {
    // The runner has just built every example beside the tests.
    let step = step.env("CHASSIS_TEST_EXAMPLES", "built");
    match extent {
        Extent::Everything => step
            .env("CHASSIS_TEST_TOOLS", "required")
            .env("CHASSIS_SCHEMATHESIS", machine::schemathesis())
            .env("CHASSIS_ASYNCAPI_PARSER", machine::asyncapi_parser()),
        Extent::Quick => step,
    }
}
