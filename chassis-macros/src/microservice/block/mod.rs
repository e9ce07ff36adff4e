//! `#[microservice]` on an `impl` block.

mod check;
mod expand;
mod handlers;
mod intake;
mod model;
mod parse;
mod role;
mod route;

use proc_macro2::TokenStream;
use syn::ItemImpl;

use crate::errors::Errors;

pub(super) fn expand(args: TokenStream, item: ItemImpl, errors: &mut Errors) -> TokenStream {
    match parse::parse(args, item, errors) {
        Ok(mut block) => {
            check::check(&mut block, errors);
            expand::expand(&block)
        }
        Err(item) => quote::quote!(#item),
    }
}
