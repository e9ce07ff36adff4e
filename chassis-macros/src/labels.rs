//! `#[derive(Labels)]`: a struct of label values, or an enum whose variants are label values.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Error, Field, Fields, LitStr, Path, Result, Variant, parse_quote, punctuated::Punctuated,
    spanned::Spanned,
};

/// The impls for the item, or everything that is wrong with it.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    match derive(input) {
        Ok(impls) => impls,
        Err(error) => {
            // The impl is given all the same, so that the mistake is not told again at each use.
            let (ident, errors) = (&input.ident, error.to_compile_error());
            let (generics, arguments, bounds) = input.generics.split_for_impl();
            quote! {
                #errors
                #[automatically_derived]
                impl #generics ::chassis::__private::Labels for #ident #arguments #bounds {
                    const NAMES: &'static [&'static ::chassis::__private::str] = &[];
                    fn write(&self, _: &mut ::chassis::__private::LabelValues) {}
                }
            }
        }
    }
}

fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let options = ItemOptions::parse(input)?;
    let runtime = &options.runtime;
    let ident = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let mut body = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => named(&fields.named)?,
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let ty = &fields.unnamed[0].ty;
                single(ident, quote_spanned!(ty.span()=> __chassis::LabelValue::write(&self.0, values)))
            }
            fields => {
                return Err(Error::new(
                    fields.span_or(ident),
                    "labels need names: write `struct Name { label: Type }`",
                ));
            }
        },
        Data::Enum(data) => single(ident, variants(&data.variants)?),
        Data::Union(_) => return Err(Error::new(ident.span(), "a union cannot be labels; write a struct or an enum")),
    };
    let LabelsBody { names, writes, value } = &mut body;
    let value = value.take().map(|write| {
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
    Ok(quote! {
        const _: () = {
            use #runtime::__private as __chassis;

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
    })
}

/// What differs between structs and enums.
struct LabelsBody {
    names: Vec<LitStr>,
    writes: Vec<TokenStream>,
    /// How the item is written as one value, if it can be one.
    value: Option<TokenStream>,
}

/// One label per field, by name, so that two structs with the same labels make the same meter.
fn named(fields: &Punctuated<Field, syn::Token![,]>) -> Result<LabelsBody> {
    let mut labels = Vec::new();
    let mut errors = Errors::default();
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let Some(name) = errors.keep(label_name(field, ident)) else { continue };
        if labels.iter().any(|(other, _): &(LitStr, _)| other.value() == name.value()) {
            errors.push(Error::new(name.span(), format!("label `{}` is there twice", name.value())));
            continue;
        }
        labels.push((name, quote_spanned!(field.ty.span()=> __chassis::LabelValues::value(values, &self.#ident);)));
    }
    errors.finish()?;
    labels.sort_by_key(|(name, _)| name.value());
    let (names, writes) = labels.into_iter().unzip();
    Ok(LabelsBody { names, writes, value: None })
}

/// The item is one value, and alone a label named like it.
fn single(ident: &Ident, write: TokenStream) -> LabelsBody {
    let name = LitStr::new(&snake_case(&ident.to_string()), ident.span());
    let writes = vec![quote!(__chassis::LabelValues::value(values, self);)];
    LabelsBody { names: vec![name], writes, value: Some(write) }
}

fn variants(variants: &Punctuated<Variant, syn::Token![,]>) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let mut arms = Vec::new();
    let mut texts = Vec::<String>::new();
    for variant in variants {
        let ident = &variant.ident;
        if !matches!(variant.fields, Fields::Unit) {
            errors.push(Error::new(
                variant.fields.span(),
                "a label value is a name, so a variant carries nothing; put what it carries into a label of its own",
            ));
            continue;
        }
        let renamed = errors.keep(renamed(&variant.attrs)).flatten();
        let text = renamed.unwrap_or_else(|| LitStr::new(&snake_case(&ident.to_string()), ident.span()));
        if texts.contains(&text.value()) {
            errors.push(Error::new(text.span(), format!("label value `{}` is there twice", text.value())));
        }
        texts.push(text.value());
        arms.push(quote!(Self::#ident => #text,));
    }
    errors.finish()?;
    if arms.is_empty() {
        return Ok(quote!(match *self {}));
    }
    Ok(quote! {
        __chassis::LabelValues::text(values, match self { #(#arms)* });
    })
}

fn label_name(field: &Field, ident: &Ident) -> Result<LitStr> {
    let name = renamed(&field.attrs)?.unwrap_or_else(|| {
        let text = ident.to_string();
        LitStr::new(text.strip_prefix("r#").unwrap_or(&text), ident.span())
    });
    let text = name.value();
    let is_valid = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|char| char.is_ascii_alphanumeric() || char == '_');
    if !is_valid || text.starts_with("__") {
        return Err(Error::new(
            name.span(),
            format!(
                "`{text}` cannot be the name of a label: use letters, digits and `_`, no digit first, not `__` first"
            ),
        ));
    }
    Ok(name)
}

/// The text of `#[label(rename = "…")]`.
fn renamed(attributes: &[syn::Attribute]) -> Result<Option<LitStr>> {
    let mut renamed = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("label")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                renamed = Some(meta.value()?.parse()?);
                return Ok(());
            }
            Err(meta.error("expected `rename = \"…\"`"))
        })?;
    }
    Ok(renamed)
}

struct ItemOptions {
    runtime: TokenStream,
}

impl ItemOptions {
    /// Reads `#[label(crate = path)]`.
    fn parse(input: &DeriveInput) -> Result<Self> {
        let mut runtime: Path = parse_quote!(::chassis);
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("label")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("crate") {
                    runtime = meta.value()?.call(Path::parse_mod_style)?;
                    return Ok(());
                }
                Err(meta.error("expected `crate = path`; `rename` belongs on a field or variant"))
            })?;
        }
        Ok(Self { runtime: runtime.into_token_stream() })
    }
}

/// Several errors as one.
#[derive(Default)]
struct Errors(Option<Error>);

impl Errors {
    fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

trait SpanOr {
    fn span_or(&self, otherwise: &Ident) -> Span;
}

impl SpanOr for Fields {
    fn span_or(&self, otherwise: &Ident) -> Span {
        if self.is_empty() { otherwise.span() } else { self.span() }
    }
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
