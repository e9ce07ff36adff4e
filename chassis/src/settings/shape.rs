//! What a type of settings looks like from outside: the source of schema, sample and effective values.

use std::cell::Cell;

use serde_json::Value as Json;

use super::{
    form::{Form, SettingsSchema},
    rules::Rules,
};

/// What values of a type look like.
#[derive(Debug, Clone)]
pub struct Shape(pub(crate) Kind);

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Bool,
    Int {
        min: i128,
        max: i128,
    },
    Float,
    /// Text of a certain form; `example` and what it `is` are for people.
    Text {
        is: &'static str,
        example: &'static str,
    },
    Duration,
    ByteSize,
    Choice(&'static [Choice]),
    /// A list of names, one name, or `all`.
    Names,
    List(Box<Shape>),
    Map(Box<Shape>),
    Group(Group),
    Optional(Box<Shape>),
    Secret(Box<Shape>),
    Live(Box<Shape>),
    /// Known only by a JSON Schema.
    Schema(Json),
}

/// A struct of settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Group {
    pub(crate) about: &'static str,
    pub(crate) fields: Vec<Field>,
}

/// A field of a struct of settings.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// Other names it may have in files.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) about: String,
    pub(crate) shape: Shape,
    /// The default as a person would write it; `Null` if it cannot be shown. `None`: there is none.
    pub(crate) default: Option<Json>,
    pub(crate) rules: Rules,
    /// Changes only by a restart, although its type could follow; or the other way round.
    pub(crate) change: Option<Change>,
}

/// How a field follows a changed value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// At once.
    Live,
    /// By a restart of the resource.
    Restart,
}

/// One value of a choice.
#[derive(Debug, Clone, Copy)]
pub struct Choice {
    /// How it is written.
    pub name: &'static str,
    /// Other names it is known by.
    pub aliases: &'static [&'static str],
    /// What it means.
    pub about: &'static str,
}

impl Shape {
    /// Free text.
    pub fn text() -> Self {
        Self::text_like("text", "")
    }

    /// Text of a certain form: what it `is` (`an address and port`) and an example.
    pub fn text_like(is: &'static str, example: &'static str) -> Self {
        Self(Kind::Text { is, example })
    }

    /// True or false.
    pub fn boolean() -> Self {
        Self(Kind::Bool)
    }

    /// A whole number.
    pub fn whole_number(min: i128, max: i128) -> Self {
        Self(Kind::Int { min, max })
    }

    /// One of these names.
    pub fn choice(choices: &'static [Choice]) -> Self {
        Self(Kind::Choice(choices))
    }

    /// Anything that fits a JSON Schema.
    pub fn schema(schema: Json) -> Self {
        Self(Kind::Schema(schema))
    }

    /// The fields of a struct.
    pub(crate) fn group<T: SettingsSchema>() -> Self {
        // A struct that contains itself would never end.
        const DEEPEST: u8 = 16;
        thread_local!(static DEPTH: Cell<u8> = const { Cell::new(0) });
        let depth = DEPTH.get();
        if depth == DEEPEST {
            return Self(Kind::Group(Group::default()));
        }
        DEPTH.set(depth + 1);
        let fields = Form::describe::<T>();
        DEPTH.set(depth);
        Self(Kind::Group(Group { about: T::ABOUT, fields }))
    }

    /// Whether a secret is in it, however deep.
    pub fn has_secret(&self) -> bool {
        match &self.0 {
            Kind::Secret(_) => true,
            Kind::List(inner) | Kind::Map(inner) | Kind::Optional(inner) | Kind::Live(inner) => inner.has_secret(),
            Kind::Group(group) => group.fields.iter().any(|field| field.shape.has_secret()),
            Kind::Schema(schema) => is_write_only(schema),
            _ => false,
        }
    }

    /// Whether it may be left out although it has no default.
    pub(crate) fn is_optional(&self) -> bool {
        match &self.0 {
            Kind::Optional(_) => true,
            Kind::Live(inner) => inner.is_optional(),
            Kind::Group(group) => !group.fields.iter().any(Field::is_required),
            _ => false,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        match &self.0 {
            Kind::Live(_) => true,
            Kind::Optional(inner) | Kind::Secret(inner) => inner.is_live(),
            _ => false,
        }
    }

    /// The shape without what only says how it is kept.
    pub(crate) fn plain(&self) -> &Shape {
        match &self.0 {
            Kind::Optional(inner) | Kind::Live(inner) => inner.plain(),
            _ => self,
        }
    }
}

impl Field {
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    pub(crate) fn is_required(&self) -> bool {
        self.default.is_none() && !self.shape.is_optional()
    }
}

fn is_write_only(schema: &Json) -> bool {
    match schema {
        Json::Object(members) => {
            members.get("writeOnly") == Some(&Json::Bool(true)) || members.values().any(is_write_only)
        }
        Json::Array(items) => items.iter().any(is_write_only),
        _ => false,
    }
}
