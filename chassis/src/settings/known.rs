//! Every key that a service declares, one by one: what it is called, what it may be, and what a change of it does.

use std::fmt;

use serde_json::Value as Json;

use super::{
    declared::Declared,
    path::KeyPath,
    shape::{Change, Field, Kind, Shape},
};

/// A key that somebody reads, or a section of such keys.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) path: KeyPath,
    /// For each step of the path, the names it may have in files; its own comes first.
    pub(crate) names: Vec<Vec<String>>,
    /// What it means.
    pub(crate) about: String,
    /// Who reads it: `resource `http``.
    pub(crate) owner: String,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    /// Keys stand below it.
    Section,
    Value(Box<Field>, Effect),
}

/// What happens when a key changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is followed while the service runs.
    Live,
    /// The resource of this name is restarted.
    Resource(String),
    /// Nothing before the next start of the service.
    Service,
}

impl Effect {
    /// One word for a table.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Effect::Live => "live",
            Effect::Resource(_) | Effect::Service => "restart",
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Live => f.write_str("live: followed while the service runs"),
            Effect::Resource(name) => write!(f, "by a restart of resource `{name}`, which the change brings about"),
            Effect::Service => f.write_str("with the next start of the service"),
        }
    }
}

/// All keys in the order in which they are declared, each section before what is in it.
pub(crate) fn known(declared: &[Declared]) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    for Declared { path, field, owner, .. } in declared {
        let mut names: Vec<Vec<String>> = path.steps().map(|step| vec![step.to_owned()]).collect();
        if let Some(last) = names.last_mut() {
            last.extend(field.aliases.iter().map(ToString::to_string));
        }
        let is_of_service = Effect::Service;
        let restart = match path.steps().collect::<Vec<_>>().as_slice() {
            ["resources", name] if *owner == format!("resource `{name}`") => Effect::Resource((*name).to_owned()),
            _ => is_of_service,
        };
        let mut walk = Walk { owner, restart, found: &mut found };
        walk.field(path.clone(), names, field, None);
    }
    // Two who read one section: what is said first counts.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|known| seen.insert(known.path.clone()));
    found
}

struct Walk<'a> {
    owner: &'a str,
    restart: Effect,
    found: &'a mut Vec<Known>,
}

impl Walk<'_> {
    fn field(&mut self, path: KeyPath, names: Vec<Vec<String>>, field: &Field, above: Option<Change>) {
        let change = field.change.or(above);
        let owner = self.owner.to_owned();
        let about = about(field);
        let is_live = field.shape.is_live();
        let Some(fields) = fields(field).filter(|_| !is_live) else {
            let by_type = if is_live { Change::Live } else { Change::Restart };
            let effect = match change.unwrap_or(by_type) {
                Change::Live => Effect::Live,
                Change::Restart => self.restart.clone(),
            };
            let content = Content::Value(Box::new(field.clone()), effect);
            return self.found.push(Known { path, names, about, owner, content });
        };
        self.found.push(Known { path: path.clone(), names: names.clone(), about, owner, content: Content::Section });
        for field in &fields {
            let called = [field.name.as_str()].into_iter().chain(field.aliases.iter().copied());
            let called: Vec<String> = called.map(str::to_owned).collect();
            let names = names.iter().cloned().chain([called]).collect();
            self.field(path.child(&field.name), names, field, change);
        }
    }
}

/// The fields of a field that is a struct; a default of the whole is that of its fields.
fn fields(field: &Field) -> Option<Vec<Field>> {
    let Kind::Group(group) = &field.shape.plain().0 else { return None };
    let default = |name: &str| field.default.as_ref().and_then(|default| default.get(name)).cloned();
    let with_default =
        |field: &Field| Field { default: default(&field.name).or_else(|| field.default.clone()), ..field.clone() };
    Some(group.fields.iter().map(with_default).collect())
}

pub(crate) fn about(field: &Field) -> String {
    match &field.shape.plain().0 {
        Kind::Group(group) if field.about.is_empty() => group.about.to_owned(),
        _ => field.about.clone(),
    }
}

/// What a key inside of a value is: the entry of a map, the item of a list.
pub(crate) fn inside<'s>(shape: &'s Shape, step: &str) -> Option<&'s Shape> {
    match &shape.plain().0 {
        Kind::Map(items) => Some(items),
        Kind::List(items) => step.parse::<usize>().is_ok().then_some(&**items),
        Kind::Group(_) => field_inside(shape, step).map(|field| &field.shape),
        Kind::Secret(inner) => inside(inner, step).map(|_| shape),
        _ => None,
    }
}

/// The field of a struct that a key inside of a value is, if it is one.
pub(crate) fn field_inside<'s>(shape: &'s Shape, step: &str) -> Option<&'s Field> {
    match &shape.plain().0 {
        Kind::Group(group) => group.fields.iter().find(|field| field.is_called(step)),
        _ => None,
    }
}

impl Known {
    /// Its field, unless it is a section.
    pub(crate) fn field(&self) -> Option<(&Field, &Effect)> {
        match &self.content {
            Content::Section => None,
            Content::Value(field, effect) => Some((field, effect)),
        }
    }
}

/// A default as it may be shown: not that of a secret, and nothing where the code alone knows it.
pub(crate) fn shown_default(field: &Field) -> Option<Json> {
    match &field.default {
        Some(_) if field.shape.has_secret() => Some(Json::String(super::secret::MASK.to_owned())),
        Some(default) => Some(default.clone()),
        None if field.is_required() => None,
        None => Some(Json::Null),
    }
}
