//! From the model to what a careful person would have typed.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, GenericParam, Ident, ItemStruct, Type, ext::IdentExt as _, spanned::Spanned as _};

use super::model::{Field, Kind, Meter, Service};
use crate::{duration, microservice::signature::plain, settings, span};

/// Types of servers whose handlers need not say which field they are for.
const SERVERS: [&str; 1] = ["HttpServer"];

/// The struct, and the impls that make it a service.
pub(super) fn expand(service: &Service) -> TokenStream {
    let item = &service.item;
    let import = service.paths.import();
    let microservice = microservice(service);
    let servers = servers(service);
    let entry_points = entry_points(service);
    quote! {
        #item

        const _: () = {
            #import

            #microservice
            #servers
            #entry_points
        };
    }
}

/// The struct alone, with what keeps `main` from being one more mistake.
pub(super) fn fallback(item: &ItemStruct) -> TokenStream {
    let (ident, (generics, arguments, bounds)) = (&item.ident, item.generics.split_for_impl());
    let vis = &item.vis;
    quote! {
        #item

        impl #generics #ident #arguments #bounds {
            #[allow(dead_code)]
            #vis fn run() -> ::std::process::ExitCode {
                ::core::unreachable!()
            }
        }
    }
}

fn microservice(service: &Service) -> TokenStream {
    let item = &service.item;
    let (ident, (generics, arguments, bounds)) = (&item.ident, item.generics.split_for_impl());
    let (name, about) = (&service.name, &service.about);
    let args = match &service.args {
        Some(ty) => quote!(#ty),
        None => quote!(__chassis::NoArgs),
    };
    let free_settings = service.free_settings.then(|| {
        quote!(
            const FREE_SETTINGS: __chassis::bool = true;
        )
    });
    let build = build(service);
    let blueprint = blueprint(service);
    quote_spanned! {span::here(ident.span())=>
        #[automatically_derived]
        impl #generics __chassis::Microservice for #ident #arguments #bounds {
            const NAME: &'static __chassis::str = #name;
            const VERSION: &'static __chassis::str = ::core::env!("CARGO_PKG_VERSION");
            const ABOUT: &'static __chassis::str = #about;
            #free_settings
            type Args = #args;

            #build

            #blueprint
        }
    }
}

