//! From the attributes of the struct and its fields to the model.

use proc_macro2::TokenStream;
use syn::{Attribute, Expr, Fields, ItemStruct, ext::IdentExt as _, spanned::Spanned as _};

use super::model::{Field, Kind, Meter, Service};
use crate::{args::Args, errors::Errors, inert, paths::Paths, settings};

/// The service, or the bare struct when it cannot be one.
pub(super) fn parse(args: TokenStream, mut item: ItemStruct, errors: &mut Errors) -> Result<Service, Box<ItemStruct>> {
    let mut args = Args::parse("microservice", item.ident.span(), args, errors);
    let paths = Paths::new(args.root().as_ref());
    let name = args.text("name", errors);
    let parts = args.names("parts", errors);
    let args_type = args.args_type();
    let free_settings = args.flag("free_settings", errors).unwrap_or(false);
    if let Some(part) = args.value("part", errors) {
        errors.at(&part, "`part` belongs on an `impl` block; the struct lists them all: `parts = [first, second]`");
    }
    args.done(errors);

    let fields = match &mut item.fields {
        Fields::Named(fields) => fields.named.iter_mut().map(|written| field(written, errors)).collect(),
        Fields::Unit => Vec::new(),
        Fields::Unnamed(fields) => {
            errors.at(fields, "the fields of a microservice need names: settings, logs and the graph call them by it");
            for field in &mut fields.unnamed {
                inert::take(&mut field.attrs, &inert::FIELD);
            }
            return Err(Box::new(item));
        }
    };
    if let Some(lifetime) = item.generics.lifetimes().next() {
        errors.at(lifetime, "a microservice lives as long as its process, so it cannot borrow: own the data");
        return Err(Box::new(item));
    }
    let (name, name_span) = match name {
        Some(name) => (name.value(), name.span()),
        None => (snake_case(&item.ident.unraw().to_string()), item.ident.span()),
    };
    let about = inert::first_paragraph(&inert::docs(&item.attrs));
    Ok(Service { paths, name, name_span, about, args: args_type, free_settings, parts, fields, item })
}

fn field(written: &mut syn::Field, errors: &mut Errors) -> Field {
    let before = errors.count();
    let mut kind = Kind::Plain;
    let mut init = None;
    let mut marked: Option<String> = None;
    for (name, attribute) in inert::take(&mut written.attrs, &inert::FIELD) {
        if name == "init" {
            init = initial(&attribute, errors);
            continue;
        }
        match &marked {
            Some(first) if *first == name => errors.at(&attribute, format!("`#[{name}]` is there twice; remove one")),
            Some(first) => errors
                .at(&attribute, format!("a field is one thing: it cannot be `#[{name}]` and `#[{first}]`; remove one")),
            None => kind = kind_of(&name, &attribute, written, errors),
        }
        marked = Some(name);
    }
    for path in inert::conditional(&written.attrs, &inert::FIELD) {
        errors.at(&path, "this is decided later than the service is read: put `#[cfg(…)]` on two fields instead");
    }
    for (name, attribute) in inert::take(&mut written.attrs, &inert::METHOD) {
        errors.at(
            attribute.path(),
            format!("`#[{name}]` belongs on a method of an `impl` block marked `#[microservice]`, not on a field"),
        );
    }
    if let (Some(init), Some(marked @ ("setting" | "meter"))) = (&init, marked.as_deref()) {
        let instead = if marked == "setting" { "write `#[setting(default = …)]`" } else { "remove one of the two" };
        errors.at(
            init,
            format!("the value of a `#[{marked}]` comes from the service, so it takes no `#[init]`: {instead}"),
        );
    }
    if errors.count() > before {
        kind = Kind::Broken;
    }
    Field {
        // Only named fields get here.
        ident: written.ident.clone().unwrap_or_else(|| syn::Ident::new("_field", written.span())),
        ty: written.ty.clone(),
        cfgs: inert::cfgs(&written.attrs),
        about: inert::docs(&written.attrs),
        kind,
        init,
    }
}

fn kind_of(name: &str, attribute: &Attribute, written: &syn::Field, errors: &mut Errors) -> Kind {
    if name == "setting" {
        let mut alone = written.clone();
        alone.attrs.push(attribute.clone());
        return settings::field(&alone, errors).map_or(Kind::Broken, |field| Kind::Setting(Box::new(field)));
    }
    let mut args = Args::of(attribute, errors);
    let kind = match name {
        "resource" => Kind::Resource {
            after: args.names("after", errors),
            is_critical: args.flag("critical", errors).unwrap_or(false),
        },
        _ => Kind::Meter(Box::new(Meter {
            name: args.text("name", errors).map(|text| text.value()),
            unit: args.text("unit", errors).map(|text| text.value()),
            buckets: args.value("buckets", errors),
            quantiles: args.value("quantiles", errors),
            window: args.duration("window", errors).map(|(window, _)| window),
            max_series: args.integer("max_series", errors),
        })),
    };
    args.done(errors);
    kind
}

fn initial(attribute: &Attribute, errors: &mut Errors) -> Option<Expr> {
    if matches!(attribute.meta, syn::Meta::Path(_)) {
        errors.at(attribute.path(), "`#[init]` needs the first value of the field: `#[init(expression)]`");
        return None;
    }
    match attribute.parse_args::<Expr>() {
        Ok(value) => Some(value),
        Err(error) => {
            errors.push(error);
            None
        }
    }
}

/// `HttpProxy` and `HTTPProxy` are both `http_proxy`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (at, character) in characters.iter().enumerate() {
        let is_after_small = at > 0 && !characters[at - 1].is_uppercase() && characters[at - 1] != '_';
        let is_before_small = characters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if character.is_uppercase() && at > 0 && characters[at - 1] != '_' && (is_after_small || is_before_small) {
            snake.push('_');
        }
        snake.extend(character.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_called_like_its_struct_in_snake_case() {
        for (name, snake) in [
            ("Orders", "orders"),
            ("OrderService", "order_service"),
            ("HTTPProxy", "http_proxy"),
            ("HttpProxy", "http_proxy"),
            ("Todo2", "todo2"),
            ("A", "a"),
            ("Snake_Case", "snake_case"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }
}
