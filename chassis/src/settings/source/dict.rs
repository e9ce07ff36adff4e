//! Settings given in code, to the builder of a service.

use serde::Serialize;
use serde_json::Value as Json;

use super::{Layer, Source};
use crate::{
    Result,
    settings::{
        node::{Node, Value},
        origin::Origin,
        path::KeyPath,
        problem::{Problem, Problems},
        value::{SettingValue, read_alone},
    },
};

/// Settings given in code; [`yaml!`](crate::yaml) writes one.
#[derive(Clone, Default)]
pub struct Dict {
    /// Paths and values, in the order they were given.
    entries: Vec<(String, Node)>,
}

impl Dict {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the key at `path`, such as `resources.http.port`. Maps are laid over what was set before.
    #[must_use]
    pub fn set(mut self, path: impl Into<String>, value: impl Into<Json>) -> Self {
        self.extend([(path.into(), value.into())]);
        self
    }

    /// Everything that `settings` serializes to, with or without the root `system`.
    ///
    /// # Errors
    /// When it cannot be serialized to a map.
    pub fn from_serialize(settings: impl Serialize) -> Result<Self> {
        Ok(Self::from(serde_json::to_value(settings)?))
    }

    /// Reads the whole as a `T`: for tests of a struct of settings.
    ///
    /// # Errors
    /// Every problem, in one report.
    pub fn read<T: SettingValue>(&self) -> Result<T> {
        let mut problems = Problems::new();
        let layer = self.load(&mut problems);
        let value = read_alone(&layer.root).map_err(|found| problems.append(found)).ok();
        problems.into_result()?;
        value.ok_or_else(|| crate::Error::msg("settings without a value"))
    }
}

/// A map of settings, with or without the root `system`.
impl From<Json> for Dict {
    fn from(settings: Json) -> Self {
        Self::new().set("", settings)
    }
}

impl Extend<(String, Json)> for Dict {
    fn extend<I: IntoIterator<Item = (String, Json)>>(&mut self, entries: I) {
        let origin = Origin::builder();
        self.entries.extend(entries.into_iter().map(|(path, value)| (path, Node::from_json(value, &origin))));
    }
}

impl Source for Dict {
    fn name(&self) -> String {
        "builder".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        let mut layer = Layer::empty();
        for (path, node) in self.entries.iter().cloned() {
            if !path.is_empty() && path != "system" {
                insert(&mut layer, &path, node, problems);
                continue;
            }
            let Value::Map(map) = node.value else {
                let found = node.found(false);
                problems.push(Problem::of_source(node.origin, format!("settings are a map, not {found}")));
                continue;
            };
            let Value::Map(map) = Layer::below_root(map, node.origin).value else { continue };
            for (key, node) in map {
                lay(&mut layer, &KeyPath::from_steps(vec![key.into()]), node, problems);
            }
        }
        layer
    }
}

/// Its values may be secrets.
impl std::fmt::Debug for Dict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Dict({})", self.entries.len())
    }
}

fn insert(layer: &mut Layer, path: &str, node: Node, problems: &mut Problems) {
    match KeyPath::parse(path) {
        Ok(path) => lay(layer, &path, node, problems),
        Err(error) => problems.push(Problem::of_source(
            node.origin,
            format!("`{}` is not the path of a setting: {error}", path.escape_debug()),
        )),
    }
}

/// Adds a value, maps key by key.
fn lay(layer: &mut Layer, path: &KeyPath, node: Node, problems: &mut Problems) {
    match node.value {
        Value::Map(map) if layer.root.at(path).is_some_and(Node::is_map) => {
            for (key, node) in map {
                lay(layer, &path.child(&key), node, problems);
            }
        }
        value => layer.insert_at(path, Node::new(value, node.origin), problems),
    }
}
