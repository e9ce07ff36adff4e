//! The types a setting can have: how each is read from the tree, described, and shown.

mod address;
mod byte_size;
mod choice;
mod collection;
mod duration;
mod number;
mod serde;
mod text;

use serde_json::Value as Json;

#[cfg_attr(not(feature = "etcd"), expect(unused_imports, reason = "for messages of that feature"))]
pub(crate) use self::duration::show_duration;
pub use self::{
    byte_size::ByteSize,
    choice::{choose, show_choice},
    collection::OneOrMany,
    serde::Serde,
};
pub(crate) use self::{duration::parse_duration, number::expected_int};
use super::{
    form::{Form, SettingsSchema},
    input::Input,
    node::{Node, Value},
    origin::Origin,
    path::{KeyPath, Trail},
    problem::Problems,
    setting::Attachment,
    shape::Shape,
};
use crate::json::object;

/// A type that a setting can have.
///
/// ```
/// use chassis::settings::{Dict, Input, SettingValue, SettingsSchema, Shape};
///
/// /// `40%`
/// #[derive(Debug, PartialEq)]
/// struct Percent(u8);
///
/// impl SettingValue for Percent {
///     type Plain = Self;
///
///     fn from_plain(plain: Self) -> Self {
///         plain
///     }
///
///     fn read(input: &mut Input<'_>) -> Option<Self> {
///         let text = input.text();
///         let number = text.as_deref().and_then(|text| text.strip_suffix('%')).and_then(|number| number.parse().ok());
///         if number.is_none() {
///             input.mismatch("a share such as `40%`");
///         }
///         number.map(Self)
///     }
///
///     fn shape() -> Shape {
///         Shape::text_like("a share", "40%")
///     }
///
///     fn show(&self) -> serde_json::Value {
///         format!("{}%", self.0).into()
///     }
/// }
///
/// #[derive(SettingsSchema)]
/// struct Sampling {
///     #[setting(default = Percent(10))]
///     rate: Percent,
/// }
///
/// assert_eq!(Dict::new().set("rate", "40%").read::<Sampling>()?.rate, Percent(40));
/// # Ok::<(), chassis::Error>(())
/// ```
///
/// For a type of one's own that implements `Deserialize` and `JsonSchema`, `#[setting(serde)]` on the field or
/// [`Serde`] around the type does it. Structs and enums derive it with `#[derive(SettingsSchema)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a type that a setting can have",
    label = "this setting cannot be read",
    note = "derive `SettingsSchema` for it; or, if it implements `Deserialize` and `JsonSchema`, put \
            `#[setting(serde)]` on the field"
)]
pub trait SettingValue: Sized + Send + Sync + 'static {
    /// What a default in code is written as; `Self`, but `T` for a `Setting<T>` or a `Secret<T>`.
    type Plain;

    /// Makes a default out of what is written in code.
    fn from_plain(plain: Self::Plain) -> Self;

    /// Reads it, or tells what is wrong and gives `None`. There is a value, and it is not null.
    fn read(input: &mut Input<'_>) -> Option<Self>;

    /// What it is without a value and without a default; a problem, for most types.
    fn read_absent(input: &mut Input<'_>) -> Option<Self> {
        input.missing();
        None
    }

    /// What it looks like in files.
    fn shape() -> Shape;

    /// The value as a person would write it in a file; never a secret.
    fn show(&self) -> Json;

    /// Ties a value that follows changes to its place.
    #[doc(hidden)]
    fn attach(&self, _at: &Attachment<'_, Self>) {}
}

#[diagnostic::do_not_recommend]
impl<T: SettingsSchema> SettingValue for T {
    type Plain = Self;

    fn from_plain(plain: Self) -> Self {
        plain
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        Form::read(input, &[])
    }

    fn read_absent(input: &mut Input<'_>) -> Option<Self> {
        Form::read(input, &[])
    }

    fn shape() -> Shape {
        Shape::group::<Self>()
    }

    fn show(&self) -> Json {
        self.show_fields()
    }
}

/// The fields of a struct, as [`SettingsSchema::show_fields`] gives them.
pub fn show_fields(fields: &[(&str, Json)]) -> Json {
    Json::Object(object(fields.iter().map(|(name, value)| (*name, value.clone()))))
}

/// The value of a field: shown as its type says, or by [`ShowNothing`] where the type is no [`SettingValue`].
#[derive(Debug)]
pub struct Shown<'a, T>(pub &'a T);

impl<T: SettingValue> Shown<'_, T> {
    /// The value as a person would write it in a file.
    pub fn show(&self) -> Json {
        self.0.show()
    }
}

/// What is called for a type that cannot be shown; the compiler tells of it where it is read.
pub trait ShowNothing {
    /// Nothing.
    fn show(&self) -> Json {
        Json::Null
    }
}

impl<T> ShowNothing for Shown<'_, T> {}

/// What settings are when nobody sets any: for tests, and where others build on them.
///
/// # Panics
/// When one of them is required, which does not depend on any file.
pub fn defaults<T: SettingsSchema>() -> T {
    match read_alone(&Node::empty_map(Origin::default_value())) {
        Ok(value) => value,
        Err(problems) => panic!("there are no defaults: {problems}"),
    }
}

/// A default that is written as a value: `#[setting(default = 20)]`.
pub fn from_plain<V: SettingValue>(plain: V::Plain) -> V {
    V::from_plain(plain)
}

/// A default that is written as text: `#[setting(default = "10s")]`.
///
/// # Panics
/// When the text does not fit the type; the service's own tests see it at once, for it does not depend on any file.
pub fn from_text<V: SettingValue>(text: &'static str) -> V {
    match read_alone(&Node::new(Value::Text(text.into()), Origin::default_value())) {
        Ok(value) => value,
        Err(problems) => panic!("`{text}` cannot be a default: {problems}"),
    }
}

/// Reads a value that is not part of a tree.
pub(crate) fn read_alone<V: SettingValue>(node: &Node) -> Result<V, Problems> {
    let mut problems = Problems::new();
    let path = KeyPath::default();
    let trail = Trail::base(&path);
    let value = V::read(&mut Input::alone(Some(node), &trail, &mut problems));
    value.filter(|_| problems.is_empty()).ok_or(problems)
}

/// The parts of an implementation for a type whose defaults are written as the type itself.
macro_rules! plain {
    () => {
        type Plain = Self;

        fn from_plain(plain: Self) -> Self {
            plain
        }
    };
}
use plain;
