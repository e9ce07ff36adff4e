//! Handlers: how the resources of a service get to call its methods.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericArgument, Ident, PathArguments, ReturnType, Type, parse_quote, spanned::Spanned as _};

use super::{
    expand::{call, from_context},
    intake::Intake,
    model::{Argument, Block, Given, Kind, Method, Role},
    route::Route,
};
use crate::{
    microservice::signature::{is_opaque, plain},
    span,
};

/// The one call that hands every handler of the block to the resource that calls it.
pub(super) fn expand(block: &Block, blueprint: &Ident) -> Option<TokenStream> {
    let handlers: Vec<(&Method, &Role)> = block
        .working()
        .flat_map(|method| method.roles.iter().map(move |role| (method, role)))
        .filter(|(_, role)| role.kind.has_input())
        .collect();
    if handlers.is_empty() {
        return None;
    }
    let takes_context = handlers.iter().any(|(method, _)| takes_context(method));
    let scene = Scene {
        service: span::local("service", Span::call_site()),
        cx: span::local(if takes_context { "cx" } else { "_cx" }, Span::call_site()),
        server: server_of(&handlers).map(|at| span::local("http", at)),
    };
    let Scene { service, cx, server } = &scene;
    let server = server.as_ref().map(|server| {
        let sole = sole(server.span(), service);
        quote_spanned!(span::here(server.span())=> let #server = #sole;)
    });
    let calls = handlers.iter().map(|(method, role)| {
        let cfgs = &method.cfgs;
        let call = match &role.kind {
            Kind::Route(route) => on_route(method, role.span, route, &scene),
            Kind::Handler { field, matcher } => {
                let handler = handler(method, Protocol::Any, &scene);
                quote_spanned!(span::here(field.span())=> #service.#field.on(#matcher, #handler))
            }
            Kind::Intake(intake) => on_intake(method, role.span, intake, &scene),
            Kind::Task { .. } | Kind::Timer(_) | Kind::Thread | Kind::Hook { .. } => return TokenStream::new(),
        };
        quote!(#(#cfgs)* #call;)
    });
    Some(quote! {
        #blueprint.handlers(|#service, #cx| {
            #server
            #(#calls)*
        });
    })
}

/// The variables that the calls of a block share.
struct Scene {
    service: Ident,
    cx: Ident,
    /// The one server, when a route that is always there needs it.
    server: Option<Ident>,
}

/// How arguments are made and answers are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    /// By `Give` and `Settle` of the input.
    Any,
    /// By the extractors of axum, the last of which may read the body.
    Http,
}

/// Where the first route stands that is always there and does not name its server.
fn server_of(handlers: &[(&Method, &Role)]) -> Option<Span> {
    handlers.iter().find_map(|(method, role)| match &role.kind {
        Kind::Route(route) if route.field.is_none() && method.cfgs.is_empty() => Some(role.span),
        _ => None,
    })
}

