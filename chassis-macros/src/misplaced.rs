//! Attributes of methods, outside of where they mean something: they say where they belong.

use proc_macro2::{Span, TokenStream};
use quote::quote;

/// The item, and where the attribute belongs.
pub(crate) fn explain(name: &str, item: &TokenStream) -> TokenStream {
    let message = format!("`#[{name}]` belongs on a method of an `impl` block marked `#[microservice]`");
    let error = syn::Error::new(Span::call_site(), message).into_compile_error();
    quote!(#item #error)
}
