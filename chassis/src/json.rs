//! Objects of JSON, made of their members.

use serde_json::{Map, Value};

/// The object of these members; of two with one name it has the later.
///
/// `collect` would sort them first, by a sorting that is compiled anew for each iterator it is given.
pub(crate) fn object<K: Into<String>>(members: impl IntoIterator<Item = (K, Value)>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in members {
        object.insert(name.into(), value);
    }
    object
}
