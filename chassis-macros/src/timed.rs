//! `#[timed(meter)]`: a function whose duration is recorded.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, FnArg, ImplItemFn, TraitItemFn, spanned::Spanned};

use crate::{args::Args, errors::Errors, paths::Paths, span};

/// The function with a clock around its body.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::new();
    let mut arguments = Args::parse("timed", Span::call_site(), arguments, &mut errors);
    let paths = Paths::new(arguments.root().as_ref());
    let meter = arguments.positional();
    arguments.done(&mut errors);
    let function = function(&item, &mut errors);
    if meter.is_none() && errors.count() == 0 {
        let message = "say which histogram or summary the time is recorded into: `#[timed(self.latency)]`";
        errors.at_span(Span::call_site(), message);
    }
    let errors = errors.finish();
    match (function, meter) {
        (Some(function), Some(meter)) => {
            let timed = timed(function, meter, &paths);
            quote!(#errors #timed)
        }
        _ => quote!(#errors #item),
    }
}

fn function(item: &TokenStream, errors: &mut Errors) -> Option<ImplItemFn> {
    if let Ok(function) = syn::parse2(item.clone()) {
        return Some(function);
    }
    match syn::parse2::<TraitItemFn>(item.clone()) {
        Ok(function) => {
            errors.at(&function.sig, "there is no body to time; put `#[timed]` on the method where it has one");
        }
        Err(_) => errors.at_span(Span::call_site(), "`#[timed]` belongs on a function or method"),
    }
    None
}

fn timed(mut function: ImplItemFn, meter: Expr, paths: &Paths) -> ImplItemFn {
    let here = span::here(meter.span());
    // Outside of the body's block, so that the clock stops last; the first `let` keeps what the expression makes alive
    // until then.
    let (observer, timing) = (span::local("observer", here), span::local("_timing", here));
    let meter = in_full(meter, &function);
    let (import, body) = (paths.import(), &function.block);
    let start = quote_spanned! {here=>
        let #observer = &#meter;
        let #timing = {
            #import
            __chassis::timed(#observer)
        };
    };
    function.block = syn::parse_quote!({
        #start
        #body
    });
    function
}

/// `latency` in a method stands for `self.latency`.
fn in_full(meter: Expr, function: &ImplItemFn) -> TokenStream {
    if let (Some(FnArg::Receiver(receiver)), Expr::Path(path)) = (function.sig.inputs.first(), &meter)
        && let Some(field) = path.path.get_ident()
        && field.to_string().starts_with(char::is_lowercase)
        && field != "self"
    {
        let this = &receiver.self_token;
        return quote!(#this.#field);
    }
    meter.into_token_stream()
}