/// `fn build`: settings and meters are made, everything else has its first value.
fn build(service: &Service) -> TokenStream {
    let is_used = service.fields.iter().any(|field| matches!(field.kind, Kind::Setting(_) | Kind::Meter(_)));
    let parts = span::local(if is_used { "parts" } else { "_parts" }, Span::call_site());
    let fields = service.fields.iter().map(|field| {
        let Field { ident, ty, cfgs, kind, init, .. } = field;
        let here = span::here(ty.span());
        let value = match (kind, init) {
            (Kind::Broken, _) => quote!(__chassis::broken()),
            (Kind::Setting(setting), _) => {
                let (ty, name, default) = key(setting);
                let inner = setting.is_serde.then(|| quote!(.0));
                quote_spanned!(here=> #parts.setting::<#ty>(#name, #default)? #inner)
            }
            (Kind::Meter(meter), _) => {
                let options = meter_options(field, meter);
                quote_spanned!(here=> #parts.meter::<#ty>(#options)?)
            }
            (Kind::Resource { .. } | Kind::Plain, Some(init)) => quote!(#init),
            (Kind::Resource { .. } | Kind::Plain, None) => quote_spanned!(here=> __chassis::initial::<#ty>()),
        };
        quote!(#(#cfgs)* #ident: #value)
    });
    let value = match &service.item.fields {
        syn::Fields::Unit => quote!(Self),
        syn::Fields::Named(_) | syn::Fields::Unnamed(_) => quote!(Self { #(#fields),* }),
    };
    // What is there on a condition may leave the variable without a use.
    let is_conditional = is_used && service.fields.iter().any(|field| !field.cfgs.is_empty());
    let allow = is_conditional.then(|| quote!(#[allow(unused_variables)]));
    quote! {
        #allow
        fn build(#parts: &mut __chassis::Parts<'_>) -> __chassis::Result<Self> {
            __chassis::Ok(#value)
        }
    }
}

/// `fn blueprint`: what the struct lists, then what its `impl` blocks add.
fn blueprint(service: &Service) -> TokenStream {
    let blueprint = span::local("blueprint", Span::call_site());
    let fields = service.fields.iter().filter_map(|field| {
        let Field { ident, ty, cfgs, about, kind, .. } = field;
        let here = span::here(ty.span());
        let name = field.name();
        let about = (!about.is_empty()).then(|| quote!(.about(#about)));
        let call = match kind {
            Kind::Resource { after, is_critical } => {
                let after = self::after(after, &service.fields);
                let critical = is_critical.then(|| quote!(.critical()));
                let service = span::local("service", here);
                quote_spanned!(here=> #blueprint.resource::<#ty>(#name, |#service| &#service.#ident) #about #after #critical)
            }
            Kind::Setting(setting) => {
                let ((ty, name, default), rules) = (key(setting), setting.rules());
                quote_spanned!(here=> #blueprint.setting::<#ty>(#name, #default) #rules #about)
            }
            Kind::Meter(_) | Kind::Plain | Kind::Broken => return None,
        };
        Some(quote!(#(#cfgs)* #call;))
    });
    let parts = service.parts.iter().map(|part| {
        let function = format_ident!("chassis_part_{}", part.unraw(), span = part.span());
        quote_spanned!(span::here(part.span())=> Self::#function(#blueprint);)
    });
    quote! {
        fn blueprint(#blueprint: &mut __chassis::Blueprint<Self>) {
            #[allow(unused_imports)]
            use __chassis::NoMethods as _;
            #(#fields)*
            Self::chassis_only_one_block_may_have_no_part(#blueprint);
            #(#parts)*
        }
    }
}

/// `.after(&["db"])`, without names that are mistakes; one whose field is there conditionally is, too.
fn after(names: &[Ident], fields: &[Field]) -> Option<TokenStream> {
    let names: Vec<TokenStream> = names
        .iter()
        .filter_map(|name| {
            let name = name.unraw().to_string();
            let field = fields.iter().find(|field| field.name() == name && field.is_resource())?;
            let cfgs = condition(&field.cfgs, fields.iter().filter(|other| other.name() == name).count());
            Some(quote!(#cfgs #name))
        })
        .collect();
    (!names.is_empty()).then(|| quote!(.after(&[#(#names),*])))
}

/// The condition of a field, unless several fields of this name share the conditions between them.
fn condition(cfgs: &[Attribute], same_name: usize) -> TokenStream {
    if same_name == 1 { quote!(#(#cfgs)*) } else { TokenStream::new() }
}

/// The type, the name and the default of a setting.
fn key(setting: &settings::Field) -> (TokenStream, &str, TokenStream) {
    let default = match setting.default() {
        Some(default) => quote!(__chassis::Some(#default)),
        None => quote!(__chassis::None),
    };
    (setting.ty(), &setting.name.text, default)
}

fn meter_options(field: &Field, meter: &Meter) -> TokenStream {
    let Meter { name, unit, buckets, quantiles, window, max_series } = meter;
    let name = name.clone().unwrap_or_else(|| field.name());
    let about = &field.about;
    let unit = unit.as_ref().map(|unit| quote!(.unit(#unit)));
    let buckets = buckets.as_ref().map(|buckets| quote!(.buckets(#buckets)));
    let quantiles = quantiles.as_ref().map(|quantiles| quote!(.quantiles(#quantiles)));
    let window = window.map(|window| {
        let window = duration::tokens(window);
        quote!(.window(#window))
    });
    let max_series = max_series.as_ref().map(|max_series| quote!(.max_series(#max_series)));
    quote!(__chassis::MeterOptions::new(#name, #about) #unit #buckets #quantiles #window #max_series)
}

/// How handlers find the one server that they need not name.
fn servers(service: &Service) -> TokenStream {
    let (ident, (generics, arguments, bounds)) = (&service.item.ident, service.item.generics.split_for_impl());
    let sole = |field: &Field, count: TokenStream| {
        let Field { ident: field, ty, cfgs, .. } = field;
        quote_spanned! {span::here(ty.span())=>
            #(#cfgs)*
            #[automatically_derived]
            impl #generics __chassis::Sole<#ty> for #ident #arguments #bounds {
                type Count = __chassis::#count;

                fn sole(&self) -> &#ty {
                    &self.#field
                }
            }
        }
    };
    let servers = SERVERS.iter().filter_map(|server| {
        let is_server = |field: &&Field| field.is_resource() && is_called(&field.ty, server);
        let fields: Vec<&Field> = service.fields.iter().filter(is_server).collect();
        let first = fields.iter().find(|field| field.cfgs.is_empty()).or(fields.first())?;
        if fields.iter().all(|field| field.ident == first.ident) {
            // Several of one name stand for each other: at most one of them is there.
            return Some(fields.iter().map(|field| sole(field, quote!(One))).collect());
        }
        Some(sole(first, quote!(Several)))
    });
    servers.collect()
}

fn is_called(ty: &Type, name: &str) -> bool {
    match plain(ty) {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == name && last.arguments.is_empty())
        }
        _ => false,
    }
}

/// `run` and `builder`; the former for the defaults of the generics only, so that `Orders::run()` needs no arguments.
fn entry_points(service: &Service) -> TokenStream {
    let item = &service.item;
    let (ident, vis, (generics, arguments, bounds)) = (&item.ident, &item.vis, item.generics.split_for_impl());
    let here = span::here(ident.span());
    let docs = format!(" Runs `{}` with its command line, until it is told to stop.", service.name);
    let run = quote_spanned! {here=>
        #[doc = #docs]
        #[allow(dead_code)]
        #vis fn run() -> __chassis::ExitCode {
            __chassis::run::<Self>()
        }
    };
    let docs = format!(" Puts `{}` together for tests and scripts.", service.name);
    let builder = quote_spanned! {here=>
        #[doc = #docs]
        #[allow(dead_code)]
        #[must_use]
        #vis fn builder() -> __chassis::Builder<Self> {
            __chassis::Builder::new()
        }
    };
    let is_default = |param: &GenericParam| match param {
        GenericParam::Type(param) => param.default.is_some(),
        GenericParam::Const(param) => param.default.is_some(),
        GenericParam::Lifetime(_) => false,
    };
    if !item.generics.params.is_empty() && item.generics.params.iter().all(is_default) {
        quote_spanned! {here=>
            #[automatically_derived]
            impl #ident {
                #run
            }

            #[automatically_derived]
            impl #generics #ident #arguments #bounds {
                #builder
            }
        }
    } else {
        quote_spanned! {here=>
            #[automatically_derived]
            impl #generics #ident #arguments #bounds {
                #run
                #builder
            }
        }
    }
}
