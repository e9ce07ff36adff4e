//! Sources laid over each other: figment decides which value wins, and its tag tells whose it is.
//!
//! Each source is two of figment's providers: what it says for every service, and over it what it says for this
//! one. The trees of the sources stay beside it as the index of positions: a value of the merged tree is found again
//! in its source's tree, with the line and column, the spelling, and the origin that figment has no place for.
//!
//! What a single source says needs no decision, and is part of the merged tree as it is: most of a tree that serves many
//! services, and most of a section that another source adds a key to.

use std::{borrow::Cow, sync::Arc};

use figment::{
    Error, Figment, Metadata, Profile, Provider,
    value::{Dict, Map as Profiles, Tag, Value as Merged},
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
    let root = Level { nodes: parts.iter().map(|part| Some(part.as_ref())).collect(), is_open: true };
    let part = |number| Part { number, dict: dict(number, &root) };
    let figment = (0..parts.len()).fold(Figment::new(), |figment, number| figment.merge(part(number)));
    let merged = figment.data().ok().and_then(|mut data| data.remove(&Profile::Default)).unwrap_or_default();
    let merged = Merged::Dict(Tag::Default, merged);
    restore(merged, &root, &figment).unwrap_or_else(|| Node::empty_map(Origin::default_value()))
}

/// What a source says for one service alone, as if it said it for all.
fn override_of(layer: &Node, service: &str) -> Option<Node> {
    let services = layer.child(SERVICES)?.as_map()?;
    // Names of variables have no hyphen.
    let own = services.get(service).or_else(|| services.get(&service.replace('-', "_")))?;
    let mut own = own.clone();
    if let Value::Map(map) = &mut own.value {
        map.remove(SERVICES);
        map.nodes_mut().for_each(|(_, node)| node.is_override = true);
        return Some(own);
    }
    None
}

/// Maps that are written as JSON in raw text, where a lower source has a map for them to be laid over.
fn opened<'a>(part: Cow<'a, Node>, below: &[&Node]) -> Cow<'a, Node> {
    fn has_raw(node: &Node) -> bool {
        match &node.value {
            Value::Raw(text) => text.trim_start().starts_with('{'),
            Value::Map(map) => map.values().any(|node| has_raw(node)),
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
            Value::Map(map) => map.nodes_mut().for_each(|(key, node)| {
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

/// What every part has at one place.
struct Level<'n> {
    nodes: Vec<Option<&'n Node>>,
    /// There are only maps here and above, so that nothing hides what stands in one of them.
    is_open: bool,
}

impl<'n> Level<'n> {
    fn below(&self, key: &str) -> Self {
        let nodes: Vec<_> = self.nodes.iter().map(|node| node.and_then(|node| node.child(key))).collect();
        let is_open = self.is_open && nodes.iter().flatten().all(|node| node.is_map());
        Self { nodes, is_open }
    }

    /// Whether this key is a single part's, and nothing else is to be known of it.
    fn is_alone(&self, key: &str) -> bool {
        self.is_open && self.nodes.iter().flatten().filter(|node| node.child(key).is_some()).take(2).count() == 1
    }

    /// Everything that is a single part's.
    fn alone(&self) -> impl Iterator<Item = (&'n String, &'n Arc<Node>)> {
        let all = self.nodes.iter().flatten().filter_map(|node| node.as_map()).flatten();
        all.filter(|(key, _)| self.is_alone(key))
    }

    fn is_over_map(&self, number: usize) -> bool {
        self.nodes[..number].iter().flatten().any(|lower| lower.is_map())
    }
}

/// What figment has to decide about, of this part.
fn dict(number: usize, level: &Level<'_>) -> Dict {
    let map = level.nodes[number].and_then(Node::as_map);
    let contested = map.into_iter().flatten().filter(|(key, _)| !level.is_alone(key));
    contested.filter_map(|(key, node)| Some((key.clone(), value(number, node, &level.below(key))?))).collect()
}

fn value(number: usize, node: &Node, level: &Level<'_>) -> Option<Merged> {
    match &node.value {
        // A section of which everything is commented out takes nothing away.
        Value::Null if level.is_over_map(number) => None,
        Value::Map(_) => Some(Merged::Dict(Tag::Default, dict(number, level))),
        // Whatever it is: the question is only whose.
        _ => Some(Merged::Bool(Tag::Default, true)),
    }
}

/// The merged value with everything that its source knows of it.
fn restore(merged: Merged, level: &Level<'_>, figment: &Figment) -> Option<Node> {
    let owner = figment.get_metadata(merged.tag()).and_then(|metadata| metadata.name.parse::<usize>().ok());
    let nodes = &level.nodes;
    let Merged::Dict(_, dict) = merged else {
        let owner = owner?;
        let mut node = (*nodes.get(owner)?)?.clone();
        let lower = nodes[..owner].iter().flatten().rfind(|lower| !lower.is_null());
        node.hides = lower.filter(|lower| lower.is_map()).map(|lower| lower.named_at().clone());
        return Some(node);
    };
    let decided = dict.into_iter().filter_map(|(key, merged)| {
        let node = restore(merged, &level.below(&key), figment)?;
        Some((key, Arc::new(node)))
    });
    let alone = level.alone().map(|(key, node)| (key.clone(), Arc::clone(node)));
    let map: Map = decided.chain(alone).collect();
    let is_map = |node: &Option<&Node>| node.is_some_and(Node::is_map);
    // A map may have several owners; a person looks for it where it is written first.
    let (Some(first), Some(last)) = (nodes.iter().position(is_map), owner.or(nodes.iter().rposition(is_map))) else {
        return Some(Node::new(Value::Map(map), Origin::default_value()));
    };
    let source = nodes[first]?;
    let mut node = Node::new(Value::Map(map), source.origin.clone());
    node.key_origin.clone_from(&source.key_origin);
    node.is_override = source.is_override;
    let lower = nodes[..last].iter().flatten().rfind(|lower| !lower.is_null());
    node.hides = lower.filter(|lower| !lower.is_map()).map(|lower| lower.origin.clone());
    Some(node)
}
