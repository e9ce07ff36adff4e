//! Sources laid over each other: figment decides which value wins, and its tag tells whose it is.
//!
//! Each source is two of figment's providers: what it says for every service, and over it what it says for this
//! one. The trees of the sources stay beside it as the index of positions: a value of the merged tree is found again
//! in its source's tree, with the line and column, the spelling, and the origin that figment has no place for.

use std::{borrow::Cow, collections::BTreeMap};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Empty, Map as Profiles, Num, Tag, Value as Merged},
};

use super::{
    map::Map,
    node::{Node, Value},
    origin::Origin,
};

/// The section whose entries are laid over the tree, each for one service.
pub(crate) const SERVICES: &str = "microservices";

/// Lays the trees over each other, later ones on top, for one service.
pub(crate) fn merge(layers: &[&Node], service: &str) -> Node {
    let mut parts: Vec<Cow<'_, Node>> = Vec::with_capacity(layers.len() * 2);
    for layer in layers {
        for part in [Some(Cow::Borrowed(*layer)), override_of(layer, service).map(Cow::Owned)].into_iter().flatten() {
            let below: Vec<&Node> = parts.iter().map(AsRef::as_ref).collect();
            let part = opened(part, &below);
            parts.push(part);
        }
    }
    let parts: Vec<&Node> = parts.iter().map(AsRef::as_ref).collect();

    let alone = alone(&parts);
    let mut figment = Figment::new();
    for (number, part) in parts.iter().enumerate() {
        let shared = |map: &Map| dict(map, &parts[..number], &|key| !alone.iter().any(|(alone, _)| *alone == key));
        figment = figment.merge(Part { number, dict: part.as_map().map(shared).unwrap_or_default() });
    }

    let merged = figment.data().ok().and_then(|mut data| data.remove(&Profile::Default)).unwrap_or_default();
    let cursors: Vec<Option<&Node>> = parts.iter().copied().map(Some).collect();
    let root = Merged::Dict(Tag::Default, merged);
    let mut root = restore(root, &cursors, &figment).unwrap_or_else(|| Node::empty_map(Origin::default_value()));
    if let Value::Map(map) = &mut root.value {
        map.extend(alone.into_iter().map(|(key, node)| (key.to_owned(), node.clone())));
    }
    root
}

/// Sections that a single part has. Nothing is laid over them, and they may be most of a tree that serves many services.
fn alone<'a>(parts: &[&'a Node]) -> Vec<(&'a str, &'a Node)> {
    let mut found: BTreeMap<&str, Option<&Node>> = BTreeMap::new();
    for (key, node) in parts.iter().filter_map(|part| part.as_map()).flatten() {
        found.entry(key).and_modify(|other| *other = None).or_insert(Some(node));
    }
    found.into_iter().filter_map(|(key, node)| Some((key, node?))).collect()
}

/// What a source says for one service alone, as if it said it for all.
fn override_of(layer: &Node, service: &str) -> Option<Node> {
    let services = layer.child(SERVICES)?.as_map()?;
    // Names of variables have no hyphen.
    let own = services.get(service).or_else(|| services.get(service.replace('-', "_").as_str()))?;
    let mut own = own.clone();
    if let Value::Map(map) = &mut own.value {
        map.remove(SERVICES);
        map.values_mut().for_each(|node| node.is_override = true);
        return Some(own);
    }
    None
}

/// Maps that are written as JSON in raw text, where a lower source has a map for them to be laid over.
fn opened<'a>(part: Cow<'a, Node>, below: &[&Node]) -> Cow<'a, Node> {
    fn has_raw(node: &Node) -> bool {
        match &node.value {
            Value::Raw(text) => text.trim_start().starts_with('{'),
            Value::Map(map) => map.values().any(has_raw),
            _ => false,
        }
    }
    fn open(node: &mut Node, below: &[&Node]) {
        match &mut node.value {
            Value::Raw(_) if below.iter().any(|lower| lower.is_map()) => {
                if let Ok(Some(Node { value: Value::Map(map), .. })) = node.parsed() {
                    node.value = Value::Map(map);
                }
            }
            Value::Map(map) => map.iter_mut().for_each(|(key, node)| {
                let below: Vec<&Node> = below.iter().filter_map(|lower| lower.child(key)).collect();
                open(node, &below);
            }),
            _ => {}
        }
    }
    if !has_raw(&part) {
        return part;
    }
    let mut part = part.into_owned();
    open(&mut part, below);
    Cow::Owned(part)
}

