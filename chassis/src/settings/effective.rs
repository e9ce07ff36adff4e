//! The settings in force, each with its origin, and without secrets.

use serde_json::{Value as Json, json};

use super::{
    declared::Declared,
    node::{Node, Value},
    origin::Origin,
    outline::{Content, Section},
    path::KeyPath,
    secret::MASK,
    shape::{Field, Kind, Shape},
    tree::Tree,
};
use crate::json::object;

/// A setting in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective {
    /// Its path, beginning with `system`.
    pub key: String,
    /// Its value; `***` for a secret, `null` where there is none or it cannot be shown.
    pub value: Json,
    /// Where it was set.
    pub origin: Origin,
}

impl Tree {
    /// Every setting that is declared, as it is in force, and what else stands in the service's own section.
    pub fn effective(&self, declared: &[Declared]) -> Vec<Effective> {
        let mut found = Vec::new();
        let outline = Section::of(declared);
        section(&outline, &KeyPath::default(), Some(&self.root), &mut found);
        self.free(&outline, &mut found);
        found.sort_by(|one, other| one.key.cmp(&other.key));
        found
    }

    /// The same as an object: `{"system.resources.http.port": {"value": 8080, "origin": "default"}}`.
    pub fn effective_json(&self, declared: &[Declared]) -> Json {
        let entry = |Effective { key, value, origin }| (key, json!({ "value": value, "origin": origin.to_string() }));
        Json::Object(object(self.effective(declared).into_iter().map(entry)))
    }

    /// What nobody declared in the service's own section; names that look like a secret's are masked.
    fn free(&self, outline: &Section, found: &mut Vec<Effective>) {
        let own = self.own_path();
        let declared = outline.at(&own);
        let Some(map) = self.root.at(&own).and_then(Node::as_map) else { return };
        for (key, node) in map {
            let is_section = outline.entries.iter().any(|entry| entry.name == *key);
            let is_declared = declared.is_some_and(|own| own.entries.iter().any(|entry| entry.name == *key));
            if !is_section && !is_declared && !matches!(key.as_str(), "tasks" | "timers" | "threads") {
                let value = masked_by_name(key, node);
                found.push(Effective { key: own.child(key).to_string(), value, origin: node.origin.clone() });
            }
        }
    }
}

fn section(section: &Section, path: &KeyPath, node: Option<&Node>, found: &mut Vec<Effective>) {
    for entry in &section.entries {
        let path = path.child(&entry.name);
        match &entry.content {
            Content::Section(below) => {
                let node = node.and_then(|node| node.child(&entry.name));
                let is_absent = node.is_none_or(Node::is_null);
                if below.is_optional && is_absent {
                    found.push(Effective { key: path.to_string(), value: Json::Null, origin: Origin::default_value() });
                    continue;
                }
                let below = below.in_part.as_deref().filter(|_| !is_absent).unwrap_or(below);
                // A section that is given as JSON in the environment.
                let parsed = node.and_then(|node| node.parsed().ok().flatten());
                self::section(below, &path, parsed.as_ref().or(node), found);
            }
            Content::Value(field) => {
                let names = [field.name.as_str()].into_iter().chain(field.aliases.iter().copied());
                let node = node.and_then(|node| names.into_iter().find_map(|name| node.child(name)));
                found.push(value(field, &path, node));
            }
        }
    }
}

fn value(field: &Field, path: &KeyPath, node: Option<&Node>) -> Effective {
    let key = path.to_string();
    match node.filter(|node| !node.is_null()) {
        Some(node) => Effective { key, value: shown(node, &field.shape), origin: node.origin.clone() },
        None => {
            let value = match &field.default {
                Some(default) if !field.shape.has_secret() => default.clone(),
                Some(_) => Json::String(MASK.to_owned()),
                None => Json::Null,
            };
            Effective { key, value, origin: Origin::default_value() }
        }
    }
}

/// A value as it was written, read by its shape as far as that is needed to find the secrets in it.
pub(super) fn shown(node: &Node, shape: &Shape) -> Json {
    if let Value::Raw(text) = &node.value {
        return match shape.plain().0 {
            Kind::Secret(_) => Json::String(MASK.to_owned()),
            Kind::Text { .. } | Kind::Choice(_) | Kind::Duration | Kind::ByteSize => Json::String(text.to_string()),
            _ => match node.parsed() {
                Ok(Some(parsed)) => shown(&parsed, shape),
                _ if shape.has_secret() => Json::String(MASK.to_owned()),
                _ => Json::String(text.to_string()),
            },
        };
    }
    match (&shape.plain().0, &node.value) {
        (Kind::Secret(_), _) => Json::String(MASK.to_owned()),
        (Kind::List(items), Value::List(nodes)) => nodes.iter().map(|node| shown(node, items)).collect(),
        (Kind::Map(items), Value::Map(map)) => {
            Json::Object(object(map.iter().map(|(key, node)| (key, shown(node, items)))))
        }
        (Kind::Group(group), Value::Map(map)) => Json::Object(object(map.iter().map(|(key, node)| {
            let field = group.fields.iter().find(|field| field.is_called(key));
            (key, field.map_or_else(|| masked_by_name(key, node), |field| shown(node, &field.shape)))
        }))),
        _ if shape.has_secret() => Json::String(MASK.to_owned()),
        _ => node.to_json(),
    }
}

/// Whether a name that nobody declared looks like a secret's.
pub(crate) fn looks_secret(name: &str) -> bool {
    const SECRET: [&str; 7] = ["password", "passwd", "token", "secret", "key", "credential", "auth"];
    let name = name.to_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// A value that nobody declared: masked where its name, or one inside of it, looks like a secret's.
pub(super) fn masked_by_name(name: &str, node: &Node) -> Json {
    if looks_secret(name) {
        return Json::String(MASK.to_owned());
    }
    match &node.value {
        Value::Map(map) => Json::Object(object(map.iter().map(|(key, node)| (key, masked_by_name(key, node))))),
        Value::List(items) => items.iter().map(|item| masked_by_name("", item)).collect(),
        Value::Raw(_) => match node.parsed() {
            Ok(Some(parsed)) if matches!(parsed.value, Value::Map(_) | Value::List(_)) => masked_by_name("", &parsed),
            _ => node.to_json(),
        },
        _ => node.to_json(),
    }
}
