//! What expansions of the macros may name; nobody else.

use std::sync::Arc;

pub use core::{
    option::Option::{self, None, Some},
    primitive::{bool, str},
    result::Result::{Err, Ok},
};
pub use std::{process::ExitCode, stringify, time::Duration, vec::Vec};

use crate::Resource;

pub use crate::testing::yaml::expansion as yaml;
pub use crate::{
    Builder, Context, Microservice, NoArgs, Result,
    blueprint::{Blueprint, When},
    handler::{each, each_with, settle, take},
    leadership::Etcd,
    lifecycle::Phase,
    metrics::{LabelValue, LabelValues, Labels, MeterOptions, time as timed},
    microservice::{FromContext, Parts},
    run::run,
    supervision::{OnGiveUp, Restart},
    tasks::{Overlap, Schedule, TimerId},
};

/// What routes expand to.
#[cfg(feature = "http-server")]
pub mod http {
    pub use crate::http_server::{
        HttpServer, Shape, Undescribed, answer, any, delete, get, head, last, options, part, patch, post, put,
    };
}

/// What handlers of messages expand to.
#[cfg(feature = "_messaging")]
pub mod messaging {
    pub use crate::messaging::{Shape, Undescribed, pull, reply, subscribe};
}

/// The methods of a service that has no `impl` block marked `#[microservice]`: a function of a block hides this one.
///
/// Two blocks without a part define it twice, and the compiler's only words about that are its name.
pub trait NoMethods: Sized {
    /// Lists nothing.
    fn chassis_only_one_block_may_have_no_part(_: &mut Blueprint<Self>) {}
}

impl<S> NoMethods for S {}

/// A field that no resource, setting or meter is in.
#[diagnostic::on_unimplemented(
    message = "field of type `{Self}` cannot be shared between threads",
    label = "everything that runs in the service uses this field",
    note = "keep it in a `Mutex`, or use an atomic or an `Arc` in it"
)]
pub trait Shared {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Shared for T {}

/// A field without `#[init(…)]`.
#[diagnostic::on_unimplemented(
    message = "field of type `{Self}` has no default value",
    label = "what is its first value?",
    note = "give it one: `#[init(expression)]`"
)]
pub trait Initial {
    /// The value before anything has happened.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> Initial for T {
    fn initial() -> Self {
        T::default()
    }
}

/// The first value of a field.
pub fn initial<T: Initial + Shared>() -> T {
    T::initial()
}

/// The value of a field whose mistakes are told; it lets the rest compile, and is never run.
pub fn broken<T>() -> T {
    unreachable!("a service with mistakes does not compile")
}

/// A field that hooks can be around.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource, so nothing can run before or after it",
    label = "a hook names a field marked `#[resource]`"
)]
pub trait Hooked {}

#[diagnostic::do_not_recommend]
impl<R: Resource> Hooked for R {}

/// The name of a resource; `get` shows the compiler that there is one.
pub fn resource_name<S, R: Hooked>(name: &'static str, get: fn(&S) -> &R) -> &'static str {
    let _ = get;
    name
}

/// A service with fields of this type of server, for handlers that do not say which field they are for.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no `{T}` field for this handler",
    label = "which server calls this method?",
    note = "add `#[resource] http: {T}` to the struct; or, if the field's type has another name, say which: `#[get(field, \"/path\")]`",
    note = "if the field is there, is `#[microservice]` on the struct?"
)]
pub trait Sole<T> {
    /// [`One`] or [`Several`].
    type Count;

    /// The field.
    fn sole(&self) -> &T;
}

/// One field has this type.
pub enum One {}

/// Several fields have this type.
pub enum Several {}

/// A number of fields that leaves no choice.
#[diagnostic::on_unimplemented(
    message = "several fields could serve this handler",
    label = "which of them calls this method?",
    note = "say which: `#[get(field, \"/path\")]`"
)]
pub trait OnlyOne {}

impl OnlyOne for One {}

/// The only field of a service that has this type.
pub fn sole<T, S: Sole<T>>(service: &Arc<S>) -> &T
where
    S::Count: OnlyOne,
{
    service.sole()
}

/// What `#[derive(SettingsSchema)]` needs.
pub mod settings {
    pub use std::{borrow::Cow, default::Default, result::Result};

    pub use schemars::{JsonSchema, Schema, SchemaGenerator};
    pub use serde::{Deserialize, Deserializer};
    pub use serde_json::Value as Json;

    pub use crate::settings::{
        Change, Choice, Form, Input, Serde, SettingValue, SettingsSchema, Shape, Unit,
        derived::{deserialize, json_schema},
        value::{ShowNothing, Shown, choose, from_plain, from_text, show_choice, show_fields},
    };
}
