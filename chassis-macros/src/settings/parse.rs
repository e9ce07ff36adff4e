//! From tokens to the model; what does not parse is told and left out.

use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Lit, Path, RangeLimits, ext::IdentExt as _,
    spanned::Spanned as _,
};

use super::model::{Body, Default, Field, Name, Settings, Variant};
use crate::{args::Args, errors::Errors, inert, paths::Paths};

/// How names are written in files when nothing else is said.
const CASES: &[&str] = &["snake_case", "kebab-case", "lowercase", "UPPERCASE", "SCREAMING_SNAKE_CASE", "camelCase"];

pub(super) fn parse(input: &DeriveInput, errors: &mut Errors) -> Settings {
    let mut args = arguments(&input.attrs, "settings", errors);
    let root = args.as_mut().and_then(Args::root);
    let rename_all = args.as_mut().and_then(|args| args.choice("rename_all", CASES, errors));
    let rename_all = rename_all.map_or("snake_case", |(case, _)| case);
    let check = args.as_mut().and_then(|args| args.value("check", errors)).and_then(|value| as_path(value, errors));
    let is_default = args.as_mut().and_then(|args| args.flag("default", errors)).unwrap_or(false);
    if let Some(args) = args {
        args.done(errors);
    }
    for attribute in named(&input.attrs, "setting") {
        errors.at(attribute.path(), "`#[setting]` belongs on a field; on the item itself it is `#[settings(…)]`");
    }
    let body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Unit => Body::Unit,
            Fields::Named(fields) => {
                Body::Struct(fields.named.iter().filter_map(|it| field(it, rename_all, is_default, errors)).collect())
            }
            Fields::Unnamed(fields) => {
                errors.at(fields, "settings need names: write `struct Name { setting: Type }`");
                Body::Broken
            }
        },
        Data::Enum(data) => {
            let variants: Vec<_> = data.variants.iter().filter_map(|it| variant(it, rename_all, errors)).collect();
            if data.variants.is_empty() {
                errors.at(&input.ident, "a choice needs something to choose from: give the enum a variant");
            }
            let is_whole = !variants.is_empty() && variants.len() == data.variants.len();
            if is_whole { Body::Enum(variants) } else { Body::Broken }
        }
        Data::Union(data) => {
            errors.at(&data.union_token, "a union cannot be settings; write a struct or an enum");
            Body::Broken
        }
    };
    Settings {
        paths: Paths::new(root.as_ref()),
        ident: input.ident.clone(),
        generics: input.generics.clone(),
        about: inert::docs(&input.attrs),
        check,
        body,
    }
}

pub(super) fn field(field: &syn::Field, rename_all: &str, is_default: bool, errors: &mut Errors) -> Option<Field> {
    let ident = field.ident.clone()?;
    let mut parsed = Field {
        name: Name { text: in_case(&ident.unraw().to_string(), rename_all), span: ident.span() },
        ident,
        ty: field.ty.clone(),
        about: inert::docs(&field.attrs),
        aliases: Vec::new(),
        default: if is_default { Default::OfStruct } else { Default::None },
        min: None,
        max: None,
        unit: None,
        is_live: None,
        is_serde: false,
        is_skipped: false,
    };
    misplaced_item_attribute(&field.attrs, errors);
    let Some(mut args) = arguments(&field.attrs, "setting", errors) else { return Some(parsed) };
    rename(&mut args, &mut parsed.name, &mut parsed.aliases, errors);
    match args.flag_or_value("default") {
        Some(Some(value)) => parsed.default = Default::Value(value),
        Some(None) => parsed.default = Default::OfType,
        None => {}
    }
    if let Some(value) = args.value("range", errors) {
        (parsed.min, parsed.max) = range(value, errors);
    }
    for (name, limit) in [("min", &mut parsed.min), ("max", &mut parsed.max)] {
        if let Some(value) = args.value(name, errors) {
            if limit.is_some() {
                errors.at(&value, format!("`{name}` is in the `range` already; remove one"));
            }
            *limit = Some(value);
        }
    }
    parsed.unit = args.choice("unit", &["ms", "s"], errors).map(|(unit, _)| unit);
    let is_live = args.flag("live", errors).unwrap_or(false);
    let is_restart = args.flag("restart", errors).unwrap_or(false);
    if is_live && is_restart {
        errors.at(&parsed.ident, "a setting is either `live` or changes by a `restart`; remove one");
    }
    parsed.is_live = (is_live || is_restart).then_some(is_live);
    parsed.is_serde = args.flag("serde", errors).unwrap_or(false);
    parsed.is_skipped = args.flag("skip", errors).unwrap_or(false);
    args.done(errors);
    Some(parsed)
}

