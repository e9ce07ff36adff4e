//! Settings as a tree of JSON documents, and such a tree as a file: what `settings push` writes and `settings pull` reads.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value as Json;

use super::{
    declared::Declared,
    effective::{looks_secret, masked_by_name, shown},
    known::{Content, Known, inside, known},
    merge::SERVICES,
    node::{Node, Value},
    path::{KeyPath, ROOT},
    problem::{Problem, Problems},
    sample::{flow, key},
    secret::MASK,
    shape::{Kind, Shape},
};
use crate::json::object;

/// One value of a tree, and the document it is kept as.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) text: String,
    /// The value as it was written in its file.
    pub(crate) node: Node,
}

/// What is known of the keys of a tree that may serve many services.
pub(crate) struct Documents {
    known: Vec<Known>,
    own: KeyPath,
}

impl Documents {
    pub(crate) fn new(declared: &[Declared], service: &str) -> Self {
        Self { known: known(declared), own: KeyPath::from_steps(vec![SERVICES.into(), service.into()]) }
    }

    /// The documents that a tree is kept as, by their paths; what cannot be kept is told.
    pub(crate) fn of(&self, root: &Node, problems: &mut Problems) -> BTreeMap<KeyPath, Document> {
        let mut found = BTreeMap::new();
        self.collect(root, &KeyPath::default(), &mut found, problems);
        found
    }

    fn collect(&self, node: &Node, path: &KeyPath, found: &mut BTreeMap<KeyPath, Document>, problems: &mut Problems) {
        if let Value::Map(map) = &node.value {
            // A name with a slash would be another path.
            let can_be_keys = !map.keys().any(|name| name.is_empty() || name.contains('/'));
            if path.is_root() || can_be_keys && !map.is_empty() {
                return map.iter().for_each(|(name, node)| self.collect(node, &path.child(name), found, problems));
            }
        }
        if node.is_null() && self.is_section(path) {
            return;
        }
        let shape = self.shape(path);
        let is_masked = matches!(&node.value, Value::Text(text) if **text == *MASK);
        if is_masked && shape.map_or_else(|| path.steps().any(looks_secret), Shape::has_secret) {
            let problem = Problem::at(path.clone(), format!("is a secret that was masked: `{MASK}` is not its value"));
            let help = "pull the tree with `--with-secrets`, or take the key out of the file";
            return problems.push(problem.origin(node.origin.clone()).help(help));
        }
        found.insert(path.clone(), Document { text: document(node, shape), node: node.clone() });
    }

    /// The tree as a YAML file, secrets as `***` unless they are wanted.
    pub(crate) fn to_yaml(&self, root: &Node, with_secrets: bool) -> String {
        let mut text = format!("{ROOT}:");
        if root.as_map().is_none_or(|map| map.is_empty()) {
            return text + " {}\n";
        }
        text.push('\n');
        self.write(&mut text, root, &KeyPath::default(), with_secrets);
        text
    }

    fn write(&self, text: &mut String, node: &Node, path: &KeyPath, with_secrets: bool) {
        let indent = (path.steps().len() + 1) * 2;
        for (name, node) in node.as_map().into_iter().flatten() {
            let path = path.child(name);
            // Writing to a string cannot fail.
            let _ = write!(text, "{:indent$}{}:", "", key(name));
            if node.as_map().is_some_and(|map| !map.is_empty()) {
                text.push('\n');
                self.write(text, node, &path, with_secrets);
            } else {
                let _ = writeln!(text, " {}", self.scalar(node, &path, with_secrets));
            }
        }
    }

    fn scalar(&self, node: &Node, path: &KeyPath, with_secrets: bool) -> String {
        let name = path.steps().next_back().unwrap_or_default();
        let masked = match self.shape(path) {
            _ if with_secrets => None,
            Some(shape) if shape.has_secret() => Some(shown(node, shape)),
            Some(_) => None,
            None if path.steps().any(looks_secret) => Some(Json::String(MASK.to_owned())),
            None => Some(masked_by_name(name, node)).filter(|masked| *masked != node.to_json()),
        };
        match (masked, &node.spelling) {
            (Some(masked), _) => flow(&masked),
            (None, Some(spelling)) => spelling.to_string(),
            (None, None) => flow(&node.to_json()),
        }
    }

    fn is_section(&self, path: &KeyPath) -> bool {
        let path = self.of_all(path);
        self.known.iter().any(|known| {
            known.path.starts_with(&path) && (known.path != path || matches!(known.content, Content::Section))
        })
    }

    /// What is declared of the value at `path`.
    fn shape(&self, path: &KeyPath) -> Option<&Shape> {
        let shape = |path: &KeyPath| self.known.iter().rev().find_map(|known| known.shape_at(path));
        shape(path).or_else(|| shape(&self.of_all(path)))
    }

    /// The key that is overridden for the service at `path`.
    fn of_all(&self, path: &KeyPath) -> KeyPath {
        match path.starts_with(&self.own) {
            true => KeyPath::from_steps(path.steps().skip(self.own.steps().len()).map(Box::from).collect()),
            false => path.clone(),
        }
    }
}

impl Known {
    /// What is at `path`, which is its own or one inside of its value.
    fn shape_at(&self, path: &KeyPath) -> Option<&Shape> {
        let (field, _) = self.field()?;
        let mut steps = path.steps();
        let is_it =
            self.names.iter().all(|names| steps.next().is_some_and(|step| names.iter().any(|name| name == step)));
        if is_it { steps.try_fold(&field.shape, inside) } else { None }
    }
}

/// The JSON document of a value: by the type that is declared, or else as it was spelled.
fn document(node: &Node, shape: Option<&Shape>) -> String {
    match &node.spelling {
        Some(spelling) if !is_text(shape) && is_number(node) && serde_json::from_str::<Json>(spelling).is_ok() => {
            spelling.to_string()
        }
        _ => json(node, shape).to_string(),
    }
}

fn json(node: &Node, shape: Option<&Shape>) -> Json {
    let plain = shape.map(Shape::plain);
    match (plain.map(|shape| &shape.0), &node.value, &node.spelling) {
        (Some(Kind::Secret(inner)), ..) => json(node, Some(inner)),
        (Some(Kind::List(items)), Value::List(nodes), _) => nodes.iter().map(|node| json(node, Some(items))).collect(),
        (Some(_), Value::Map(map), _) => Json::Object(object(
            map.iter().map(|(name, node)| (name, json(node, plain.and_then(|shape| inside(shape, name))))),
        )),
        (Some(Kind::Bool), Value::Text(text), Some(_)) => match text.to_ascii_lowercase().as_str() {
            "yes" | "on" | "true" => Json::Bool(true),
            "no" | "off" | "false" => Json::Bool(false),
            _ => node.to_json(),
        },
        (_, Value::Bool(_) | Value::Int(_) | Value::Float(_), Some(spelling)) if is_text(shape) => {
            Json::String(spelling.to_string())
        }
        _ => node.to_json(),
    }
}

fn is_number(node: &Node) -> bool {
    matches!(node.value, Value::Int(_) | Value::Float(_))
}

fn is_text(shape: Option<&Shape>) -> bool {
    match shape.map(|shape| &shape.plain().0) {
        Some(Kind::Secret(inner)) => is_text(Some(inner)),
        Some(Kind::Text { .. } | Kind::Choice(_)) => true,
        _ => false,
    }
}
