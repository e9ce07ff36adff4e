//! What a service declares: every section and key that somebody reads.

use std::{fmt, sync::Arc};

use super::{
    form::{Names, SettingsSchema},
    path::KeyPath,
    problem::Problems,
    rules::Rules,
    shape::{Field, Kind, Shape},
    tree::{Section, Tree},
    value::SettingValue,
};

/// A section or a key that a part of the service reads.
#[derive(Clone)]
pub struct Declared {
    pub(crate) path: KeyPath,
    pub(crate) field: Field,
    /// Who reads it: `resource `http``.
    pub(crate) owner: String,
    read: Read,
}

/// Reads a section, or a key in it, for the problems alone.
type Read = Arc<dyn Fn(&Section<'_>, &Field, &mut Problems) + Send + Sync>;

impl Declared {
    /// The section at `path`, such as `resources.http`, that is read as a `T`.
    pub fn of<T: SettingsSchema>(path: &str) -> Self {
        let read: Read = Arc::new(|section, _, problems| {
            section.read::<T>(&[], problems);
        });
        Self::new(path, Shape::group::<T>(), None, read)
    }

    /// The key at `path`, such as `microservices.orders.page_size`.
    pub fn value<V: SettingValue>(path: &str, default: Option<fn() -> V>) -> Self {
        let read: Read = Arc::new(move |section, field, problems| {
            section.key(&Names::owned(&field.name).or(field.aliases), default, field.rules, problems);
        });
        Self::new(path, V::shape(), default.map(|default| default().show()), read)
    }

    fn new(path: &str, shape: Shape, default: Option<serde_json::Value>, read: Read) -> Self {
        let path = KeyPath::lenient(path);
        let name = path.steps().next_back().unwrap_or_default().to_owned();
        let field =
            Field { name, aliases: &[], about: String::new(), shape, default, rules: Rules::default(), change: None };
        Self { path, field, owner: String::new(), read }
    }

    /// Reads it, for the problems alone.
    pub(crate) fn check(&self, tree: &Tree, problems: &mut Problems) {
        let mut path = self.path.clone();
        if !matches!(self.field.shape.0, Kind::Group(_)) {
            path.pop();
        }
        (self.read)(&tree.section_at(path), &self.field, problems);
    }

    /// Who reads it, for people.
    #[must_use]
    pub fn owner(mut self, owner: &str) -> Self {
        owner.clone_into(&mut self.owner);
        self
    }

    /// Other names that it may have, and what it asks of its value.
    #[must_use]
    pub(crate) fn rules(mut self, aliases: &'static [&'static str], rules: Rules) -> Self {
        (self.field.aliases, self.field.rules) = (aliases, rules);
        self
    }

    /// What it means.
    #[must_use]
    pub fn about(mut self, about: &str) -> Self {
        about.clone_into(&mut self.field.about);
        self
    }
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Declared({})", self.path)
    }
}
