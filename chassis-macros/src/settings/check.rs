//! Every rule about the item.

use syn::{Expr, ExprLit, Lit, Type};

use super::model::{Body, Default, Field, Name, Settings};
use crate::{duration, errors::Errors};

/// Collects what is wrong.
pub(super) fn check(settings: &Settings, errors: &mut Errors) {
    match &settings.body {
        Body::Unit | Body::Broken => {}
        Body::Struct(fields) => {
            let fields: Vec<&Field> = fields.iter().filter(|field| !field.is_skipped).collect();
            check_names(fields.iter().flat_map(|field| field.names()), errors);
            fields.iter().for_each(|field| check_field(field, errors));
        }
        Body::Enum(variants) => {
            if let Some(check) = &settings.check {
                errors.at(check, "`check` is for rules between the fields of a struct");
            }
            check_names(variants.iter().flat_map(|it| [&it.name].into_iter().chain(&it.aliases)), errors);
        }
    }
}

pub(crate) fn check_names<'a>(names: impl Iterator<Item = &'a Name>, errors: &mut Errors) {
    let mut seen: Vec<&str> = Vec::new();
    for Name { text, span } in names {
        if text.is_empty() || text.contains(|c: char| c == '.' || c == '"' || c.is_whitespace() || c.is_control()) {
            errors.at_span(
                *span,
                format!("`{text}` cannot be a name in settings: it is empty, or holds a dot, a quote or a space"),
            );
        }
        if seen.contains(&text.as_str()) {
            errors.at_span(*span, format!("the name `{text}` is there twice"));
        }
        seen.push(text);
    }
}

pub(super) fn check_field(field: &Field, errors: &mut Errors) {
    if let Default::Value(value) = &field.default {
        check_default(&field.ty, value, errors);
        check_limits(value, field, errors);
    }
    let is_duration = innermost(&field.ty) == "Duration";
    if holds_a_setting(&field.ty) {
        errors.at(&field.ty, "only a whole setting follows changes: put `Setting<…>` around the whole type");
    }
    if let (Some(unit), false) = (field.unit, is_duration || field.is_serde) {
        errors.at(&field.ty, format!("`unit = \"{unit}\"` says what a bare number means for a `Duration`"));
    }
}

/// A default that is written as text would otherwise be read by nobody before the service starts.
fn check_default(ty: &Type, value: &Expr, errors: &mut Errors) {
    const PLAIN: [&str; 15] =
        ["bool", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value else { return };
    match innermost(ty).as_str() {
        "Duration" => {
            if let Err(message) = duration::parse(&text.value()) {
                errors.at(value, format!("`default`: {message}"));
            }
        }
        plain if PLAIN.contains(&plain) => {
            errors.at(value, format!("a default in quotes is text, and this is a `{plain}`: take the quotes away"));
        }
        _ => {}
    }
}

/// Limits are for what somebody sets; a default beyond them would never be refused.
fn check_limits(value: &Expr, field: &Field, errors: &mut Errors) {
    let Some(default) = whole_number(value) else { return };
    let number = |limit: &Option<Expr>| limit.as_ref().and_then(whole_number);
    if let Some(min) = number(&field.min).filter(|min| default < *min) {
        errors.at(value, format!("the default is below the least value that may be set, {min}"));
    }
    if let Some(max) = number(&field.max).filter(|max| default > *max) {
        errors.at(value, format!("the default is above the greatest value that may be set, {max}"));
    }
}

fn whole_number(value: &Expr) -> Option<i128> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(syn::ExprUnary { op: syn::UnOp::Neg(_), expr, .. }) => whole_number(expr).map(|number| -number),
        _ => None,
    }
}

/// Whether a `Setting` is inside of another type, where it would follow nothing.
fn holds_a_setting(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    let arguments = path.path.segments.iter().filter_map(|segment| match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    });
    arguments.flatten().any(|argument| match argument {
        syn::GenericArgument::Type(Type::Path(inner)) => {
            inner.path.segments.last().is_some_and(|last| last.ident == "Setting")
                || holds_a_setting(&Type::Path(inner.clone()))
        }
        _ => false,
    })
}

/// The last segment of the type inside of `Option`, `Setting` and the like.
fn innermost(ty: &Type) -> String {
    let Type::Path(path) = ty else { return String::new() };
    let Some(last) = path.path.segments.last() else { return String::new() };
    if let syn::PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(syn::GenericArgument::Type(inner)) = arguments.args.last()
    {
        return innermost(inner);
    }
    last.ident.to_string()
}
