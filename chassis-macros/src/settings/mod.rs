//! `#[derive(SettingsSchema)]`: a struct of settings, or an enum whose variants are written as names.

mod check;
mod expand;
mod model;
mod parse;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use syn::DeriveInput;

pub(crate) use self::{
    check::check_names,
    model::{Field, Name},
};
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

/// Reads a field that is a setting by itself, outside of a struct of settings; `ty`, `default` and `rules` write it down.
pub(crate) fn field(written: &syn::Field, errors: &mut Errors) -> Option<Field> {
    let field = parse::field(written, "snake_case", false, errors)?;
    check::check_field(&field, errors);
    if field.is_live.is_some() || field.is_skipped {
        errors.at(
            &field.ident,
            "what changes while the service runs is a `Setting<…>`: a field of the service knows no `live`, `restart` or `skip`",
        );
    }
    Some(field)
}

impl Field {
    /// What it is called in files.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        [&self.name].into_iter().chain(&self.aliases)
    }

    /// The type that is read.
    pub(crate) fn ty(&self) -> TokenStream {
        expand::ty(self)
    }

    /// The closure that makes the default.
    pub(crate) fn default(&self) -> Option<TokenStream> {
        expand::default(self, &self.ty())
    }

    /// What it asks of its value, as calls of methods.
    pub(crate) fn rules(&self) -> TokenStream {
        expand::rules(self)
    }
}
