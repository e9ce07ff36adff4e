//! The impls; nothing here can fail.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Expr, ExprLit, Generics, Lit, parse_quote, spanned::Spanned as _};

use super::model::{Body, Default, Field, Name, Settings, Variant};
use crate::span;

pub(super) fn expand(settings: &Settings) -> TokenStream {
    let Settings { paths, ident, generics, about: _, check, body } = settings;
    let import = paths.import();
    let implementation = match body {
        Body::Broken => schema(settings, &TokenStream::new(), &quote!(__chassis::None)),
        Body::Unit => schema(settings, &TokenStream::new(), &quote!(__chassis::Some(Self))),
        Body::Struct(fields) => {
            let (read, built) = read_fields(settings, fields);
            let form = form(settings, Span::call_site());
            let built = match check {
                Some(check) => quote!(#form.check(#built, #check)),
                None => built,
            };
            schema(settings, &read, &built)
        }
        Body::Enum(variants) => choice(ident, generics, variants),
    };
    let serde = serde(ident, generics);
    quote! {
        const _: () = {
            #import
            #implementation
            #serde
        };
    }
}

fn schema(settings: &Settings, read: &TokenStream, built: &TokenStream) -> TokenStream {
    let Settings { ident, generics, about, .. } = settings;
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let form = form(settings, Span::call_site());
    let form = if read.is_empty() { quote!(_) } else { quote!(#form) };
    let show = show(settings);
    quote! {
        #[automatically_derived]
        impl #parameters __chassis::settings::SettingsSchema for #ident #arguments #bounds {
            const ABOUT: &'static __chassis::str = #about;

            fn fields(#form: &mut __chassis::settings::Form<'_>) -> __chassis::Option<Self> {
                #read
                #built
            }

            #show
        }
    }
}

/// The fields as they would be written, where the struct has any that can be.
fn show(settings: &Settings) -> Option<TokenStream> {
    let Body::Struct(fields) = &settings.body else { return None };
    let shown = fields.iter().filter(|field| !field.is_skipped && !field.is_serde).map(|field| {
        let Field { ident, name: Name { text, .. }, ty, .. } = field;
        // A type that cannot be read is told where it is read, and not once more here.
        quote_spanned!(span::here(ty.span())=> (#text, __chassis::settings::Shown(&self.#ident).show()))
    });
    let shown: Vec<TokenStream> = shown.collect();
    (!shown.is_empty()).then(|| {
        quote! {
            fn show_fields(&self) -> __chassis::settings::Json {
                use __chassis::settings::ShowNothing as _;

                __chassis::settings::show_fields(&[#(#shown),*])
            }
        }
    })
}

/// One statement per field, and the value made of all of them.
fn read_fields(settings: &Settings, fields: &[Field]) -> (TokenStream, TokenStream) {
    let statements = fields.iter().filter(|field| !field.is_skipped).map(|field| read_field(settings, field));
    let values = fields.iter().map(|field| {
        let ident = &field.ident;
        let local = local(ident);
        if field.is_skipped {
            let ty = &field.ty;
            return quote_spanned!(span::here(ty.span())=> #ident: <#ty as __chassis::settings::Default>::default());
        }
        let inner = field.is_serde.then(|| quote!(.0));
        quote!(#ident: #local? #inner)
    });
    // The question marks stay inside, so that a rule between fields is not skipped unnoticed.
    let (statements, values): (TokenStream, Vec<TokenStream>) = (statements.collect(), values.collect());
    if fields.is_empty() {
        return (statements, quote!(__chassis::Some(Self {})));
    }
    (statements, quote!(__chassis::Some(Self { #(#values),* })))
}

fn read_field(settings: &Settings, field: &Field) -> TokenStream {
    let Field { ident, about, name, is_live, .. } = field;
    // Shown at the type: a type that cannot be read is told where it was written.
    let (local, form) = (local(ident), form(settings, field.ty.span()));
    let here = span::here(field.ty.span());
    let (ty, Name { text, .. }, rules) = (ty(field), name, rules(field));
    let about = (!about.is_empty()).then(|| quote!(.about(#about)));
    let default = default(field, &ty).map(|default| quote!(.default(#default)));
    let change = is_live.map(|is_live| match is_live {
        true => quote!(.change(__chassis::settings::Change::Live)),
        false => quote!(.change(__chassis::settings::Change::Restart)),
    });
    quote_spanned! {here=>
        let #local = #form.field::<#ty>(#text) #about #default #rules #change .read();
    }
}

/// The type that is read.
pub(super) fn ty(field: &Field) -> TokenStream {
    let ty = &field.ty;
    if field.is_serde { quote_spanned!(span::here(ty.span())=> __chassis::settings::Serde<#ty>) } else { quote!(#ty) }
}

/// The closure that makes the default; it names the `ty`, so that a mistake is told in words about that.
pub(super) fn default(field: &Field, ty: &TokenStream) -> Option<TokenStream> {
    match &field.default {
        Default::None => None,
        Default::OfType => {
            let here = span::here(field.ty.span());
            let plain = quote_spanned!(here=> __chassis::settings::Default::default());
            Some(quote_spanned!(here=> || __chassis::settings::from_plain::<#ty>(#plain)))
        }
        Default::OfStruct => {
            let ident = &field.ident;
            Some(quote!(|| <Self as __chassis::settings::Default>::default().#ident))
        }
        Default::Value(value) => {
            let here = span::here(value.span());
            let from = default_from(value);
            Some(quote_spanned!(here=> || __chassis::settings::#from::<#ty>(#value)))
        }
    }
}

/// What the field asks of its value: `.aliases(&["old"]).min(1).max(9)`
pub(super) fn rules(field: &Field) -> TokenStream {
    let Field { aliases, min, max, unit, .. } = field;
    let aliases: Vec<&String> = aliases.iter().map(|alias| &alias.text).collect();
    let aliases = (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let limits = [("min", min), ("max", max)].map(|(method, limit)| {
        let limit = wide(limit.as_ref()?);
        let method = Ident::new(method, span::here(limit.span()));
        Some(quote!(.#method(#limit)))
    });
    let unit = unit.map(|unit| match unit {
        "ms" => quote!(.unit(__chassis::settings::Unit::Milliseconds)),
        _ => quote!(.unit(__chassis::settings::Unit::Seconds)),
    });
    let [min, max] = limits;
    quote!(#aliases #min #max #unit)
}

/// A limit whose type can hold it: without a suffix, a number would be an `i32`.
fn wide(limit: &Expr) -> Expr {
    let mut limit = limit.clone();
    if let Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) = &mut limit
        && number.suffix().is_empty()
        && number.base10_parse::<i32>().is_err()
    {
        *number = syn::LitInt::new(&format!("{number}_i128"), number.span());
    }
    limit
}

/// The function that makes a default of what was written: text is read, everything else is taken as it is.
fn default_from(value: &Expr) -> Ident {
    let is_text = matches!(value, Expr::Lit(ExprLit { lit: Lit::Str(_), .. }));
    Ident::new(if is_text { "from_text" } else { "from_plain" }, span::here(value.span()))
}

/// What fields are listed to; a field may have that name too.
fn form(settings: &Settings, at: Span) -> Ident {
    let is_taken = matches!(&settings.body, Body::Struct(fields) if fields.iter().any(|field| field.ident == "form"));
    span::local(if is_taken { "whole_form" } else { "form" }, at)
}

/// The variable that holds what was read.
fn local(ident: &Ident) -> Ident {
    match ident.to_string().strip_prefix("r#") {
        Some(raw) => Ident::new_raw(raw, Span::mixed_site()),
        None => span::local(&ident.to_string(), Span::call_site()),
    }
}

fn choice(ident: &Ident, generics: &Generics, variants: &[Variant]) -> TokenStream {
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let choices = variants.iter().map(|Variant { about, name, aliases, .. }| {
        let (name, aliases) = (&name.text, aliases.iter().map(|alias| &alias.text));
        quote!(__chassis::settings::Choice { name: #name, aliases: &[#(#aliases),*], about: #about })
    });
    let idents: Vec<&Ident> = variants.iter().map(|variant| &variant.ident).collect();
    let numbers: Vec<usize> = (0..variants.len()).collect();
    quote! {
        const CHOICES: &[__chassis::settings::Choice] = &[#(#choices),*];

        #[automatically_derived]
        impl #parameters __chassis::settings::SettingValue for #ident #arguments #bounds {
            type Plain = Self;

            fn from_plain(plain: Self) -> Self {
                plain
            }

            fn read(input: &mut __chassis::settings::Input<'_>) -> __chassis::Option<Self> {
                match __chassis::settings::choose(input, CHOICES)? {
                    #(#numbers => __chassis::Some(Self::#idents),)*
                    _ => __chassis::None,
                }
            }

            fn shape() -> __chassis::settings::Shape {
                __chassis::settings::Shape::choice(CHOICES)
            }

            fn show(&self) -> __chassis::settings::Json {
                match *self {
                    #(Self::#idents => __chassis::settings::show_choice(CHOICES, #numbers),)*
                }
            }
        }
    }
}

/// `Deserialize` and `JsonSchema`, by what the settings themselves say.
fn serde(ident: &Ident, generics: &Generics) -> TokenStream {
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let mut with_lifetime = generics.clone();
    let lifetime: syn::GenericParam = parse_quote!('de);
    with_lifetime.params.insert(0, lifetime);
    let (de_parameters, _, _) = with_lifetime.split_for_impl();
    let name = ident.to_string();
    quote! {
        #[automatically_derived]
        impl #de_parameters __chassis::settings::Deserialize<'de> for #ident #arguments #bounds {
            fn deserialize<D: __chassis::settings::Deserializer<'de>>(
                deserializer: D,
            ) -> __chassis::settings::Result<Self, D::Error> {
                __chassis::settings::deserialize(deserializer)
            }
        }

        #[automatically_derived]
        impl #parameters __chassis::settings::JsonSchema for #ident #arguments #bounds {
            fn schema_name() -> __chassis::settings::Cow<'static, __chassis::str> {
                __chassis::settings::Cow::Borrowed(#name)
            }

            fn json_schema(_: &mut __chassis::settings::SchemaGenerator) -> __chassis::settings::Schema {
                __chassis::settings::json_schema::<Self>()
            }
        }
    }
}
