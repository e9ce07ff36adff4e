//! What holds everywhere in the code, whoever writes it: the directions of dependencies, and names.
//!
//! Reads the sources as text, without their comments and tests. A violation is reported with its place, all at once.

use std::{
    fs,
    path::{Path, PathBuf},
};

#[test]
fn the_core_never_names_a_resource() {
    let core = ["lifecycle", "resource", "supervision", "settings", "tasks"];
    let files = core.iter().flat_map(|folder| runtime(folder));
    report(files.flat_map(|file| file.lines_with(&["resources::", "mod resources"])));
}

#[test]
fn a_resource_never_imports_another() {
    let mut found = Vec::new();
    let names = folders(&root().join("chassis/src/resources"));
    for name in &names {
        let others: Vec<String> = names.iter().filter(|other| *other != name).cloned().collect();
        for file in runtime(&format!("resources/{name}")) {
            let crossings = others.iter().flat_map(|other| {
                [format!("resources::{other}::"), format!("super::super::{other}::"), format!("super::{other}::")]
            });
            let crossings: Vec<String> = crossings.collect();
            found.extend(file.lines_with(&crossings.iter().map(String::as_str).collect::<Vec<_>>()));
        }
    }
    report(found);
}

#[test]
fn decisions_are_pure() {
    let impure = [
        "std::fs",
        "std::net",
        "std::thread",
        "std::process",
        "std::env",
        "tokio::",
        "Instant::now",
        "SystemTime::now",
        "spawn(",
        "println!",
        "File::",
        "fastrand::u",
        "fastrand::f",
        "async fn",
    ];
    let is_decision = |file: &&Source| {
        let decisions = ["graph.rs", "state.rs", "policy.rs", "backoff.rs", "circuit_breaker.rs"];
        let in_core = ["lifecycle/", "resource/", "supervision/"].iter().any(|folder| file.is_under(folder));
        in_core && decisions.iter().any(|name| file.path.ends_with(name)) || file.is_under("logging/format/")
    };
    let files = runtime("");
    let found = files.iter().filter(is_decision).flat_map(|file| file.lines_with(&impure));
    // A moment is a value; reading the clock is not.
    report(found.filter(|line| !line.ends_with("use tokio::time::Instant;")));
}

#[test]
fn one_place_spawns() {
    let spawning = ["tokio::spawn", "task::spawn", "thread::spawn", "thread::Builder", "spawn_blocking", "spawn_local"];
    let files = runtime("");
    let elsewhere = files.iter().filter(|file| !file.path.ends_with("tasks/spawn.rs"));
    report(elsewhere.flat_map(|file| file.lines_with(&spawning)));
}

#[test]
fn macros_have_no_behaviour_of_their_own() {
    let expansions = sources(&root().join("chassis-macros/src"));
    // What runs is in the runtime; an expansion lists and calls. Nor does it need what the expansion may not use.
    let behaviour = ["::tokio::", "::std::thread", "::std::sync::", "::std::time::Instant", "unsafe {", "static mut"];
    report(expansions.iter().flat_map(|file| file.lines_with(&behaviour)));
    let manifest = read(&root().join("chassis-macros/Cargo.toml"));
    let heavy = ["tokio", "chassis.workspace", "inventory", "linkme", "ctor"];
    let dependencies = manifest.split("[dev-dependencies]").next().unwrap_or_default();
    report(
        heavy
            .iter()
            .filter(|name| dependencies.contains(&format!("\n{name}")))
            .map(|name| format!("chassis-macros depends on {name}")),
    );
}

#[test]
fn every_resource_is_the_same_folder() {
    let resources = root().join("chassis/src/resources");
    let expected = ["mod.rs", "resource.rs", "settings.rs"];
    let missing = folders(&resources).into_iter().flat_map(|name| {
        let folder = resources.join(&name);
        expected.map(|file| folder.join(file)).into_iter().filter(|file| !file.is_file()).map(|file| shown(&file))
    });
    report(missing.map(|file| format!("{file}: every resource has this file")));
}

#[test]
fn every_resource_is_a_feature_of_its_name() {
    let manifest = read(&root().join("chassis/Cargo.toml"));
    // What is kept in etcd is one feature: it is small beside the client.
    let is_by_itself = |name: &String| !["registry", "discovery"].contains(&name.as_str());
    let without = folders(&root().join("chassis/src/resources"))
        .into_iter()
        .filter(is_by_itself)
        .map(|name| name.replace('_', "-"))
        .filter(|feature| !manifest.contains(&format!("\n{feature} = [")));
    report(without.map(|feature| format!("chassis/Cargo.toml: no feature `{feature}`")));
}

