//! The attribute macros of `chassis`; their documentation is at the re-exports there.

mod labels;
mod timed;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

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
#[proc_macro_derive(SettingsSchema, attributes(setting))]
pub fn stub(input: TokenStream) -> TokenStream {
    let i = parse_macro_input!(input as DeriveInput);
    let n = i.ident;
    quote::quote!(impl ::chassis::settings::SettingsSchema for #n {}).into()
}
