//! `#[get("/path")]` and its like: what is written and what it becomes.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Expr, ExprLit, Lit, LitStr};

use crate::{args::Args, duration, errors::Errors};

/// One route of a server.
pub(super) struct Route {
    /// The attribute's name, which is the constructor's name, too.
    pub(super) method: String,
    /// The server, when the struct has several.
    pub(super) field: Option<Ident>,
    pub(super) path: LitStr,
    /// Calls of methods on the route.
    pub(super) options: Vec<TokenStream>,
}

/// How the value of an option is written.
#[derive(Clone, Copy)]
enum Value {
    Flag,
    Duration,
    Size,
    Status,
    Text,
    Texts,
}

/// Every option; each becomes the call of a method with its name.
const OPTIONS: [(&str, Value); 12] = [
    ("timeout", Value::Duration),
    ("body_limit", Value::Size),
    ("cancel_on_disconnect", Value::Flag),
    ("cache", Value::Duration),
    ("cache_by", Value::Texts),
    ("never_shed", Value::Flag),
    ("quiet", Value::Flag),
    ("any_json", Value::Flag),
    ("status", Value::Status),
    ("tag", Value::Text),
    ("deprecated", Value::Flag),
    ("hidden", Value::Flag),
];

/// Reads `(field, "/path", option = value)`.
pub(super) fn parse(method: &str, mut args: Args, errors: &mut Errors) -> Option<Route> {
    let span = args.span;
    let flags: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
    let field = args.leading_name(&flags);
    let path = match args.positional() {
        Some(Expr::Lit(ExprLit { lit: Lit::Str(path), .. })) => Some(path),
        Some(other) => {
            errors.at(&other, format!("the path of a route is a text in quotes: `#[{method}(\"/path\")]`"));
            None
        }
        None => {
            let before = field.as_ref().map_or_else(String::new, |field| format!("{field}, "));
            errors.at_span(span, format!("`#[{method}]` needs a path: `#[{method}({before}\"/path\")]`"));
            None
        }
    };
    let options = OPTIONS.iter().filter_map(|(name, value)| option(name, *value, &mut args, errors)).collect();
    args.done(errors);
    Some(Route { method: method.to_owned(), field, path: path?, options })
}

fn option(name: &'static str, value: Value, args: &mut Args, errors: &mut Errors) -> Option<TokenStream> {
    let function = Ident::new(name, args.span);
    let argument = match value {
        Value::Flag => return args.flag(name, errors)?.then(|| quote!(.#function())),
        Value::Duration => duration::tokens(args.duration(name, errors)?.0),
        Value::Size => {
            let size = proc_macro2::Literal::u64_unsuffixed(args.size(name, errors)?);
            quote!(#size)
        }
        Value::Status => {
            let status = args.integer(name, errors)?;
            if !status.base10_parse::<u16>().is_ok_and(|status| (200..400).contains(&status)) {
                errors.at(&status, format!("`{name}` is the status of a success, from 200 to 399"));
                return None;
            }
            quote!(#status)
        }
        Value::Text => {
            let text = args.text(name, errors)?;
            quote!(#text)
        }
        Value::Texts => {
            let texts = args.texts(name, errors);
            if texts.is_empty() {
                return None;
            }
            quote!(&[#(#texts),*])
        }
    };
    Some(quote!(.#function(#argument)))
}

/// How messages call a method of HTTP: `GET`.
pub(super) fn verb(method: &str) -> String {
    if method == "any" { "any method of".to_owned() } else { method.to_uppercase() }
}
