//! Places and names of generated tokens.
//!
//! Every generated token resolves where the macro was called and is shown where the user wrote what it stands for. The
//! names of variables are the macro's own: neither does an expression of the user's see them, nor they those around it.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;

/// Shown at `at`, but not taken for the user's own code.
pub(crate) fn here(at: Span) -> Span {
    Span::call_site().located_at(at)
}

/// A variable of the expansion's own, shown at `at`.
pub(crate) fn local(name: &str, at: Span) -> Ident {
    Ident::new(name, Span::mixed_site().located_at(at))
}

/// The same variable, shown elsewhere.
pub(crate) fn moved_to(variable: &Ident, at: Span) -> Ident {
    Ident::new(&variable.to_string(), variable.span().located_at(at))
}

/// The tokens with all places moved to the first one: a mistake about them is told once, and at their beginning.
pub(crate) fn at_first(tokens: &impl ToTokens) -> TokenStream {
    let tokens = tokens.to_token_stream();
    let Some(first) = tokens.clone().into_iter().next().map(|token| token.span()) else { return tokens };
    moved(tokens, first)
}

fn moved(tokens: TokenStream, to: Span) -> TokenStream {
    let move_one = |token: TokenTree| match token {
        TokenTree::Group(group) => {
            let mut moved = Group::new(group.delimiter(), moved(group.stream(), to));
            moved.set_span(group.span().located_at(to));
            TokenTree::Group(moved)
        }
        mut token => {
            token.set_span(token.span().located_at(to));
            token
        }
    };
    tokens.into_iter().map(move_one).collect()
}