fn sole(at: Span, service: &Ident) -> TokenStream {
    let service = span::moved_to(service, at);
    quote_spanned!(span::here(at)=> __chassis::sole::<__chassis::http::HttpServer, _>(#service))
}

fn takes_context(method: &Method) -> bool {
    method.arguments.iter().any(|argument| argument.given != Given::Input)
}

/// `http.on(get("/path").name("method"), each(…))`
fn on_route(method: &Method, at: Span, route: &Route, scene: &Scene) -> TokenStream {
    let here = span::here(at);
    let service = &scene.service;
    let server = match (&route.field, &scene.server) {
        (Some(field), _) => quote_spanned!(span::here(field.span())=> #service.#field),
        (None, Some(server)) => quote!(#server),
        (None, None) => sole(at, service),
    };
    let (constructor, path, name) = (Ident::new(&route.method, here), &route.path, method.name());
    let about = (!method.about.is_empty()).then(|| {
        let about = &method.about;
        quote!(.about(#about))
    });
    let deprecated = method.is_deprecated.then(|| quote!(.deprecated()));
    let options = &route.options;
    let describe = describe(method, "http");
    let handler = handler(method, Protocol::Http, scene);
    quote_spanned! {here=>
        #server.on(
            __chassis::http::#constructor(#path).name(#name) #about #deprecated #(#options)* #describe,
            #handler,
        )
    }
}

/// `service.broker.on(pull("name").handler("method"), each(…))`
fn on_intake(method: &Method, at: Span, intake: &Intake, scene: &Scene) -> TokenStream {
    let Intake { pattern, field, name, options } = intake;
    let here = span::here(at);
    let service = &scene.service;
    let (constructor, handler_name) = (Ident::new(pattern, here), method.name());
    let about = (!method.about.is_empty()).then(|| {
        let about = &method.about;
        quote!(.about(#about))
    });
    let describe = describe(method, "messaging");
    let handler = handler(method, Protocol::Any, scene);
    let broker = quote_spanned!(span::here(field.span())=> #service.#field);
    quote_spanned! {here=>
        #broker.on(
            // First and last stand at the attribute, so that the compiler's complaints do.
            __chassis::messaging::#constructor(#name) #about #(#options)* #describe.handler(#handler_name),
            #handler,
        )
    }
}

/// `each(service, |service, mut input| async move { … })`: one step per argument, the method, and what its answer means.
fn handler(method: &Method, protocol: Protocol, scene: &Scene) -> TokenStream {
    let Scene { service, cx, .. } = scene;
    let here = span::here(method.ident.span());
    let input = span::local(if protocol == Protocol::Http { "request" } else { "input" }, here);
    let last = method.arguments.iter().rposition(|argument| argument.given == Given::Input);
    let mut steps = Vec::new();
    let mut arguments = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (at, argument) in method.arguments.iter().enumerate() {
        if argument.given != Given::Input {
            arguments.push(from_context(argument, cx));
            continue;
        }
        let name = argument_name(argument, at, &names);
        // The very place of the type, so that the compiler takes both of its complaints about it for the same one.
        let here = argument.ty.span();
        let (variable, ty) = (span::local(&name, here), span::at_first(&argument.ty));
        names.push(name);
        let take = match protocol {
            Protocol::Any => quote_spanned!(here=> take::<#ty, _, _>),
            Protocol::Http if Some(at) == last => quote_spanned!(here=> http::last::<#ty, _>),
            Protocol::Http => quote_spanned!(here=> http::part::<#ty>),
        };
        steps.push(quote_spanned!(here=> let #variable = __chassis::#take(&mut #input).await?;));
        arguments.push(quote!(#variable));
    }
    let call = call(method, service, &arguments);
    let answer = span::local("answer", here);
    let settle = settle(method, protocol, &input, &answer);
    let mutable = (!steps.is_empty()).then(|| quote!(mut));
    let body = quote_spanned! {here=>
        #(#steps)*
        let #answer = #call.await;
        __chassis::Ok(#settle)
    };
    if takes_context(method) {
        quote_spanned!(here=> __chassis::each_with(#service, #cx, |#service, #cx, #mutable #input| async move { #body }))
    } else {
        quote_spanned!(here=> __chassis::each(#service, |#service, #mutable #input| async move { #body }))
    }
}

/// What the answer means to who called the method.
fn settle(method: &Method, protocol: Protocol, input: &Ident, answer: &Ident) -> TokenStream {
    let (here, ty) = match &method.output {
        ReturnType::Default => (span::here(method.ident.span()), Some(quote!(()))),
        ReturnType::Type(_, ty) if is_opaque(ty) || !method.is_async => (span::here(ty.span()), None),
        ReturnType::Type(_, ty) => (span::here(ty.span()), Some(span::at_first(ty))),
    };
    match (protocol, ty) {
        (Protocol::Any, Some(ty)) => quote_spanned!(here=> __chassis::settle::<#ty, _>(#input, #answer)),
        (Protocol::Any, None) => quote_spanned!(here=> __chassis::settle(#input, #answer)),
        (Protocol::Http, Some(ty)) => quote_spanned!(here=> __chassis::http::answer::<#ty>(#input, #answer)),
        (Protocol::Http, None) => quote_spanned!(here=> __chassis::http::answer(#input, #answer)),
    }
}

/// A name for the variable of an argument that is none of the expansion's own.
fn argument_name(argument: &Argument, at: usize, taken: &[String]) -> String {
    const OWN: [&str; 8] = ["answer", "blueprint", "cx", "http", "input", "request", "self", "service"];
    match &argument.name {
        Some(name)
            if !OWN.contains(&name.as_str()) && !taken.contains(name) && syn::parse_str::<Ident>(name).is_ok() =>
        {
            name.clone()
        }
        Some(_) | None => format!("argument_{at}"),
    }
}

/// `.describe(|operation| …)`: what the documentation of a route, or of a handler of messages, is made of.
fn describe(method: &Method, module: &str) -> Option<TokenStream> {
    let module = format_ident!("{module}");
    let operation = span::local("operation", span::here(method.ident.span()));
    let shape = |ty: &Type, function: &str| {
        let (ty, function) = (span::at_first(ty), format_ident!("{function}"));
        quote_spanned!(span::here(method.ident.span())=> __chassis::#module::Shape::<#ty>::#function(#operation);)
    };
    let mut shapes: Vec<TokenStream> = method
        .arguments
        .iter()
        .filter(|argument| argument.given == Given::Input)
        .map(|argument| shape(&argument.ty, "argument"))
        .collect();
    match &method.output {
        // The answer is what the future gives.
        ReturnType::Type(..) if !method.is_async => {}
        ReturnType::Default => shapes.push(shape(&parse_quote!(()), "answer")),
        ReturnType::Type(_, ty) => {
            let (answer, failure) = result_of(ty);
            for (ty, function) in [(answer, "answer"), (failure, "failure")] {
                shapes.extend(ty.filter(|ty| !is_opaque(ty)).map(|ty| shape(ty, function)));
            }
        }
    }
    (!shapes.is_empty()).then(|| {
        quote! {
            .describe(|#operation| {
                #[allow(unused_imports)]
                use __chassis::#module::Undescribed as _;
                #(#shapes)*
            })
        }
    })
}

/// `Result<A, E>` taken apart; anything else is an answer.
fn result_of(ty: &Type) -> (Option<&Type>, Option<&Type>) {
    let Type::Path(path) = plain(ty) else { return (Some(ty), None) };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else { return (Some(ty), None) };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return (Some(ty), None) };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    (types.next(), types.next())
}
