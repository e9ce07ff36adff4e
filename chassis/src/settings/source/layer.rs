//! What one source says: a tree of values with their origins.

use serde_json::Value as Json;

use crate::settings::{
    map::Map,
    node::{Node, Value},
    origin::Origin,
    path::{KeyPath, ROOT},
    problem::{Problem, Problems},
};

/// What one source says.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(crate) root: Node,
    /// Not everything that is written was understood, so that what seems to be missing may be there.
    pub(crate) is_partial: bool,
}

impl Layer {
    /// A source that says nothing.
    pub fn empty() -> Self {
        Self { root: Node::empty_map(Origin::default_value()), is_partial: false }
    }

    /// A source that could not be read at all, which is told.
    pub fn unreadable() -> Self {
        Self { is_partial: true, ..Self::empty() }
    }

    /// All that it says.
    #[cfg(feature = "etcd")]
    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    /// Adds the value of a key such as `resources.http.port`, with or without the root `system`.
    ///
    /// A value and a map at one place are a problem of the source, and so is a malformed path.
    pub fn insert(&mut self, path: &str, value: Json, origin: Origin, problems: &mut Problems) {
        self.insert_node(path, Node::from_json(value, &origin), problems);
    }

    /// Adds text whose meaning is decided by the type that is declared: `8080` may be a number, lists and maps are
    /// written as JSON.
    pub fn insert_text(&mut self, path: &str, text: &str, origin: Origin, problems: &mut Problems) {
        self.insert_node(path, Node::new(Value::Raw(text.into()), origin), problems);
    }

    fn insert_node(&mut self, path: &str, node: Node, problems: &mut Problems) {
        match KeyPath::parse(path) {
            Ok(path) => self.insert_at(&path, node, problems),
            Err(error) => {
                let what = format!("`{}` is not the path of a setting: {error}", path.escape_debug());
                problems.push(Problem::of_source(node.origin, what).help("write it like `resources.http.port`"));
            }
        }
    }

    /// Adds a value; one that is already there is replaced.
    pub(crate) fn insert_at(&mut self, path: &KeyPath, node: Node, problems: &mut Problems) {
        if path.steps().eq([ROOT]) {
            return self.insert_root(node, problems);
        }
        let mut steps: Vec<&str> = path.steps().collect();
        let Some(last) = steps.pop() else { return };
        let mut at = &mut self.root;
        for (depth, step) in (1..).zip(steps) {
            let Value::Map(map) = &mut at.value else { return };
            at = map.get_or_insert_with(step, || Node::empty_map(node.origin.clone()));
            if !at.is_map() {
                let above = KeyPath::from_steps(path.steps().take(depth).map(Box::from).collect());
                problems.push(conflict(above, &at.origin, &node.origin));
                // The map stays, so that the type is not told too.
                *at = Node::empty_map(node.origin.clone());
            }
        }
        let Value::Map(map) = &mut at.value else { return };
        match map.get(last) {
            Some(there) if there.is_map() && !node.is_map() => {
                problems.push(conflict(path.clone(), &node.origin, &first_origin(there)));
            }
            _ => drop(map.insert(last.to_owned(), node)),
        }
    }

    /// Adds what is said of `system` as a whole: a map of its sections, also as JSON in text.
    fn insert_root(&mut self, node: Node, problems: &mut Problems) {
        let node = node.parsed().ok().flatten().unwrap_or(node);
        match node.value {
            Value::Null => {}
            Value::Map(map) => {
                for (key, node) in map {
                    self.insert_at(&KeyPath::from_steps(vec![key.into()]), node, problems);
                }
            }
            _ => {
                // Whatever it is, a secret may be in it.
                let what = format!("expected a map of sections, found {}", node.found(true));
                problems.push(
                    Problem::of_key(ROOT, what).origin(node.origin).help("set one of its keys: `resources.http.port`"),
                );
            }
        }
    }

    /// What a file or dict says below its root: `system` may be written or not.
    pub(crate) fn below_root(mut map: Map, origin: Origin) -> Node {
        match map.remove(ROOT) {
            Some(system) if map.is_empty() && system.is_map() => system,
            Some(system) => {
                map.insert(ROOT.to_owned(), system);
                Node::new(Value::Map(map), origin)
            }
            None => Node::new(Value::Map(map), origin),
        }
    }
}

/// A value and a map at one place of one source.
fn conflict(path: KeyPath, value: &Origin, map: &Origin) -> Problem {
    Problem::at(path, format!("has a value here, and keys below it at {map}"))
        .origin(value.clone())
        .help("take one of them away")
}

fn first_origin(node: &Node) -> Origin {
    match node.as_map().and_then(|map| map.values().next()) {
        Some(child) => first_origin(child),
        None => node.origin.clone(),
    }
}
