//! `#[timed(meter)]`: a function whose duration is recorded.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Expr, FnArg, Ident, ImplItemFn, TraitItemFn, spanned::Spanned};

/// The function with a clock at the start of its body.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    timed(arguments, item.clone()).unwrap_or_else(|error| {
        let error = error.to_compile_error();
        quote!(#item #error)
    })
}

fn timed(arguments: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut function = match syn::parse2::<ImplItemFn>(item.clone()) {
        Ok(function) => function,
        Err(_) if syn::parse2::<TraitItemFn>(item.clone()).is_ok() => {
            return Err(Error::new(
                item.span(),
                "there is no body to time; put `#[timed]` on the method's implementation",
            ));
        }
        Err(_) => return Err(Error::new(item.span(), "`#[timed]` belongs on a function or method")),
    };
    if arguments.is_empty() {
        return Err(Error::new(
            function.sig.ident.span(),
            "say which histogram or summary it is recorded into: `#[timed(self.latency)]`",
        ));
    }
    let meter = meter(syn::parse2(arguments)?, &function);
    let body = &function.block;
    // Names of the macro's own, which the body cannot see. They stand outside of the body's block, so the guard is dropped last;
    // the `let` keeps what the expression makes alive until then.
    let (observer, timing) = (own("observer"), own("_timing"));
    let observe = quote_spanned!(meter.span()=> let #observer = &(#meter););
    function.block = syn::parse_quote!({
        #observe
        let #timing = ::chassis::__private::Timing::start(#observer);
        #body
    });
    Ok(function.into_token_stream())
}

/// `latency` in a method stands for `self.latency`.
fn meter(expression: Expr, function: &ImplItemFn) -> TokenStream {
    if let (Some(FnArg::Receiver(receiver)), Expr::Path(path)) = (function.sig.inputs.first(), &expression)
        && let Some(field) = path.path.get_ident()
        && field.to_string().starts_with(char::is_lowercase)
        && field != "self"
    {
        let this = &receiver.self_token;
        return quote!(#this.#field);
    }
    expression.into_token_stream()
}

fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}
