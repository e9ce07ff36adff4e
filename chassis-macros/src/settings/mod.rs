//! `#[derive(SettingsSchema)]`: a struct of settings, or an enum whose variants are written as names.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use self::{check::check_default, expand::default_from};
use crate::errors::Errors;

/// The impls for the item, and everything that is wrong with it.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::new();
    let settings = parse::parse(input, &mut errors);
    check::check(&settings, &mut errors);
    // The impls are given all the same, so that a mistake is not told again at each use.
    let impls = expand::expand(&settings);
    let errors = errors.finish();
    quote::quote!(#impls #errors)
}
