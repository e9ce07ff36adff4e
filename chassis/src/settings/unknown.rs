//! Keys that nobody reads: in a declared section they are mistakes, elsewhere they may belong to another service.

use std::collections::BTreeSet;

use super::{
    declared::Declared,
    form::unknown_key,
    legacy::{is_legacy_section, legacy_key},
    merge::SERVICES,
    node::Node,
    path::KeyPath,
    problem::{Problem, Problems},
    suggestion::nearest,
    tree::Tree,
};

impl Tree {
    /// Finds what nobody reads. Keys in the service's own section are problems, unless it `is_free`; a section whose
    /// name is nearly a declared one is a warning. Declared sections find their unknown keys when they are read.
    pub fn check_unknown(&self, declared: &[Declared], is_free: bool, problems: &mut Problems) {
        self.warn_in(&self.root, &KeyPath::default(), declared, problems);
        if !is_free {
            self.deny_own(declared, problems);
        }
    }

    /// Walks down through everything that is above a declared section.
    fn warn_in(&self, node: &Node, path: &KeyPath, declared: &[Declared], problems: &mut Problems) {
        let Some(map) = node.as_map() else { return };
        let own = self.own_path();
        let known = names_below(path, declared);
        for (key, node) in map {
            let path = path.child(key);
            let is_declared = declared.iter().any(|declared| declared.path == path);
            let is_above = declared.iter().any(|declared| declared.path.starts_with(&path));
            let is_below = declared.iter().any(|declared| path.starts_with(&declared.path));
            if path == own || is_below && !is_above {
                continue;
            }
            if is_above {
                if !is_declared {
                    self.warn_in(node, &path, declared, problems);
                }
                continue;
            }
            if let Some(notice) = legacy_key(&path) {
                problems.notice(format!("`{path}` (at {}) {notice}", node.named_at()));
            } else if let Some(nearest) = nearest(key, known.iter().copied())
                && !is_legacy_section(&path)
                && !node.is_override
            {
                let warning = Problem::at(path, "is a section that this service does not read");
                problems.warn(warning.origin(node.named_at().clone()).help(format!("did you mean `{nearest}`?")));
            }
        }
    }

    /// What stands below `system.microservices.<service>` is either a setting of the service or overrides a section.
    fn deny_own(&self, declared: &[Declared], problems: &mut Problems) {
        let own = self.own_path();
        self.deny_in(&own, declared, problems);
        for section in ["tasks", "timers", "threads"] {
            self.deny_in(&own.child(section), declared, problems);
        }
    }

    fn deny_in(&self, path: &KeyPath, declared: &[Declared], problems: &mut Problems) {
        let Some(map) = self.root.at(path).and_then(Node::as_map) else { return };
        let mut known = names_below(path, declared);
        if *path == self.own_path() {
            known.extend(names_below(&KeyPath::default(), declared));
            known.remove(SERVICES);
            known.extend(["tasks", "timers", "threads"]);
        }
        for (key, node) in map.iter().filter(|(key, _)| !known.contains(key.as_str())) {
            problems.push(unknown_key(path.child(key), node, known.iter().copied()));
        }
    }
}

/// The names that lead from `path` to something declared.
fn names_below<'d>(path: &KeyPath, declared: &'d [Declared]) -> BTreeSet<&'d str> {
    let depth = path.steps().len();
    declared
        .iter()
        .filter(|declared| declared.path.starts_with(path))
        .filter_map(|declared| declared.path.steps().nth(depth))
        .collect()
}
