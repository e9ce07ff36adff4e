//! What a service declares: every section and key that somebody reads.

use super::{
    Problems, Section, Tree,
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
    read: fn(&Section<'_>, &[&str], &mut Problems),
}

impl Declared {
    /// The section at `path`, such as `resources.http`, that is read as a `T`.
    pub fn of<T: SettingsSchema>(path: &str) -> Self {
        let read =
            |section: &Section<'_>, also: &[&str], problems: &mut Problems| drop(section.read::<T>(also, problems));
        Self::new(path, Shape::group::<T>(), None, read)
    }

    /// The key at `path`, such as `microservices.orders.page_size`.
    pub fn value<V: SettingValue>(path: &str, default: Option<fn() -> V>) -> Self {
        // Whoever reads a single key knows its default, and so finds what is wrong with it.
        Self::new(path, V::shape(), default.map(|default| default().show()), |_, _, _| {})
    }

    fn new(
        path: &str,
        shape: Shape,
        default: Option<serde_json::Value>,
        read: fn(&Section<'_>, &[&str], &mut Problems),
    ) -> Self {
        let path = KeyPath::lenient(path);
        let name = path.steps().next_back().unwrap_or_default().to_owned();
        let field = Field { name, about: String::new(), shape, default, rules: Rules::default(), change: None };
        Self { path, field, owner: String::new(), read }
    }

    /// Reads the section to find what is wrong with it, among everything that the service declares.
    pub(crate) fn check(&self, tree: &Tree, declared: &[Declared], problems: &mut Problems) {
        let section = tree.section_at(self.path.clone());
        (self.read)(&section, &names_below(&self.path, declared), problems);
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

/// The keys of the section at `path` that lead to what else is declared.
pub(crate) fn names_below<'d>(path: &KeyPath, declared: &'d [Declared]) -> Vec<&'d str> {
    let depth = path.steps().len();
    let below = declared.iter().filter(|declared| declared.path.starts_with(path));
    below.filter_map(|declared| declared.path.steps().nth(depth)).collect()
}
