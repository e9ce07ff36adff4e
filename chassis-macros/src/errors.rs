//! Collects mistakes, so that one compilation shows all of them.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// Mistakes found so far. It must be turned into tokens at the end: a forgotten collector would swallow mistakes.
#[derive(Debug)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
    is_checked: bool,
}

impl Errors {
    /// With nothing found.
    pub(crate) fn new() -> Self {
        Self { found: Vec::new(), is_checked: false }
    }

    /// A mistake at these tokens.
    pub(crate) fn at(&mut self, tokens: &impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// A mistake at this place.
    pub(crate) fn at_span(&mut self, span: Span, message: impl std::fmt::Display) {
        self.push(syn::Error::new(span, message));
    }

    /// A mistake found by the parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.found.push(error);
    }

    /// How many there are; a larger number later tells that something went wrong in between.
    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }

    /// All mistakes as `compile_error!`s, in the order they were written.
    pub(crate) fn finish(mut self) -> TokenStream {
        self.is_checked = true;
        self.found.drain(..).map(syn::Error::into_compile_error).collect()
    }
}

impl Drop for Errors {
    fn drop(&mut self) {
        debug_assert!(self.is_checked || std::thread::panicking(), "mistakes were collected and not told");
    }
}
