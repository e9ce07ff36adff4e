//! Two trees of settings beside each other: what a service would make of each, key by key.

use std::fmt;

use serde_json::Value as Json;

use super::{
    declared::Declared,
    effective::{looks_secret, masked_by_name, shown},
    explain::find,
    known::{Known, known, shown_default},
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    rules::Unit,
    shape::{Field, Kind, Shape},
    tree::Tree,
    value::{ByteSize, parse_duration},
};
use crate::json::object;

/// A key that is not the same in two trees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Compared {
    key: KeyPath,
    is_secret: bool,
    before: Side,
    after: Side,
}

#[derive(Debug, Clone, PartialEq)]
struct Side {
    value: Json,
    origin: Origin,
}

impl Tree {
    /// Every declared key, and every one of the service's own section, that counts for something else here than in
    /// `before`. What is written differently and means the same is the same.
    pub(crate) fn compared(&self, before: &Tree, declared: &[Declared]) -> Vec<Compared> {
        let known = known(declared);
        let mut found: Vec<Compared> = known.iter().filter_map(|known| self.compared_known(before, known)).collect();
        let mut free: Vec<KeyPath> = Vec::new();
        for tree in [before, self] {
            let keys = tree.effective(declared).into_iter().map(|effective| KeyPath::lenient(&effective.key));
            free.extend(keys.filter(|key| !known.iter().any(|known| known.path == *key)));
        }
        free.sort();
        free.dedup();
        found.extend(free.iter().filter_map(|key| self.compared_free(before, key)));
        found.sort_by(|one, other| one.key.cmp(&other.key));
        found
    }

    fn compared_known(&self, before: &Tree, known: &Known) -> Option<Compared> {
        let (field, _) = known.field()?;
        let [before, after] = [before, self].map(|tree| find(&tree.root, &known.names).filter(|node| !node.is_null()));
        let [old, new] = [&before, &after].map(|node| meaning(node.as_ref(), field));
        (old != new).then(|| {
            let side = |node: Option<&Node>| match node {
                Some(node) => Side { value: shown(node, &field.shape), origin: node.origin.clone() },
                None => Side { value: shown_default(field).unwrap_or_default(), origin: Origin::default_value() },
            };
            let (before, after) = (side(before.as_ref()), side(after.as_ref()));
            Compared { key: known.path.clone(), is_secret: field.shape.has_secret(), before, after }
        })
    }

    fn compared_free(&self, before: &Tree, key: &KeyPath) -> Option<Compared> {
        let name = key.steps().next_back().unwrap_or_default();
        let [before, after] = [before, self].map(|tree| tree.root.at(key).filter(|node| !node.is_null()));
        let plain = |node: &Node| node.parsed().ok().flatten().as_ref().unwrap_or(node).to_json();
        (before.map(plain) != after.map(plain)).then(|| {
            let side = |node: Option<&Node>| match node {
                Some(node) => Side { value: masked_by_name(name, node), origin: node.origin.clone() },
                None => Side { value: Json::Null, origin: Origin::default_value() },
            };
            Compared { key: key.clone(), is_secret: looks_secret(name), before: side(before), after: side(after) }
        })
    }
}

/// `~ key: 1 (a.yml:3:5) -> 2 (--set key)`; `+` where only the second says something, `-` where only the first does.
impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, is_secret, before, after } = self;
        let sign = match (before.origin.is_default(), after.origin.is_default()) {
            (true, false) => '+',
            (false, true) => '-',
            _ => '~',
        };
        if *is_secret {
            return write!(f, "{sign} {key}: differs ({}) -> ({})", before.origin, after.origin);
        }
        write!(f, "{sign} {key}: {} ({}) -> {} ({})", before.value, before.origin, after.value, after.origin)
    }
}

/// What a service makes of a value, in a form in which the same is equal.
fn meaning(node: Option<&Node>, field: &Field) -> Json {
    match (node, &field.default) {
        (Some(node), _) => meant(node, &field.shape, field.rules.unit),
        (None, Some(default)) => {
            let node = Node::from_json(default.clone(), &Origin::default_value());
            meant(&node, &field.shape, field.rules.unit)
        }
        (None, None) => Json::Null,
    }
}

fn meant(node: &Node, shape: &Shape, unit: Unit) -> Json {
    let shape = match &shape.plain().0 {
        Kind::Secret(inner) => return meant(node, inner, unit),
        _ => shape.plain(),
    };
    let text = text(node);
    let as_text = |text: Option<String>| text.map_or_else(|| node.to_json(), Json::String);
    match &shape.0 {
        Kind::Text { .. } => as_text(text),
        Kind::Duration => {
            let nanoseconds = text.as_deref().and_then(|text| parse_duration(text, unit).ok());
            as_text(nanoseconds.map(|duration| format!("{} ns", duration.as_nanos())).or(text))
        }
        Kind::ByteSize => {
            let bytes = text.as_deref().and_then(ByteSize::parse);
            as_text(bytes.map(|size| format!("{} bytes", size.as_u64())).or(text))
        }
        Kind::Choice(choices) => {
            let written = text.clone().unwrap_or_default().trim().to_ascii_lowercase();
            let is_it = |name: &&str| name.eq_ignore_ascii_case(&written);
            let choice = choices.iter().find(|one| is_it(&one.name) || one.aliases.iter().any(is_it));
            as_text(choice.map(|choice| choice.name.to_owned()).or(text))
        }
        Kind::Bool => match text.as_deref().map(str::trim).map(str::to_ascii_lowercase).as_deref() {
            Some("true" | "yes" | "on" | "1") => Json::Bool(true),
            Some("false" | "no" | "off" | "0") => Json::Bool(false),
            _ => as_text(text),
        },
        _ => match (&shape.0, &node.value) {
            (_, Value::Raw(_)) => match node.parsed() {
                Ok(Some(parsed)) if !matches!(parsed.value, Value::Raw(_)) => meant(&parsed, shape, unit),
                _ => meant(&Node::new(Value::Text(text.unwrap_or_default().into()), node.origin.clone()), shape, unit),
            },
            (Kind::Names, Value::Text(name)) => Json::from(vec![name.to_string()]),
            (Kind::List(items), Value::List(nodes)) => nodes.iter().map(|node| meant(node, items, unit)).collect(),
            (Kind::Map(items), Value::Map(map)) => {
                Json::Object(object(map.iter().map(|(key, node)| (key, meant(node, items, unit)))))
            }
            _ => node.to_json(),
        },
    }
}

/// A scalar as it was spelled.
fn text(node: &Node) -> Option<String> {
    match &node.value {
        Value::Text(text) | Value::Raw(text) => Some(text.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            Some(node.spelling.as_deref().map_or_else(|| node.to_json().to_string(), str::to_owned))
        }
    }
}
