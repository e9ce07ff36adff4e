//! The keys of a section with their values.

use std::{
    collections::{BTreeMap, btree_map},
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use super::node::Node;

/// A map of nodes. Its clones share the nodes until one of them is changed: a section that a single source has is part
/// of the merged tree as it is.
#[derive(Clone, Default)]
pub(crate) struct Map(Arc<BTreeMap<String, Node>>);

impl Map {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether both are clones of one map that nobody has changed since.
    pub(crate) fn is_shared_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Map {
    type Target = BTreeMap<String, Node>;

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

impl FromIterator<(String, Node)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Node)>>(nodes: I) -> Self {
        Self(Arc::new(nodes.into_iter().collect()))
    }
}

impl<const N: usize> From<[(String, Node); N]> for Map {
    fn from(nodes: [(String, Node); N]) -> Self {
        Self::from_iter(nodes)
    }
}

impl IntoIterator for Map {
    type Item = (String, Node);
    type IntoIter = btree_map::IntoIter<String, Node>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Node);
    type IntoIter = btree_map::Iter<'a, String, Node>;

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
