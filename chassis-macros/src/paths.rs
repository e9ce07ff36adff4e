//! Where an expansion finds the runtime.
//!
//! Expansions name nothing but `__chassis::…`, an alias of `chassis::__private` that they import themselves: so they
//! work whatever the names around them mean.

use proc_macro2::TokenStream;
use quote::quote;

/// The path of the `chassis` crate.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    root: TokenStream,
}

impl Paths {
    /// `::chassis`, or what `#[microservice(crate = path)]` says.
    pub(crate) fn new(renamed: Option<&syn::Path>) -> Self {
        let root = match renamed {
            Some(path) => quote!(#path),
            None => quote!(::chassis),
        };
        Self { root }
    }

    /// The module behind `__chassis`, for signatures, where an alias cannot be imported.
    pub(crate) fn private(&self) -> TokenStream {
        let root = &self.root;
        quote!(#root::__private)
    }

    /// The statement that makes `__chassis` mean something.
    pub(crate) fn import(&self) -> TokenStream {
        let private = self.private();
        quote!(use #private as __chassis;)
    }
}
