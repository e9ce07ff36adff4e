//! Follows everything below a prefix: which keys have another value, which are new, and which are gone.

use std::{borrow::Cow, collections::BTreeSet, fmt, mem, sync::Arc};

use tokio::sync::watch;

use super::{
    difference::is_same,
    map::Map,
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    problem::Problems,
    setting::{Commit, Live},
    tree::Tree,
    value::SettingValue,
    view::read_at,
};
use crate::Result;

/// Follows all keys below a prefix, declared or not; made by [`Settings::watch_below`](super::Settings::watch_below).
pub struct PrefixWatch {
    changes: watch::Receiver<Option<Arc<Node>>>,
    /// As it was told last.
    seen: Option<Arc<Node>>,
    /// Kept alive, so that it goes on being updated.
    place: Arc<Below>,
}

impl PrefixWatch {
    /// Follows what is below `prefix` from what it is in this tree.
    pub(super) fn begin(tree: &Tree, prefix: KeyPath) -> Self {
        let seen = tree.root.at(&prefix).cloned().map(Arc::new);
        let place = Arc::new(Below { prefix, now: watch::Sender::new(seen.clone()) });
        let changes = place.now.subscribe();
        tree.cells.add(&(Arc::clone(&place) as Arc<dyn Live>));
        Self { changes, seen, place }
    }

    /// Waits until something below the prefix is another than what was told last, and gives every key that is, in
    /// alphabetical order. Of many quick changes the last is always told; what is again as it was is not.
    ///
    /// # Cancel safety
    /// Nothing is lost: a change that came meanwhile is told by the next call.
    pub async fn changed(&mut self) -> Vec<KeyChange> {
        loop {
            // The sender lives as long as `place`, so this cannot fail.
            let _ = self.changes.changed().await;
            let now = self.changes.borrow_and_update().clone();
            let before = mem::replace(&mut self.seen, now);
            let mut found = Vec::new();
            let prefix = &self.place.prefix;
            walk(&[], before.as_deref(), self.seen.as_deref(), &mut |steps, node| {
                let below = KeyPath::from_steps(steps.iter().copied().map(Box::from).collect());
                found.push(KeyChange { path: prefix.join(&below), key: below.below_root(), node: node.cloned() });
            });
            if !found.is_empty() {
                return found;
            }
        }
    }
}

impl fmt::Debug for PrefixWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrefixWatch({})", self.place.prefix)
    }
}

/// A key that has another value than before, is new, or is gone. Its `Debug` does not show the value: it may be a secret.
pub struct KeyChange {
    path: KeyPath,
    key: String,
    node: Option<Node>,
}

impl KeyChange {
    /// The key, from the prefix on: `size`; empty for the value at the prefix itself.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The whole path of the key: `system.resources.pool.size`.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// Whether nothing is set there any more: what is declared has its default.
    pub fn is_gone(&self) -> bool {
        self.node.is_none()
    }

    /// Where the value was written; [`Origin::default_value`] when it is gone.
    pub fn origin(&self) -> Origin {
        self.node.as_ref().map_or_else(Origin::default_value, |node| node.origin.clone())
    }

    /// The value; an `Option` is `None` when it is gone.
    ///
    /// # Errors
    /// When it is gone, or is not a `T`.
    pub fn get<T: SettingValue>(&self) -> Result<T> {
        read_at(&self.path, self.node.as_ref(), T::read_absent)
    }
}

impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "{} at {}", self.path, node.origin),
            None => write!(f, "{} gone", self.path),
        }
    }
}

/// What is below a prefix now.
struct Below {
    prefix: KeyPath,
    now: watch::Sender<Option<Arc<Node>>>,
}

impl Live for Below {
    fn place(&self) -> &KeyPath {
        &self.prefix
    }

    fn follow(self: Arc<Self>, old: Option<&Node>, new: Option<&Node>, problems: &mut Problems) -> Option<Commit> {
        if old == new { None } else { self.prepare(new, problems) }
    }

    fn prepare(self: Arc<Self>, candidate: Option<&Node>, _: &mut Problems) -> Option<Commit> {
        let found = candidate.cloned().map(Arc::new);
        Some(Box::new(move || {
            self.now.send_replace(found);
        }))
    }
}

/// Tells every value that is another one, by the steps to it. A map is its keys, and nothing if it has none.
fn walk(steps: &[&str], old: Option<&Node>, new: Option<&Node>, tell: &mut dyn FnMut(&[&str], Option<&Node>)) {
    let (old, new) = (old.and_then(opened), new.and_then(opened));
    let (old, new) = (old.as_deref(), new.as_deref());
    let empty = Map::new();
    let (old_map, new_map) = (old.and_then(Node::as_map), new.and_then(Node::as_map));
    let (old_leaf, new_leaf) = (old.filter(|node| !node.is_map()), new.filter(|node| !node.is_map()));
    if !is_same(old_leaf, new_leaf) {
        tell(steps, new_leaf);
    }
    let (old, new) = (old_map.unwrap_or(&empty), new_map.unwrap_or(&empty));
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    for key in keys {
        walk(&[steps, &[key]].concat(), old.get(key), new.get(key), tell);
    }
}

/// A value as it is compared: `null` is none, and a map that is written as JSON in raw text is a map.
fn opened(node: &Node) -> Option<Cow<'_, Node>> {
    match &node.value {
        Value::Null => None,
        Value::Raw(text) if text.trim_start().starts_with('{') => match node.parsed() {
            Ok(Some(map)) => Some(Cow::Owned(map)),
            _ => Some(Cow::Borrowed(node)),
        },
        _ => Some(Cow::Borrowed(node)),
    }
}
