//! The keys of a section with their values.

use std::{
    collections::{BTreeMap, btree_map},
    fmt, iter,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use super::node::Node;

/// A map of nodes. Its clones share all of it until one of them is changed, and the nodes after that: what a single source
/// says is part of the merged tree as it is.
#[derive(Clone, Default)]
pub(crate) struct Map(Arc<BTreeMap<String, Arc<Node>>>);

impl Map {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether both are clones of one map that nobody has changed since.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.0.get(key).map(AsRef::as_ref)
    }

    /// Puts a node at a key; gives the one that was there.
    pub(crate) fn insert(&mut self, key: String, node: impl Into<Arc<Node>>) -> Option<Arc<Node>> {
        self.deref_mut().insert(key, node.into())
    }

    /// The node at a key, to be changed in this map alone.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.deref_mut().get_mut(key).map(Arc::make_mut)
    }

    /// The same, which is made if it is not there.
    pub(crate) fn get_or_insert_with(&mut self, key: &str, node: impl FnOnce() -> Node) -> &mut Node {
        Arc::make_mut(self.deref_mut().entry(key.to_owned()).or_insert_with(|| node().into()))
    }

    /// All nodes, to be changed in this map alone.
    pub(crate) fn nodes_mut(&mut self) -> impl Iterator<Item = (&String, &mut Node)> {
        self.deref_mut().iter_mut().map(|(key, node)| (key, Arc::make_mut(node)))
    }

    /// Takes away what is at a key.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Node> {
        self.deref_mut().remove(key).map(Arc::unwrap_or_clone)
    }
}

impl Deref for Map {
    type Target = BTreeMap<String, Arc<Node>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Map {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.is_shared_with(other) || self.0 == other.0
    }
}

impl<N: Into<Arc<Node>>> FromIterator<(String, N)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, N)>>(nodes: I) -> Self {
        Self(Arc::new(nodes.into_iter().map(|(key, node)| (key, node.into())).collect()))
    }
}

impl<const N: usize> From<[(String, Node); N]> for Map {
    fn from(nodes: [(String, Node); N]) -> Self {
        Self::from_iter(nodes)
    }
}

impl IntoIterator for Map {
    type Item = (String, Node);
    type IntoIter = iter::Map<btree_map::IntoIter<String, Arc<Node>>, fn((String, Arc<Node>)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter().map(|(key, node)| (key, Arc::unwrap_or_clone(node)))
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Arc<Node>);
    type IntoIter = btree_map::Iter<'a, String, Arc<Node>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{node::Value, origin::Origin};

    #[test]
    fn a_clone_is_shared_until_one_of_them_changes() {
        let node = |value| Node::new(Value::Int(value), Origin::builder());
        let one = Map::from([("a".to_owned(), node(1))]);
        let mut other = one.clone();
        assert!(one.is_shared_with(&other));
        other.insert("b".to_owned(), node(2));
        assert!(!one.is_shared_with(&other) && one != other, "the other was changed");
        assert_eq!((one.len(), other.len()), (1, 2));
        other.remove("b");
        assert!(!one.is_shared_with(&other) && one == other, "they are the same again, each by itself");
    }
}
