//! What the workspace is made of: licences, banned crates, crates in two versions.
//!
//! The rules are those of `deny.toml`, which is also what `cargo deny check` reads; installing that takes longer than
//! all the tests, so the part of it that matters from day to day is checked here, from `cargo tree`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{step::Step, workspace};

/// Checks every crate that a build for this machine would contain.
///
/// # Errors
///
/// All violations, one a line.
pub(crate) fn check() -> Result<(), String> {
    let path = workspace::root().join("deny.toml");
    let rules = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let tree = Step::cargo(
        "dependencies",
        "tree --workspace --exclude benches --all-features --edges normal,build,dev --prefix depth",
    )
    .words("--locked --quiet --format {p}|{l}")
    .run_quietly()?;
    let problems = violations(&tree, &Rules::read(&rules));
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\nxtask: ")) }
}

struct Rules {
    licences: BTreeSet<String>,
    /// With those who may depend on them all the same.
    banned: BTreeMap<String, BTreeSet<String>>,
    /// Crates that may be there in several versions.
    doubled: BTreeSet<String>,
}

impl Rules {
    fn read(text: &str) -> Self {
        let banned = lines(text, "deny").filter_map(|line| {
            let (_, wrappers) = line.split_once("wrappers = [").unwrap_or_default();
            let wrappers = wrappers.split(']').next().unwrap_or_default().split('"').skip(1).step_by(2);
            Some((first(line)?, wrappers.map(str::to_owned).collect()))
        });
        Rules { licences: list(text, "allow"), banned: banned.collect(), doubled: list(text, "skip") }
    }
}

/// The first string of each line of the list `key = [`, comments aside.
fn list(text: &str, key: &str) -> BTreeSet<String> {
    lines(text, key).filter_map(first).collect()
}

/// The lines of the list `key = [`, comments aside.
fn lines<'a>(text: &'a str, key: &str) -> impl Iterator<Item = &'a str> {
    let head = format!("{key} = [");
    let inside = text.lines().skip_while(move |line| *line != head).skip(1).take_while(|line| *line != "]");
    inside.filter(|line| !line.trim_start().starts_with('#'))
}

fn first(line: &str) -> Option<String> {
    line.split('"').nth(1).map(str::to_owned)
}

/// `tree` has a line `name vX.Y.Z (source)|licence` per crate, after its depth below those who depend on it, with
/// repetitions that end in ` (*)`.
fn violations(tree: &str, rules: &Rules) -> Vec<String> {
    let mut problems = BTreeSet::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut above: Vec<&str> = Vec::new();
    for line in tree.lines() {
        let digits = line.find(|character: char| !character.is_ascii_digit()).unwrap_or_default();
        let (depth, line) = line.split_at(digits);
        let (package, licence) = line.split_once('|').unwrap_or((line, ""));
        let licence = licence.trim_end_matches(" (*)");
        let mut words = package.split_whitespace();
        let (Some(name), Some(version)) = (words.next(), words.next()) else { continue };
        versions.entry(name).or_default().insert(version);
        above.truncate(depth.parse().unwrap_or_default());
        let user = above.last().copied().unwrap_or_default();
        above.push(name);
        if !is_allowed(licence, &rules.licences) {
            problems
                .insert(format!("`{name}` {version} has the licence `{licence}`, which `deny.toml` does not allow"));
        }
        if rules.banned.get(name).is_some_and(|wrappers| !wrappers.contains(user)) {
            problems.insert(format!("`{name}` is banned in `deny.toml`; `cargo tree -i {name}` says who needs it"));
        }
    }
    for (name, versions) in versions {
        if versions.len() > 1 && !rules.doubled.contains(name) {
            let versions: Vec<_> = versions.into_iter().collect();
            problems.insert(format!("`{name}` is there in several versions: {}", versions.join(", ")));
        }
    }
    problems.into_iter().collect()
}

/// Understands what SPDX expressions on crates.io look like: `A OR B`, `A AND B`, `A/B`, parentheses, `WITH`.
fn is_allowed(licence: &str, allowed: &BTreeSet<String>) -> bool {
    let licence = licence.replace('/', " OR ");
    // `(A OR B) AND C` is split at AND first, then each part needs one allowed alternative.
    licence
        .split(" AND ")
        .all(|part| part.split(" OR ").any(|one| allowed.contains(one.trim().trim_matches(['(', ')']).trim())))
}

#[cfg(test)]
mod tests {
    use super::{Rules, is_allowed, violations};

    const DENY: &str = "allow = [\n    \"MIT\",\n    # \"GPL-3.0\",\n    \"Unicode-3.0\",\n]\ndeny = [\n    { crate = \"bad\" },\n    { crate = \"old\", wrappers = [\"one\", \"other\"] },\n]\nskip = [\n    \"syn\",\n]\n";

    /// `deny.toml` writes `{ crate = "x", reason = "…" }`; the first string of the line is the name.
    fn problems(tree: &str) -> Vec<String> {
        violations(tree, &Rules::read(DENY))
    }

    #[test]
    fn an_allowed_tree_has_no_violations() {
        assert!(
            problems("a v1.0.0|MIT OR Apache-2.0\nsyn v2.0.0|MIT\nsyn v3.0.0 (proc-macro)|MIT\na v1.0.0|MIT (*)\n")
                .is_empty()
        );
    }

    #[test]
    fn licence_ban_and_double_are_all_reported() {
        let found = problems("a v1.0.0|GPL-3.0\nbad v1.0.0|MIT\nb v1.0.0|MIT\nb v2.0.0|MIT\n");
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn who_may_depend_on_a_banned_crate_does() {
        let tree = "0a v1.0.0|MIT\n1one v1.0.0|MIT\n2old v1.0.0|MIT\n1other v1.0.0|MIT\n2old v1.0.0|MIT (*)\n";
        assert!(problems(tree).is_empty(), "{:?}", problems(tree));
        assert_eq!(problems("0a v1.0.0|MIT\n1one v1.0.0|MIT\n1old v1.0.0|MIT\n").len(), 1);
        assert_eq!(problems("0a v1.0.0|MIT\n1one v1.0.0|MIT\n2bad v1.0.0|MIT\n").len(), 1);
    }

    #[test]
    fn both_sides_of_an_and_must_be_allowed() {
        let allowed = Rules::read(DENY).licences;
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0", &allowed));
        assert!(is_allowed("Apache-2.0/MIT", &allowed));
        assert!(!is_allowed("MIT AND GPL-3.0", &allowed));
        assert!(!is_allowed("", &allowed));
    }
}