/// One provider of figment.
struct Part {
    number: usize,
    dict: Dict,
}

impl Provider for Part {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.number.to_string())
    }

    fn data(&self) -> Result<Profiles<Profile, Dict>, Error> {
        Ok(Profiles::from([(Profile::Default, self.dict.clone())]))
    }
}

/// A map as figment takes it, of the keys that are wanted. `below` are the same maps of the sources it will be laid over.
fn dict(map: &Map, below: &[&Node], is_wanted: &dyn Fn(&str) -> bool) -> Dict {
    map.iter()
        .filter(|(key, _)| is_wanted(key))
        .filter_map(|(key, node)| {
            let below: Vec<&Node> = below.iter().filter_map(|lower| lower.child(key)).collect();
            Some((key.clone(), value(node, &below)?))
        })
        .collect()
}

fn value(node: &Node, below: &[&Node]) -> Option<Merged> {
    let tag = Tag::Default;
    let is_over_map = below.iter().any(|lower| lower.is_map());
    Some(match &node.value {
        // A section of which everything is commented out takes nothing away.
        Value::Null if is_over_map => return None,
        Value::Null => Merged::Empty(tag, Empty::None),
        Value::Bool(value) => Merged::Bool(tag, *value),
        Value::Int(value) => Merged::Num(tag, Num::I128(*value)),
        Value::Float(value) => Merged::Num(tag, Num::F64(*value)),
        Value::Text(text) | Value::Raw(text) => Merged::String(tag, text.to_string()),
        Value::List(items) => Merged::Array(tag, items.iter().filter_map(|item| value(item, &[])).collect()),
        Value::Map(map) => Merged::Dict(tag, dict(map, below, &|_| true)),
    })
}

/// The merged value with everything that its source knows of it.
fn restore(merged: Merged, cursors: &[Option<&Node>], figment: &Figment) -> Option<Node> {
    let owner = figment.get_metadata(merged.tag()).and_then(|metadata| metadata.name.parse::<usize>().ok());
    let Merged::Dict(_, dict) = merged else {
        let owner = owner?;
        let mut node = (*cursors.get(owner)?)?.clone();
        let lower = cursors[..owner].iter().flatten().rfind(|lower| !lower.is_null());
        node.hides = lower.filter(|lower| lower.is_map()).map(|lower| lower.named_at().clone());
        return Some(node);
    };
    let mut map = Map::new();
    for (key, merged) in dict {
        let below: Vec<Option<&Node>> = cursors.iter().map(|cursor| cursor.and_then(|node| node.child(&key))).collect();
        if let Some(node) = restore(merged, &below, figment) {
            map.insert(key, node);
        }
    }
    let is_map = |cursor: &Option<&Node>| cursor.is_some_and(Node::is_map);
    // A map may have several owners; a person looks for it where it is written first.
    let (Some(first), Some(last)) = (cursors.iter().position(is_map), owner.or(cursors.iter().rposition(is_map)))
    else {
        return Some(Node::new(Value::Map(map), Origin::default_value()));
    };
    let source = cursors[first]?;
    let mut node = Node::new(Value::Map(map), source.origin.clone());
    node.key_origin.clone_from(&source.key_origin);
    node.is_override = source.is_override;
    let lower = cursors[..last].iter().flatten().rfind(|lower| !lower.is_null());
    node.hides = lower.filter(|lower| !lower.is_map()).map(|lower| lower.origin.clone());
    Some(node)
}
