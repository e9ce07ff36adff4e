//! The whole tree against what is declared: every section is read, and what nobody reads is found.
//!
//! In a declared section an unknown key is a mistake. Elsewhere it may belong to another service, and is only worth a
//! warning where its name is nearly a declared one, or directly below the root, where services have no sections.

use super::{
    declarations::Declarations,
    declared::Declared,
    form::unknown_key,
    legacy::{is_legacy_section, legacy_key},
    map::Map,
    merge::SERVICES,
    node::Node,
    path::KeyPath,
    problem::{Problem, Problems},
    suggestion::nearest,
    tree::Tree,
};

/// Sections of a service besides its settings.
const PARTS: [&str; 3] = ["tasks", "timers", "threads"];

impl Tree {
    /// Reads everything that is declared, and finds what nobody reads: all problems, warnings and notices at once.
    ///
    /// A service whose own section `is_free` may have keys there that it does not declare.
    pub fn check(&self, declared: &[Declared], is_free: bool, problems: &mut Problems) {
        // First of all: who reads a section leaves to others what is declared in it.
        self.declare(declared);
        declared.iter().for_each(|declared| declared.check(self, problems));
        self.find_unknown(declared, is_free, problems);
    }

    /// Finds what nobody reads. What stands in a declared section is for who reads it to tell.
    pub(crate) fn find_unknown(&self, declared: &[Declared], is_free: bool, problems: &mut Problems) {
        let all = self.declare(declared);
        self.walk(&self.root, &KeyPath::default(), false, all, problems);
        let own = self.own_path();
        let parts = PARTS.map(|part| own.child(part));
        for (path, node) in [&own].into_iter().chain(&parts).filter_map(|path| Some((path, self.root.at(path)?))) {
            if !node.is_map() {
                no_section(node, path, problems);
            }
        }
        if !is_free {
            self.deny(&own, all, problems);
            parts.iter().for_each(|part| self.deny(part, all, problems));
        }
    }

    /// Goes down through everything that is above a declared section. `is_inside` of one, unknown keys are mistakes.
    fn walk(&self, node: &Node, path: &KeyPath, is_inside: bool, declared: &Declarations, problems: &mut Problems) {
        let known = declared.names_below(path);
        let is_read = declared.contains(path);
        let Some(map) = node.as_map() else {
            let is_section = !known.is_empty() || is_services(path);
            return if is_section && !is_read {
                no_section(node, path, problems)
            };
        };
        for (key, node) in map {
            let leads_on = known.contains(key.as_str()) || (path.is_root() && key == SERVICES);
            if is_read && !leads_on {
                // Who reads the section has told it.
                continue;
            }
            let path = path.child(key);
            if path == self.own_path() {
                continue;
            }
            if leads_on {
                let is_inside = is_inside || declared.contains(&path);
                self.walk(node, &path, is_inside, declared, problems);
            } else if let Some(notice) = legacy_key(&path) {
                problems.notice(format!("`{path}` (at {}) {notice}", node.named_at()));
            } else if is_inside {
                problems.push(unknown_key(path, node, known.iter().copied()));
            } else if !is_legacy_section(&path) && !node.is_override {
                let nearest = nearest(key, known.iter().copied()).map(|nearest| format!("did you mean `{nearest}`?"));
                // Below the root there is nothing but what chassis reads; elsewhere there is what other services read.
                if nearest.is_some() || path.steps().len() == 1 {
                    let warning = Problem::at(path, "is a section that this service does not read");
                    problems.warn(nearest.into_iter().fold(warning.origin(node.named_at().clone()), Problem::help));
                }
            }
        }
    }

    /// What stands below `system.microservices.<service>` is a setting of the service, or overrides a section.
    fn deny(&self, path: &KeyPath, declared: &Declarations, problems: &mut Problems) {
        let nothing = Map::new();
        let map = self.root.at(path).and_then(Node::as_map).unwrap_or(&nothing);
        let mut known = declared.names_below(path);
        if *path == self.own_path() {
            known.extend(declared.names_below(&KeyPath::default()));
            known.remove(SERVICES);
            known.extend(PARTS);
        }
        for (key, node) in map.iter().filter(|(key, _)| !known.contains(key.as_str())) {
            let path = path.child(key);
            // What overrides a key of older frameworks is noticed there.
            if legacy_key(&KeyPath::from_steps(vec![key.as_str().into()])).is_none() {
                problems.push(unknown_key(path, node, known.iter().copied()));
            }
        }
    }
}

/// Whether the sections of services stand below `path`.
fn is_services(path: &KeyPath) -> bool {
    path.steps().eq([SERVICES])
}

/// Tells of something else where a map of sections has to be; nothing at all is an empty one.
fn no_section(node: &Node, path: &KeyPath, problems: &mut Problems) {
    if node.is_null() {
        return;
    }
    // Whatever it is, a secret may be in it.
    let what = format!("expected a map, found {}", node.found(true));
    let problem = Problem::at(path.clone(), what).origin(node.origin.clone());
    let hides = node.hides.as_ref().map(|origin| format!("it replaces what is set at {origin}"));
    problems.push(hides.into_iter().fold(problem, Problem::help));
}
