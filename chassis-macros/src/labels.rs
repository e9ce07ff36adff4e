//! `#[derive(Labels)]`: a struct of label values, or an enum whose variants are label values.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Attribute, Data, DeriveInput, Field, Fields, LitStr, Token, Variant, punctuated::Punctuated, spanned::Spanned,
};

use crate::{args::Args, errors::Errors, paths::Paths, span};

/// The impls for the item, and everything that is wrong with it.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::new();
    let import = root(input, &mut errors).import();
    let Shape { names, writes, value } = shape(input, &mut errors);
    let errors = errors.finish();
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let value = value.map(|write| {
        quote! {
            #[automatically_derived]
            impl #generics __chassis::LabelValue for #ident #arguments #bounds {
                #[inline]
                fn write(&self, values: &mut __chassis::LabelValues) {
                    #write
                }
            }
        }
    });
    quote! {
        #errors
        const _: () = {
            #import

            #[automatically_derived]
            impl #generics __chassis::Labels for #ident #arguments #bounds {
                const NAMES: &'static [&'static __chassis::str] = &[#(#names),*];

                #[inline]
                fn write(&self, values: &mut __chassis::LabelValues) {
                    #(#writes)*
                }
            }
            #value
        };
    }
}

/// What differs between structs and enums.
#[derive(Default)]
struct Shape {
    names: Vec<LitStr>,
    writes: Vec<TokenStream>,
    /// How the item is written as one value, if it can be one.
    value: Option<TokenStream>,
}

fn shape(input: &DeriveInput, errors: &mut Errors) -> Shape {
    let ident = &input.ident;
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => named(&fields.named, errors),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let here = span::here(fields.unnamed[0].ty.span());
                single(ident, quote_spanned!(here=> __chassis::LabelValue::write(&self.0, values)))
            }
            fields => {
                let place = if fields.is_empty() { ident.span() } else { fields.span() };
                errors.at_span(place, "labels need names: write `struct Name { label: Type }`");
                Shape::default()
            }
        },
        Data::Enum(data) => single(ident, variants(&data.variants, errors)),
        Data::Union(_) => {
            errors.at(ident, "a union cannot be labels; write a struct or an enum");
            Shape::default()
        }
    }
}

/// One label per field, ordered by name, so that two structs with the same labels make the same meter.
fn named(fields: &Punctuated<Field, Token![,]>, errors: &mut Errors) -> Shape {
    let mut labels: Vec<(LitStr, TokenStream)> = Vec::new();
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let name = renamed(&field.attrs, errors).unwrap_or_else(|| name_of(ident));
        check_name(&name, errors);
        if labels.iter().any(|(other, _)| other.value() == name.value()) {
            errors.at(&name, format!("label `{}` is there twice", name.value()));
        }
        let here = span::here(field.ty.span());
        labels.push((name, quote_spanned!(here=> __chassis::LabelValues::value(values, &self.#ident);)));
    }
    labels.sort_by_key(|(name, _)| name.value());
    let (names, writes) = labels.into_iter().unzip();
    Shape { names, writes, value: None }
}

/// The item is one value, and alone a label named like it.
fn single(ident: &Ident, write: TokenStream) -> Shape {
    let name = LitStr::new(&snake_case(&ident.to_string()), ident.span());
    let writes = vec![quote!(__chassis::LabelValues::value(values, self);)];
    Shape { names: vec![name], writes, value: Some(write) }
}

fn variants(variants: &Punctuated<Variant, Token![,]>, errors: &mut Errors) -> TokenStream {
    let mut texts = Vec::<String>::new();
    let mut arms = Vec::new();
    for Variant { attrs, ident, fields, .. } in variants {
        let mut pattern = quote!(Self::#ident);
        if !matches!(fields, Fields::Unit) {
            errors.at(
                fields,
                "a label value is a name, so a variant carries nothing; put what it carries into a label of its own",
            );
            pattern = quote!(Self::#ident { .. });
        }
        let text = renamed(attrs, errors).unwrap_or_else(|| LitStr::new(&snake_case(&ident.to_string()), ident.span()));
        if texts.contains(&text.value()) {
            errors.at(&text, format!("label value `{}` is there twice", text.value()));
        }
        texts.push(text.value());
        arms.push(quote!(#pattern => #text,));
    }
    match arms.is_empty() {
        true => quote!(match *self {}),
        false => quote!(__chassis::LabelValues::text(values, match self { #(#arms)* });),
    }
}

fn check_name(name: &LitStr, errors: &mut Errors) {
    let text = name.value();
    let is_valid = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
        && !text.starts_with("__");
    if !is_valid {
        let rules = "letters, digits and `_`, no digit first, not `__` first";
        errors.at(name, format!("`{text}` cannot be the name of a label; it may have {rules}"));
    }
}

fn name_of(ident: &Ident) -> LitStr {
    let text = ident.to_string();
    LitStr::new(text.strip_prefix("r#").unwrap_or(&text), ident.span())
}

/// The text of `#[label(rename = "…")]`.
fn renamed(attributes: &[Attribute], errors: &mut Errors) -> Option<LitStr> {
    let mut renamed = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("label")) {
        let mut arguments = Args::of(attribute, errors);
        renamed = arguments.text("rename", errors);
        arguments.done(errors);
    }
    renamed
}

/// Where the runtime is: what `#[label(crate = path)]` on the item says.
fn root(input: &DeriveInput, errors: &mut Errors) -> Paths {
    let mut root = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("label")) {
        let mut arguments = Args::of(attribute, errors);
        root = arguments.root();
        arguments.done(errors);
    }
    Paths::new(root.as_ref())
}

/// `OutOfStock` as `out_of_stock`, `HTTPError` as `http_error`.
pub(crate) fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.strip_prefix("r#").unwrap_or(name).chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, char) in chars.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| chars.get(before));
        let starts_word = before.is_some_and(|before| {
            let ends_capitals = chars.get(place + 1).is_some_and(|next| next.is_lowercase());
            *before != '_' && (before.is_lowercase() || before.is_ascii_digit() || ends_capitals)
        });
        if char.is_uppercase() && starts_word {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn variants_are_written_in_snake_case() {
        for (name, expected) in [
            ("OutOfStock", "out_of_stock"),
            ("HTTPError", "http_error"),
            ("Eur", "eur"),
            ("V2Api", "v2_api"),
            ("r#Type", "type"),
        ] {
            assert_eq!(snake_case(name), expected);
        }
    }
}
