//! Typed settings from several sources, each value with its origin, and every mistake in one report.
//!
//! [`Source`]s are read and merged into a [`Tree`] for one service; parts of the service read their [`Section`] of it
//! as a struct that derives [`SettingsSchema`](macro@SettingsSchema). What is wrong is collected in
//! [`Problems`]. A [`Setting`] follows changes, a [`Secret`] is never printed.

mod accepted;
mod candidate;
mod comparison;
mod declarations;
mod declared;
pub(crate) mod derived;
mod difference;
#[cfg(feature = "etcd")]
mod documents;
mod effective;
mod explain;
mod form;
mod input;
mod known;
mod legacy;
mod map;
mod merge;
mod node;
mod origin;
mod outline;
mod path;
mod prefix_watch;
mod problem;
mod reference;
mod rules;
mod sample;
mod schema;
mod secret;
mod setting;
mod shape;
pub mod source;
pub(crate) mod suggestion;
#[cfg(test)]
mod tests;
mod tree;
mod unknown;
pub(crate) mod value;
mod view;

/// Makes a struct a struct of settings, or an enum a choice of names.
///
/// It implements the trait of the same name, `Deserialize` and `JsonSchema`; documentation comments become the
/// descriptions in schema and sample. A field without a default has to be set, unless it is an `Option`.
///
/// ```
/// use std::time::Duration;
///
/// use chassis::settings::{ByteSize, Dict, Secret, Setting, SettingsSchema};
///
/// /// Says hello; at `system.resources.greeter`.
/// #[derive(SettingsSchema)]
/// #[settings(check = GreeterSettings::check)]
/// struct GreeterSettings {
///     /// Who is greeted.
///     #[setting(default = "world")]
///     name: Setting<String>,
///     /// Key of the greeting service.
///     key: Secret<String>,
///     /// How long to wait; bare numbers are milliseconds.
///     #[setting(default = "1s", unit = "ms", min = "10ms", alias = "timeout")]
///     patience: Duration,
///     #[setting(default = 3, range = 1..=10)]
///     attempts: u32,
///     #[setting(default = Tone::Friendly)]
///     tone: Tone,
///     /// A longer greeting is cut.
///     limit: Option<ByteSize>,
/// }
///
/// #[derive(Debug, Clone, Copy, PartialEq, SettingsSchema)]
/// #[settings(rename_all = "kebab-case")]
/// enum Tone {
///     Friendly,
///     /// Yours sincerely.
///     #[setting(alias = "formal")]
///     VeryFormal,
/// }
///
/// impl GreeterSettings {
///     fn check(&self) -> Result<(), &'static str> {
///         match self.tone {
///             Tone::VeryFormal if self.attempts > 1 => Err("who is formal asks once: set `attempts: 1`"),
///             _ => Ok(()),
///         }
///     }
/// }
///
/// let settings: GreeterSettings = Dict::new().set("key", "x").set("tone", "formal").set("attempts", 1).read()?;
/// assert_eq!(settings.tone, Tone::VeryFormal);
/// assert!(Dict::new().set("key", "x").set("atempts", 1).read::<GreeterSettings>().is_err());
/// # Ok::<(), chassis::Error>(())
/// ```
///
/// | on a field | |
/// | --- | --- |
/// | `default = value`, `default = "text"`, `default` | its value when nobody sets it; text is read as in a file |
/// | `range = 1..=10`, `min = …`, `max = …` | limits of a number, a duration or a size |
/// | `unit = "ms"` | what a bare number means for a duration; seconds otherwise |
/// | `rename = "type"`, `alias = "old"`, `alias = ["a", "b"]` | its name in files, and others that are accepted |
/// | `serde` | the type implements `Deserialize` and `JsonSchema` itself |
/// | `skip` | not a setting; `Default` |
/// | `live`, `restart` | how it follows a change, for the schema; by its type otherwise |
///
/// | on the struct or enum | |
/// | --- | --- |
/// | `check = path` | a rule between fields: `fn(&Self) -> Result<(), impl Display>` |
/// | `default` | what has no default of its own takes it from the struct's `Default` |
/// | `rename_all = "kebab-case"` | how names are written; `snake_case` otherwise |
/// | `crate = path` | where `chassis` is found when it is renamed |
pub use chassis_macros::SettingsSchema;

#[cfg(feature = "etcd")]
pub(crate) use self::documents::Documents;
#[cfg(feature = "etcd")]
pub use self::source::Etcd;
pub use self::{
    accepted::Accepted,
    declared::Declared,
    effective::Effective,
    form::{FieldForm, Form, SettingsSchema},
    input::Input,
    origin::Origin,
    prefix_watch::{KeyChange, PrefixWatch},
    problem::{Problem, Problems, Report},
    reference::reference,
    rules::{Bound, Unit},
    sample::sample,
    schema::schema,
    secret::Secret,
    setting::{Attachment, Setting, Watch},
    shape::{Change, Choice, Shape},
    source::{Changes, Cli, Dict, Env, File, Following, Layer, Source},
    tree::{Section, Tree},
    value::{ByteSize, OneOrMany, Serde, SettingValue, defaults},
    view::{Settings, SettingsView},
};
pub(crate) use self::{candidate::Candidate, difference::Difference, form::Names, path::KeyPath, rules::Rules};
