//! Settings from sources to structs, as the parts of a service see them.

#[cfg(feature = "yaml")]
mod anything;
mod live;
mod merging;
mod reading;
mod shown;

use serde_json::json;

use super::*;

/// The tree of the service `orders` from these sources, and what is wrong with them.
fn tree(sources: Vec<Box<dyn Source>>) -> (Tree, Problems) {
    let mut problems = Problems::new();
    let tree = Tree::merge(&sources, "orders", &mut problems);
    (tree, problems)
}

fn dict(settings: serde_json::Value) -> Box<dyn Source> {
    Box::new(Dict::from(settings))
}

fn env<const N: usize>(variables: [(&str, &str); N]) -> Box<dyn Source> {
    Box::new(Env::from_variables(variables))
}

fn cli<const N: usize>(settings: [&str; N]) -> Box<dyn Source> {
    Box::new(Cli::new(settings))
}

/// Each problem in one line.
fn told(problems: &Problems) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Reads a struct from a map given in code, and tells every problem.
fn read<T: SettingsSchema>(settings: serde_json::Value) -> Result<T, Vec<String>> {
    let (tree, mut problems) = tree(vec![dict(json!({ "section": settings }))]);
    tree.section("section").read(&[], &mut problems).ok_or_else(|| told(&problems))
}

/// Reads a struct from settings of the command line.
fn read_raw<T: SettingsSchema, const N: usize>(settings: [&str; N]) -> Result<T, Vec<String>> {
    let (tree, mut problems) = tree(vec![cli(settings)]);
    tree.section("section").read(&[], &mut problems).ok_or_else(|| told(&problems))
}
