//! Everything a service declares as one tree: what schema, sample and effective values are made of.

use serde_json::Value as Json;

use super::{
    declared::Declared,
    path::KeyPath,
    shape::{Field, Kind, Shape},
};

/// A key of the tree, with everything that is declared of it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// What it means.
    pub(crate) about: String,
    /// Who reads it; empty inside of what somebody reads as a whole.
    pub(crate) owner: String,
    pub(crate) content: Content,
}

/// What stands at a key.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Value(Box<Field>),
    Section(Section),
}

/// A map with known keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Section {
    pub(crate) entries: Vec<Entry>,
    /// Somebody reads it as a whole, so that other keys are mistakes.
    pub(crate) is_declared: bool,
    /// It may be left out although something in it is required.
    pub(crate) is_optional: bool,
    /// The same where it is set in part, if the defaults in it are those of the whole that is left out.
    pub(crate) in_part: Option<Box<Section>>,
}

impl Section {
    /// The whole tree below `system`.
    pub(crate) fn of(declared: &[Declared]) -> Self {
        let mut root = Section::default();
        for declared in declared {
            root.add(declared);
        }
        root
    }

    /// The fields of a struct.
    pub(crate) fn of_fields(fields: &[Field]) -> Self {
        let entries = fields.iter().cloned().map(Entry::of).collect();
        Section { entries, is_declared: true, ..Section::default() }
    }

    fn add(&mut self, declared: &Declared) {
        let Declared { path, field, owner, .. } = declared;
        let mut steps = path.steps();
        let Some(last) = steps.next_back() else { return };
        let mut at = self;
        for step in steps {
            at = at.section(step);
        }
        let mut field = field.clone();
        last.clone_into(&mut field.name);
        let mut entry = Entry::of(field);
        owner.clone_into(&mut entry.owner);
        at.put(entry);
    }

    /// The section of this name, which is made if it is not there.
    fn section(&mut self, name: &str) -> &mut Section {
        let at = self.position(name).unwrap_or_else(|| {
            let content = Content::Section(Section::default());
            self.entries.push(Entry { name: name.to_owned(), about: String::new(), owner: String::new(), content });
            self.entries.len() - 1
        });
        let entry = &mut self.entries[at];
        if let Content::Value(_) = entry.content {
            // A value and a section at one place: two parts of the service disagree; the section says more.
            entry.content = Content::Section(Section::default());
        }
        match &mut entry.content {
            Content::Section(section) => section,
            Content::Value(_) => unreachable!("it was made a section"),
        }
    }

    /// Adds an entry, or what it says to the one that is there.
    fn put(&mut self, entry: Entry) {
        let Some(at) = self.position(&entry.name) else {
            return self.entries.push(entry);
        };
        let there = &mut self.entries[at];
        if there.owner.is_empty() {
            there.owner = entry.owner;
        }
        if there.about.is_empty() {
            there.about = entry.about;
        }
        match (&mut there.content, entry.content) {
            (Content::Section(there), Content::Section(section)) => {
                there.is_declared |= section.is_declared;
                section.entries.into_iter().for_each(|entry| there.put(entry));
            }
            (there @ Content::Value(_), section @ Content::Section(_)) => *there = section,
            (Content::Section(_) | Content::Value(_), Content::Value(_)) => {}
        }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name == name)
    }

    /// The section at `path`.
    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Section> {
        path.steps().try_fold(self, |section, step| match &section.entries[section.position(step)?].content {
            Content::Section(section) => Some(section),
            Content::Value(_) => None,
        })
    }

    /// Whether something in it has to be set.
    pub(crate) fn is_required(&self) -> bool {
        !self.is_optional && self.entries.iter().any(Entry::is_required)
    }
}

impl Entry {
    /// A field, its struct taken apart.
    pub(crate) fn of(field: Field) -> Self {
        let (name, mut about) = (field.name.clone(), field.about.clone());
        let content = match section_of(&field) {
            Some(section) => {
                if about.is_empty() {
                    group_about(&field.shape).clone_into(&mut about);
                }
                Content::Section(section)
            }
            None => Content::Value(Box::new(field)),
        };
        Self { name, about, owner: String::new(), content }
    }

    pub(crate) fn is_required(&self) -> bool {
        match &self.content {
            Content::Value(field) => field.is_required(),
            Content::Section(section) => section.is_required(),
        }
    }
}

/// The section that a field with a struct is. A default of the whole struct is that of its fields.
fn section_of(field: &Field) -> Option<Section> {
    let fields = group(&field.shape)?;
    let is_optional = matches!(field.shape.0, Kind::Optional(_));
    match &field.default {
        None => Some(Section { is_optional, ..Section::of_fields(fields) }),
        Some(Json::Null) if is_optional => Some(Section { is_optional, ..Section::of_fields(fields) }),
        Some(Json::Object(defaults)) => {
            let with_default = |field: &Field| match defaults.get(&field.name) {
                Some(default) => Field { default: Some(default.clone()), ..field.clone() },
                None => field.clone(),
            };
            let in_part = Some(Box::new(Section::of_fields(fields)));
            let fields: Vec<Field> = fields.iter().map(with_default).collect();
            Some(Section { in_part, ..Section::of_fields(&fields) })
        }
        // A default that cannot be shown: who takes it apart would show another one.
        Some(_) => None,
    }
}

fn group(shape: &Shape) -> Option<&[Field]> {
    match &shape.plain().0 {
        Kind::Group(group) => Some(&group.fields),
        _ => None,
    }
}

fn group_about(shape: &Shape) -> &'static str {
    match &shape.plain().0 {
        Kind::Group(group) => group.about,
        _ => "",
    }
}
