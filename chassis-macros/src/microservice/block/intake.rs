//! `#[subscribe]`, `#[pull]` and `#[reply]`: what is written and what it becomes.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Expr, ExprLit, Lit, LitStr};

use crate::{args::Args, duration, errors::Errors};

/// The messages of one name, as a handler of a broker takes them.
pub(super) struct Intake {
    /// The attribute's name, which is the constructor's name, too.
    pub(super) pattern: String,
    /// The broker.
    pub(super) field: Ident,
    /// What the messages are sent to.
    pub(super) name: Expr,
    /// Calls of methods on the matcher.
    pub(super) options: Vec<TokenStream>,
}

/// How the value of an option is written.
#[derive(Clone, Copy)]
enum Value {
    Flag,
    Duration,
    Count { least: u32 },
    Text,
    Any,
}

/// Every option; each becomes the call of a method with its name.
const OPTIONS: [(&str, Value); 9] = [
    ("concurrency", Value::Count { least: 1 }),
    ("prefetch", Value::Count { least: 1 }),
    ("retries", Value::Count { least: 0 }),
    ("min_delay", Value::Duration),
    ("max_delay", Value::Duration),
    ("timeout", Value::Duration),
    ("by_key", Value::Flag),
    ("quiet", Value::Flag),
    ("codec", Value::Any),
];

/// Reads `(field, "name", option = value)`.
pub(super) fn parse(pattern: &str, mut args: Args, errors: &mut Errors) -> Option<Intake> {
    let span = args.span;
    let flags: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
    let field = args.leading_name(&flags);
    let name = args.positional();
    match (&field, &name) {
        (Some(_), Some(name)) => check_name(pattern, name, errors),
        (Some(field), None) => errors.at_span(
            span,
            format!("`#[{pattern}({field})]` does not say which messages: write `#[{pattern}({field}, \"name\")]`"),
        ),
        (None, Some(other)) => errors.at(
            other,
            format!("`#[{pattern}]` begins with the field of the broker: `#[{pattern}(broker, \"name\")]`"),
        ),
        (None, None) => errors.at_span(
            span,
            format!("`#[{pattern}]` needs the field of the broker, and which messages it takes: `#[{pattern}(broker, \"name\")]`"),
        ),
    }
    let mut options: Vec<TokenStream> =
        OPTIONS.iter().filter_map(|(name, value)| option(name, *value, &mut args, errors)).collect();
    if pattern == "subscribe" {
        options.extend(option("group", Value::Text, &mut args, errors));
    } else if let Some(group) = args.value("group", errors) {
        errors.at(
            &group,
            format!("`#[{pattern}]` has no groups: whoever takes from the name shares its messages; groups are for `#[subscribe]`"),
        );
    }
    args.done(errors);
    Some(Intake { pattern: pattern.to_owned(), field: field?, name: name?, options })
}

fn check_name(pattern: &str, name: &Expr, errors: &mut Errors) {
    match name {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.value().trim().is_empty() => {
            errors.at(text, "messages are sent to a name, and this one is empty");
        }
        Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_) => {}
        other => errors.at(
            other,
            format!("the name of messages is a text in quotes, or a constant: `#[{pattern}(broker, \"name\")]`"),
        ),
    }
}

fn option(name: &'static str, value: Value, args: &mut Args, errors: &mut Errors) -> Option<TokenStream> {
    let function = Ident::new(name, args.span);
    let argument = match value {
        Value::Flag => return args.flag(name, errors)?.then(|| quote!(.#function())),
        Value::Duration => duration::tokens(args.duration(name, errors)?.0),
        Value::Count { least } => {
            let count = args.integer(name, errors)?;
            if !count.base10_parse::<u32>().is_ok_and(|count| (least..=65_535).contains(&count)) {
                errors.at(&count, format!("`{name}` is a whole number from {least} to 65535"));
                return None;
            }
            quote!(#count)
        }
        Value::Text => {
            let text: LitStr = args.text(name, errors)?;
            quote!(#text)
        }
        Value::Any => {
            let value = args.value(name, errors)?;
            quote!(#value)
        }
    };
    Some(quote!(.#function(#argument)))
}

/// The text of a name that is one.
pub(super) fn literal(name: &Expr) -> Option<String> {
    match name {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}
