//! The attribute macros of `chassis`; their documentation is at the re-exports there.

mod args;
mod cron;
mod duration;
mod errors;
mod inert;
mod labels;
mod microservice;
mod misplaced;
mod paths;
mod route_path;
mod settings;
mod size;
mod span;
mod suggest;
mod timed;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

#[expect(missing_docs, reason = "documented at the re-export")]
#[proc_macro_attribute]
pub fn microservice(arguments: TokenStream, item: TokenStream) -> TokenStream {
    microservice::expand(arguments.into(), item.into()).into()
}

/// Attributes of methods: `#[microservice]` takes them away, so whoever meets one has put it elsewhere.
macro_rules! methods {
    ($($name:ident)*) => {$(
        #[expect(missing_docs, reason = "documented at the re-export")]
        #[proc_macro_attribute]
        pub fn $name(_: TokenStream, item: TokenStream) -> TokenStream {
            misplaced::explain(stringify!($name), &item.into()).into()
        }
    )*};
}

methods! {
    task task_timer thread before after on
    subscribe pull reply
    get post put delete patch head options any
}

#[expect(missing_docs, reason = "documented at the re-export")]
#[proc_macro_derive(Labels, attributes(label))]
pub fn labels(input: TokenStream) -> TokenStream {
    labels::expand(&parse_macro_input!(input as DeriveInput)).into()
}

#[expect(missing_docs, reason = "documented at the re-export")]
#[proc_macro_attribute]
pub fn timed(arguments: TokenStream, item: TokenStream) -> TokenStream {
    timed::expand(arguments.into(), item.into()).into()
}
#[expect(missing_docs, reason = "documented at the re-export")]
#[proc_macro_derive(SettingsSchema, attributes(setting, settings))]
pub fn settings_schema(input: TokenStream) -> TokenStream {
    settings::expand(&parse_macro_input!(input as DeriveInput)).into()
}
