//! What a service declares: every section and key that somebody reads.

use super::{
    form::SettingsSchema,
    path::KeyPath,
    shape::{Field, Shape},
    value::SettingValue,
};
use crate::settings::rules::Rules;

/// A section or a key that a part of the service reads.
#[derive(Debug, Clone)]
pub struct Declared {
    pub(crate) path: KeyPath,
    pub(crate) field: Field,
    /// Who reads it: `resource `http``.
    pub(crate) owner: String,
}

impl Declared {
    /// The section at `path`, such as `resources.http`, that is read as a `T`.
    pub fn of<T: SettingsSchema>(path: &str) -> Self {
        Self::new(path, Shape::group::<T>(), None)
    }

    /// The key at `path`, such as `microservices.orders.page_size`.
    pub fn value<V: SettingValue>(path: &str, default: Option<fn() -> V>) -> Self {
        Self::new(path, V::shape(), default.map(|default| default().show()))
    }

    fn new(path: &str, shape: Shape, default: Option<serde_json::Value>) -> Self {
        let path = KeyPath::lenient(path);
        let name = path.steps().next_back().unwrap_or_default().to_owned();
        let field = Field { name, about: String::new(), shape, default, rules: Rules::default(), change: None };
        Self { path, field, owner: String::new() }
    }

    /// Who reads it, for people.
    #[must_use]
    pub fn owner(mut self, owner: &str) -> Self {
        owner.clone_into(&mut self.owner);
        self
    }

    /// What it means.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.field.about);
        self
    }
}
