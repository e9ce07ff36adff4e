//! `#[microservice]`: on the struct that lists what a service is made of, and on the `impl` blocks that say what it does.

mod block;
mod service;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Item, spanned::Spanned as _};

use crate::errors::Errors;

/// Expands the attribute with these arguments on this item.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let expansion = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => service::expand(args, item, &mut errors),
        Ok(Item::Impl(item)) => block::expand(args, item, &mut errors),
        Ok(other) => {
            errors.at_span(
                keyword(&other),
                "`#[microservice]` belongs on a struct, the list of what a service is made of, or on its `impl` block",
            );
            item
        }
        Err(error) => {
            errors.push(error);
            item
        }
    };
    let errors = errors.finish();
    quote!(#expansion #errors)
}

/// The word that says what an item is.
fn keyword(item: &Item) -> proc_macro2::Span {
    match item {
        Item::Enum(item) => item.enum_token.span(),
        Item::Union(item) => item.union_token.span(),
        Item::Fn(item) => item.sig.fn_token.span(),
        Item::Mod(item) => item.mod_token.span(),
        Item::Trait(item) => item.trait_token.span(),
        Item::Type(item) => item.type_token.span(),
        other => other.span(),
    }
}
