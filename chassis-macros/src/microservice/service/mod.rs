//! `#[microservice]` on a struct.

mod check;
mod expand;
mod model;
mod parse;

use proc_macro2::TokenStream;
use syn::ItemStruct;

use crate::errors::Errors;

pub(super) fn expand(args: TokenStream, item: ItemStruct, errors: &mut Errors) -> TokenStream {
    match parse::parse(args, item, errors) {
        Ok(service) => {
            check::check(&service, errors);
            expand::expand(&service)
        }
        Err(item) => expand::fallback(&item),
    }
}
