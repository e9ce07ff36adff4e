//! All that a service declares, in the order of the tree: whatever is asked about a path costs the same however large
//! the service is.

use std::collections::BTreeSet;

use super::{declared::Declared, path::KeyPath};

/// What is declared, sorted by path, so that what stands below a path stands together.
#[derive(Clone, Default)]
pub(crate) struct Declarations(Vec<Declared>);

impl Declarations {
    pub(crate) fn of(declared: &[Declared]) -> Self {
        let mut sorted = declared.to_vec();
        sorted.sort_by(|one, other| one.path.cmp(&other.path));
        Self(sorted)
    }

    /// The names that lead from `path` to something declared.
    pub(crate) fn names_below(&self, path: &KeyPath) -> BTreeSet<&str> {
        let depth = path.steps().len();
        let below = self.below(path);
        let names = below.iter().filter_map(|declared| declared.path.steps().nth(depth));
        let aliases = below.iter().filter(|declared| declared.path.steps().len() == depth + 1);
        names.chain(aliases.flat_map(|declared| declared.field.aliases.iter().copied())).collect()
    }

    /// Whether somebody reads what is at `path` as a whole.
    pub(crate) fn contains(&self, path: &KeyPath) -> bool {
        self.below(path).first().is_some_and(|first| first.path == *path)
    }

    /// What is at `path` or below it; the shortest path comes first.
    fn below(&self, path: &KeyPath) -> &[Declared] {
        let first = self.0.partition_point(|declared| declared.path < *path);
        let rest = &self.0[first..];
        &rest[..rest.partition_point(|declared| declared.path.starts_with(path))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_below_a_path_is_found_and_nothing_else() {
        let paths = ["resources.http", "a", "resources.http.lifecycle", "resources.h", "resources.http2", "resources"];
        let declared: Vec<Declared> = paths.iter().map(|path| Declared::value::<String>(path, None)).collect();
        let declarations = Declarations::of(&declared);
        let below = |path| declarations.names_below(&KeyPath::lenient(path)).into_iter().collect::<Vec<_>>();
        assert_eq!(below("resources.http"), ["lifecycle"]);
        assert_eq!(below("resources"), ["h", "http", "http2"]);
        assert_eq!(below(""), ["a", "resources"]);
        assert_eq!(below("b"), [""; 0]);
        assert!(declarations.contains(&KeyPath::lenient("resources.http")));
        assert!(!declarations.contains(&KeyPath::lenient("resources.htt")));
        assert!(!declarations.contains(&KeyPath::lenient("")));
    }
}