fn variant(variant: &syn::Variant, rename_all: &str, errors: &mut Errors) -> Option<Variant> {
    if !matches!(variant.fields, Fields::Unit) {
        errors.at(
            &variant.fields,
            "a choice is a name, so a variant carries nothing; for more derive `Deserialize` and `JsonSchema`, and \
             put `#[setting(serde)]` on fields of this type",
        );
        return None;
    }
    let mut parsed = Variant {
        ident: variant.ident.clone(),
        about: inert::docs(&variant.attrs),
        name: Name { text: in_case(&variant.ident.unraw().to_string(), rename_all), span: variant.ident.span() },
        aliases: Vec::new(),
    };
    misplaced_item_attribute(&variant.attrs, errors);
    if let Some(mut args) = arguments(&variant.attrs, "setting", errors) {
        rename(&mut args, &mut parsed.name, &mut parsed.aliases, errors);
        args.done(errors);
    }
    Some(parsed)
}

/// `rename = "…"` and `alias = "…"`, or `alias = ["…", "…"]`.
fn rename(args: &mut Args, name: &mut Name, aliases: &mut Vec<Name>, errors: &mut Errors) {
    if let Some(text) = args.text("rename", errors) {
        *name = Name { text: text.value(), span: text.span() };
    }
    let texts = args.texts("alias", errors).into_iter();
    aliases.extend(texts.map(|text| Name { text: text.value(), span: text.span() }));
}

fn range(value: Expr, errors: &mut Errors) -> (Option<Expr>, Option<Expr>) {
    match value {
        Expr::Range(range) => match (range.limits, range.end) {
            (RangeLimits::HalfOpen(_), Some(end)) => {
                errors.at(&end, "`range` includes its end: write `first..=last`");
                (None, None)
            }
            (_, end) => (range.start.map(|start| *start), end.map(|end| *end)),
        },
        other => {
            errors.at(&other, "`range` is written `first..=last`, `first..` or `..=last`");
            (None, None)
        }
    }
}

fn as_path(value: Expr, errors: &mut Errors) -> Option<Path> {
    match value {
        Expr::Path(path) if path.qself.is_none() => Some(path.path),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if text.parse::<Path>().is_ok() => text.parse().ok(),
        other => {
            errors.at(&other, "`check` names a function: `check = Self::check`");
            None
        }
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &'a str) -> impl Iterator<Item = &'a Attribute> {
    attributes.iter().filter(move |attribute| attribute.path().segments.last().is_some_and(|last| last.ident == name))
}

fn arguments(attributes: &[Attribute], name: &str, errors: &mut Errors) -> Option<Args> {
    let mut found = named(attributes, name);
    let first = found.next()?;
    for again in found {
        errors.at_span(again.span(), format!("`#[{name}]` is there twice; put everything into one"));
    }
    Some(Args::of(first, errors))
}

fn misplaced_item_attribute(attributes: &[Attribute], errors: &mut Errors) {
    for attribute in named(attributes, "settings") {
        errors.at(attribute.path(), "`#[settings]` belongs on the item; here it is `#[setting(…)]`");
    }
}

/// `OneForOne` and `one_for_one` alike, in another case.
fn in_case(name: &str, case: &str) -> String {
    let snake = crate::labels::snake_case(name);
    match case {
        "kebab-case" => snake.replace('_', "-"),
        "lowercase" => snake.replace('_', ""),
        "UPPERCASE" => snake.replace('_', "").to_uppercase(),
        "SCREAMING_SNAKE_CASE" => snake.to_uppercase(),
        "camelCase" => {
            let mut words = snake.split('_');
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |name, word| {
                let (head, tail) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
                name + &head.to_uppercase() + tail
            })
        }
        _ => snake,
    }
}

#[cfg(test)]
mod tests {
    use super::in_case;

    #[test]
    fn names_are_written_in_every_case() {
        for (case, expected) in [
            ("snake_case", "one_for_one"),
            ("kebab-case", "one-for-one"),
            ("lowercase", "oneforone"),
            ("UPPERCASE", "ONEFORONE"),
            ("SCREAMING_SNAKE_CASE", "ONE_FOR_ONE"),
            ("camelCase", "oneForOne"),
        ] {
            assert_eq!(in_case("OneForOne", case), expected);
            assert_eq!(in_case("one_for_one", case), expected);
        }
    }
}
