//! Typed settings from several sources, each value with its origin, and every mistake in one report.
//!
//! [`Source`]s are read and merged into a [`Tree`] for one service; parts of the service read their [`Section`] of it
//! as a struct that derives [`SettingsSchema`](macro@SettingsSchema). What is wrong is collected in
//! [`Problems`]. A [`Setting`] follows changes, a [`Secret`] is never printed.

mod declared;
pub(crate) mod derived;
mod effective;
mod form;
mod input;
mod legacy;
mod merge;
mod node;
mod origin;
mod outline;
mod path;
mod problem;
mod rules;
mod sample;
mod schema;
mod secret;
mod setting;
mod shape;
pub mod source;
mod suggestion;
#[cfg(test)]
mod tests;
mod tree;
mod unknown;
pub(crate) mod value;
mod view;

pub use chassis_macros::SettingsSchema;

pub use self::{
    declared::Declared,
    effective::Effective,
    form::{FieldForm, Form, SettingsSchema},
    input::Input,
    origin::Origin,
    problem::{Problem, Problems, Report},
    rules::{Bound, Unit},
    sample::sample,
    schema::schema,
    secret::Secret,
    setting::{Attachment, Setting, Watch},
    shape::{Change, Choice, Shape},
    source::{Cli, Dict, Env, File, Layer, Source},
    tree::{Section, Tree},
    value::{ByteSize, OneOrMany, Serde, SettingValue, defaults},
    view::{Settings, SettingsView},
};
pub(crate) use self::{form::Names, rules::Rules};