#[test]
fn files_say_what_they_are_about() {
    let silent = all_sources().into_iter().filter(|file| !file.is_test() && !file.text.starts_with("//!"));
    report(silent.map(|file| format!("{}: the first line is no `//!`", file.path)));
}

#[test]
fn names_are_nouns_with_a_meaning() {
    let empty_words =
        ["util", "utils", "common", "manager", "misc", "helper", "helpers", "base", "shared", "types", "impls"];
    let named = all_sources().into_iter().filter(|file| {
        let path = file.path.trim_end_matches(".rs");
        path.split('/').any(|part| empty_words.contains(&part))
    });
    report(named.map(|file| format!("{}: the name does not say what it is about", file.path)));
}

#[test]
fn globs_are_imported_only_into_tests() {
    let sources = all_sources().into_iter().filter(|file| !file.is_test());
    let globs = sources.flat_map(|file| file.lines_with(&["use "]));
    let globs = globs.filter(|line| line.ends_with("::*;") && !line.ends_with("prelude::*;"));
    report(globs);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not report itself.
    let marks = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat()];
    let found = all_sources().into_iter().flat_map(|file| {
        let marked =
            file.text.lines().enumerate().filter(|(_, line)| marks.iter().any(|mark| line.contains(mark.as_str())));
        marked.map(|(index, line)| format!("{}:{}: {}", file.path, index + 1, line.trim())).collect::<Vec<_>>()
    });
    report(found);
}

#[test]
fn every_example_is_run_by_a_test() {
    let tests = all_sources().into_iter().filter(|file| file.path.starts_with("tests/"));
    let tests: String = tests.map(|file| file.text).collect();
    let examples = root().join("examples");
    let names = folders(&examples).into_iter().filter(|name| examples.join(name).join("main.rs").is_file());
    let idle = names.filter(|name| !tests.contains(&format!("example(\"{name}\")")));
    report(idle.map(|name| format!("examples/{name}: no test calls `Program::example(\"{name}\")`")));
}

/// A source file as its rules see it.
struct Source {
    /// From the root of the workspace on, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Whether it is the tests of another file, or an input of the UI tests.
    fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || ["tests/ui/", "tests/ui_etcd/", "tests/ui_without_etcd/", "tests/ui_kafka/"]
                .iter()
                .any(|cases| self.path.starts_with(cases))
    }

    /// Whether it belongs to that folder of the runtime.
    fn is_under(&self, folder: &str) -> bool {
        self.path.strip_prefix("chassis/src/").is_some_and(|path| path.starts_with(folder))
    }

    /// `path:line: text` of the lines of code that contain any of `needles`.
    fn lines_with(&self, needles: &[&str]) -> Vec<String> {
        let hits = code(&self.text).filter(|(_, line)| needles.iter().any(|needle| line.contains(needle)));
        hits.map(|(number, line)| format!("{}:{number}: {}", self.path, line.trim())).collect()
    }
}

/// Numbered lines up to the file's tests, without comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let before_tests =
        numbered.take_while(|(_, line)| !line.starts_with("#[cfg(test)]") && !line.starts_with("#[cfg(all(test"));
    before_tests.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Sources of the runtime in `folder` (or the file of that name), those of tests left out.
fn runtime(folder: &str) -> Vec<Source> {
    let prefix = format!("chassis/src/{folder}");
    let is_inside = |file: &Source| {
        let rest = file.path.strip_prefix(&prefix);
        rest.is_some_and(|rest| folder.is_empty() || rest.starts_with('/') || rest == ".rs")
    };
    sources(&root().join("chassis/src")).into_iter().filter(|file| is_inside(file) && !file.is_test()).collect()
}

fn all_sources() -> Vec<Source> {
    let folders = ["chassis", "chassis-macros", "examples", "tests", "xtask"];
    folders.iter().flat_map(|folder| sources(&root().join(folder))).collect()
}

fn sources(folder: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for path in children(&folder) {
            let is_product = path.file_name().is_some_and(|name| name == "target");
            if path.is_dir() && !is_product {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(Source { path: shown(&path), text: read(&path) });
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn folders(parent: &Path) -> Vec<String> {
    let folders = children(parent).into_iter().filter(|path| path.is_dir());
    folders.filter_map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned())).collect()
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn report(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
