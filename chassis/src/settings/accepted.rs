//! What a service says to its sources of the settings it works with.

#![cfg_attr(not(feature = "etcd"), allow(dead_code, reason = "only the source of that feature keeps a copy so far"))]

use super::{
    declared::Declared,
    effective::looks_secret,
    map::Map,
    merge::SERVICES,
    node::{Node, Value},
    outline::{Content, Section},
    path::KeyPath,
    shape::{Kind, Shape},
};

/// The settings that a service has accepted: it was started with them, or has taken them over since.
///
/// A source that keeps a copy learns here which keys the service reads, and which of them are secrets.
#[derive(Debug)]
pub struct Accepted<'a> {
    declared: &'a [Declared],
    own: KeyPath,
}

/// What may be kept of a value.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What is left of it: nothing where nobody reads it, or all of it is secret.
    pub(crate) node: Option<Node>,
    /// The secrets that were left out.
    pub(crate) left_out: Vec<KeyPath>,
}

impl<'a> Accepted<'a> {
    pub(crate) fn new(declared: &'a [Declared], service: &str) -> Self {
        Self { declared, own: KeyPath::from_steps(vec![SERVICES.into(), service.into()]) }
    }

    /// A sieve for values of this service.
    pub(crate) fn sieve(&self, with_secrets: bool) -> Sieve {
        Sieve { outline: Section::of(self.declared), own: self.own.clone(), with_secrets }
    }
}

/// Lets through what a service reads, with or without secrets.
#[derive(Debug)]
pub(crate) struct Sieve {
    outline: Section,
    own: KeyPath,
    with_secrets: bool,
}

impl Sieve {
    /// What may be kept of the value at `path`.
    pub(crate) fn keep(&self, path: &KeyPath, node: &Node) -> Kept {
        let mut kept = Kept::default();
        kept.node = self.below_root(path, node, &mut kept.left_out);
        kept
    }

    fn below_root(&self, path: &KeyPath, node: &Node, left_out: &mut Vec<KeyPath>) -> Option<Node> {
        let steps: Vec<&str> = path.steps().collect();
        let depth = self.own.steps().len();
        if path.starts_with(&self.own) && steps.len() > depth {
            // An override of a section has the shape of the section.
            let is_override = self.outline.entries.iter().any(|entry| entry.name == steps[depth]);
            let steps = if is_override { &steps[depth..] } else { &steps[..] };
            return self.section(&self.outline, steps, path, node, left_out);
        }
        match &node.value {
            // Above or at the service's own section, where overrides begin.
            Value::Map(map) if self.own.starts_with(path) => {
                self.map(map, path, node, |path, node| self.below_root(path, node, left_out))
            }
            _ => self.section(&self.outline, &steps, path, node, left_out),
        }
    }

    fn section(
        &self,
        section: &Section,
        steps: &[&str],
        path: &KeyPath,
        node: &Node,
        left_out: &mut Vec<KeyPath>,
    ) -> Option<Node> {
        let [step, rest @ ..] = steps else {
            let Value::Map(map) = &node.value else { return Some(node.clone()) };
            return self.map(map, path, node, |path, node| {
                let step = path.steps().next_back().unwrap_or_default().to_owned();
                self.section(section, &[&step], path, node, left_out)
            });
        };
        let entry = section.entries.iter().find(|entry| match &entry.content {
            Content::Value(field) => field.is_called(step),
            Content::Section(_) => entry.name == *step,
        });
        match entry.map(|entry| &entry.content) {
            Some(Content::Section(below)) => self.section(below, rest, path, node, left_out),
            Some(Content::Value(field)) if rest.is_empty() => self.value(&field.shape, path, node, left_out),
            // A part of something that is read as a whole.
            Some(Content::Value(field)) if field.shape.has_secret() => self.secret(path, node, left_out),
            Some(Content::Value(_)) => Some(node.clone()),
            None if path.starts_with(&self.own) => self.free(path, node, left_out),
            None => None,
        }
    }

    fn value(&self, shape: &Shape, path: &KeyPath, node: &Node, left_out: &mut Vec<KeyPath>) -> Option<Node> {
        if !shape.has_secret() {
            return Some(node.clone());
        }
        match (&shape.plain().0, &node.value) {
            (Kind::Map(inner), Value::Map(map)) => {
                self.map(map, path, node, |path, node| self.value(inner, path, node, left_out))
            }
            (Kind::Group(group), Value::Map(map)) => self.map(map, path, node, |path, node| {
                let name = path.steps().next_back().unwrap_or_default();
                match group.fields.iter().find(|field| field.is_called(name)) {
                    Some(field) => self.value(&field.shape, path, node, left_out),
                    None => self.free(path, node, left_out),
                }
            }),
            _ => self.secret(path, node, left_out),
        }
    }

