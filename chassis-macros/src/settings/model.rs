//! What was written, with its places.

use proc_macro2::Span;
use syn::{Expr, Generics, Ident, Path, Type};

use crate::paths::Paths;

/// An item that derives `SettingsSchema`.
pub(super) struct Settings {
    pub(super) paths: Paths,
    pub(super) ident: Ident,
    pub(super) generics: Generics,
    pub(super) about: String,
    /// `#[settings(check = path)]`
    pub(super) check: Option<Path>,
    pub(super) body: Body,
}

pub(super) enum Body {
    /// `struct S;`
    Unit,
    /// Nothing that settings can be made of; why is told.
    Broken,
    Struct(Vec<Field>),
    Enum(Vec<Variant>),
}

pub(crate) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) about: String,
    pub(crate) name: Name,
    pub(super) aliases: Vec<Name>,
    pub(super) default: Default,
    pub(super) min: Option<Expr>,
    pub(super) max: Option<Expr>,
    pub(super) unit: Option<&'static str>,
    /// `Some(true)` for `live`, `Some(false)` for `restart`.
    pub(super) is_live: Option<bool>,
    /// Read through serde.
    pub(crate) is_serde: bool,
    /// Not a setting at all.
    pub(super) is_skipped: bool,
}

pub(crate) enum Default {
    None,
    /// `#[setting(default)]`: that of the type.
    OfType,
    /// `#[settings(default)]` on the struct: that field of the struct's.
    OfStruct,
    /// `#[setting(default = value)]`
    Value(Expr),
}

pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) about: String,
    pub(super) name: Name,
    pub(super) aliases: Vec<Name>,
}

/// How something is called in files.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}