    /// What nobody declared: a secret where its name, or one inside of it, looks like one's.
    fn free(&self, path: &KeyPath, node: &Node, left_out: &mut Vec<KeyPath>) -> Option<Node> {
        if path.steps().next_back().is_some_and(looks_secret) {
            return self.secret(path, node, left_out);
        }
        match &node.value {
            Value::Map(map) => self.map(map, path, node, |path, node| self.free(path, node, left_out)),
            _ => Some(node.clone()),
        }
    }

    fn secret(&self, path: &KeyPath, node: &Node, left_out: &mut Vec<KeyPath>) -> Option<Node> {
        if self.with_secrets {
            return Some(node.clone());
        }
        left_out.push(path.clone());
        None
    }

    /// A map of what is left of its values; nothing where nothing is left of any.
    fn map(
        &self,
        map: &Map,
        path: &KeyPath,
        node: &Node,
        mut keep: impl FnMut(&KeyPath, &Node) -> Option<Node>,
    ) -> Option<Node> {
        let kept = map.iter().filter_map(|(key, node)| Some((key.clone(), keep(&path.child(key), node)?)));
        let kept: Map = kept.collect();
        (map.is_empty() || !kept.is_empty()).then(|| Node::new(Value::Map(kept), node.origin.clone()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::{Origin, Secret};

    #[derive(Debug, crate::settings::SettingsSchema)]
    #[settings(crate = crate)]
    struct Database {
        #[setting(default = "x")]
        host: String,
        password: Secret<String>,
    }

    fn keep(path: &str, value: serde_json::Value) -> (serde_json::Value, Vec<String>) {
        let declared = [
            Declared::of::<Database>("resources.db"),
            Declared::value::<String>("deploy_name", None),
            Declared::value::<Vec<Secret<String>>>("microservices.orders.keys", None),
        ];
        let sieve = Accepted::new(&declared, "orders").sieve(false);
        let node = Node::from_json(value, &Origin::builder());
        let Kept { node, left_out } = sieve.keep(&KeyPath::lenient(path), &node);
        let left = node.map_or(serde_json::Value::Null, |node| node.to_json());
        (left, left_out.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_read_is_kept_without_its_secrets() {
        assert_eq!(keep("deploy_name", json!("prod")), (json!("prod"), vec![]));
        assert_eq!(keep("resources.db.host", json!("a")), (json!("a"), vec![]));
        let password = || vec!["system.resources.db.password".to_owned()];
        assert_eq!(keep("resources.db.password", json!("hunter2")), (json!(null), password()));
        assert_eq!(keep("resources.db", json!({"host": "a", "password": "b"})), (json!({"host": "a"}), password()));
        assert_eq!(keep("resources", json!({"db": {"password": "b"}, "other": 1})), (json!(null), password()));
    }

    #[test]
    fn what_belongs_to_others_is_not_kept() {
        assert_eq!(keep("resources.other", json!({"a": 1})), (json!(null), vec![]));
        assert_eq!(keep("microservices.billing.a", json!(1)), (json!(null), vec![]));
    }

    #[test]
    fn overrides_have_the_shape_of_what_they_override() {
        let (left, left_out) = keep("microservices.orders.resources.db", json!({"host": "a", "password": "b"}));
        assert_eq!((left, left_out.len()), (json!({"host": "a"}), 1));
        let all =
            json!({"orders": {"keys": ["k"], "page": 1, "resources": {"db": {"password": "b"}}}, "billing": {"a": 1}});
        let (left, left_out) = keep("microservices", all);
        assert_eq!(left, json!({"orders": {"page": 1}}));
        assert_eq!(left_out.len(), 2, "{left_out:?}");
    }

    #[test]
    fn what_nobody_declared_is_a_secret_by_its_name() {
        let (left, left_out) = keep("microservices.orders.peer", json!({"url": "u", "api_key": "k"}));
        assert_eq!(
            (left, left_out),
            (json!({"url": "u"}), vec!["system.microservices.orders.peer.api_key".to_owned()])
        );
    }
}
