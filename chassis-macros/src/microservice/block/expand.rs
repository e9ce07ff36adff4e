//! From the model to what a careful person would have typed.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    GenericArgument, Ident, ImplItem, PathArguments, ReturnType, Type, TypeImplTrait, Visibility,
    ext::IdentExt as _,
    parse_quote,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::model::{Argument, Block, Given, Kind, Method, Receiver, Role, Schedule, Timer, When};
use super::route::Route;
use crate::{duration, span};

/// The user's block, with one function more that lists what is in it.
pub(super) fn expand(block: &Block) -> TokenStream {
    let mut item = block.item.clone();
    for method in &block.methods {
        item.items.extend(timer_id(method, block));
    }
    item.items.push(list(block));
    quote!(#item)
}

/// `pub const TICK: TimerId`, by which `Context::timer` finds the timer of the method `tick`.
fn timer_id(method: &Method, block: &Block) -> Option<ImplItem> {
    method.roles.iter().find(|role| matches!(role.kind, Kind::Timer(_)))?;
    let (cfgs, name, private) = (&method.cfgs, method.name(), block.paths.private());
    let constant = constant(method);
    let vis = match &method.vis {
        Visibility::Inherited => quote!(pub(crate)),
        vis => quote!(#vis),
    };
    let docs = format!("The timer that calls `{name}`.");
    Some(parse_quote! {
        #[doc = #docs]
        #[allow(dead_code)]
        #(#cfgs)*
        #vis const #constant: #private::TimerId = #private::TimerId::new(#name);
    })
}

fn constant(method: &Method) -> Ident {
    Ident::new(&method.name().to_uppercase(), method.ident.span())
}

/// The function that the struct's part calls. When it does not, the compiler says so with our reason.
fn list(block: &Block) -> ImplItem {
    let (function, reason) = match &block.part {
        Some(part) => (
            format_ident!("chassis_part_{}", part.unraw(), span = span::here(part.span())),
            format!(
                "the struct does not list this part: write `#[microservice(parts = [{part}])]` on it; \
                 or this impl block does not cover the whole service: repeat the generics and bounds of the struct"
            ),
        ),
        None => (
            Ident::new("chassis_methods", span::here(block.item.self_ty.span())),
            "this impl block does not cover the whole service: repeat the generics and bounds of the struct".to_owned(),
        ),
    };
    let (private, import) = (block.paths.private(), block.paths.import());
    let blueprint = span::local("blueprint", Span::call_site());
    let calls: Vec<TokenStream> = block.methods.iter().flat_map(|method| method_calls(method, &blueprint)).collect();
    let handlers = handlers(block, &blueprint);
    let (import, blueprint) = if calls.is_empty() && handlers.is_none() {
        (None, span::local("_blueprint", Span::call_site()))
    } else {
        (Some(import), blueprint)
    };
    parse_quote! {
        #[deny(dead_code, reason = #reason)]
        fn #function(#blueprint: &mut #private::Blueprint<Self>) {
            #import
            #(#calls)*
            #handlers
        }
    }
}

/// The calls that list a method with the runtime, one per reason to call it.
fn method_calls(method: &Method, blueprint: &Ident) -> Vec<TokenStream> {
    let cfgs = &method.cfgs;
    let call = |role: &Role| {
        let name = method.name();
        let here = span::here(method.ident.span());
        let run = run(method, matches!(role.kind, Kind::Thread) && !method.is_async);
        let call = match &role.kind {
            Kind::Task { restart, on_give_up, stop_when_done } => {
                let restart = restart.map(|restart| {
                    let restart = camel_case(restart);
                    quote!(.restart(__chassis::Restart::#restart))
                });
                let on_give_up = on_give_up.map(|on_give_up| {
                    let on_give_up = camel_case(on_give_up);
                    quote!(.on_give_up(__chassis::OnGiveUp::#on_give_up))
                });
                let stop_when_done = stop_when_done.then(|| quote!(.stop_when_done()));
                let takes_shutdown = method
                    .arguments
                    .iter()
                    .any(|argument| argument.given == Given::Shutdown)
                    .then(|| quote!(.takes_shutdown()));
                quote_spanned!(here=> #blueprint.task(#name, #run) #restart #on_give_up #stop_when_done #takes_shutdown)
            }
            Kind::Timer(timer) => {
                let constant = constant(method);
                let schedule = schedule(&timer.schedule);
                let options = timer_options(timer);
                quote_spanned!(here=> #blueprint.timer(Self::#constant, #schedule, #run) #options)
            }
            Kind::Thread if method.is_async => quote_spanned!(here=> #blueprint.async_thread(#name, #run)),
            Kind::Thread => quote_spanned!(here=> #blueprint.thread(#name, #run)),
            Kind::Hook { when, phase, resource } => {
                let when = match when {
                    When::Before => quote!(Before),
                    When::After => quote!(After),
                };
                let phase = camel_case(&phase.to_string());
                let resource = resource_of(resource.as_ref());
                quote_spanned!(here=> #blueprint.hook(#name, __chassis::When::#when, __chassis::Phase::#phase, #resource, #run))
            }
            Kind::Handler { .. } | Kind::Route(_) => return None,
        };
        Some(quote!(#(#cfgs)* #call;))
    };
    method.roles.iter().filter_map(call).collect()
}

/// `|service, cx| async move { Self::method(&service).await }`
fn run(method: &Method, is_blocking: bool) -> TokenStream {
    let here = span::here(method.ident.span());
    let service = span::local("service", here);
    let takes = !method.arguments.is_empty();
    let cx = span::local(if takes { "cx" } else { "_cx" }, here);
    let arguments: Vec<TokenStream> = method.arguments.iter().map(|argument| from_context(argument, &cx)).collect();
    let call = call(method, &service, &arguments);
    if is_blocking {
        quote_spanned!(here=> |#service, #cx| #call)
    } else {
        quote_spanned!(here=> |#service, #cx| async move { #call.await })
    }
}

fn call(method: &Method, service: &Ident, arguments: &[TokenStream]) -> TokenStream {
    let ident = &method.ident;
    let here = span::here(ident.span());
    let this = match method.receiver {
        Receiver::Reference => quote_spanned!(here=> &#service),
        Receiver::Arc => quote_spanned!(here=> #service),
    };
    quote_spanned!(here=> Self::#ident(#this #(, #arguments)*))
}

fn from_context(argument: &Argument, cx: &Ident) -> TokenStream {
    let ty = span::at_first(&argument.ty);
    quote_spanned!(span::here(argument.ty.span())=> <#ty as __chassis::FromContext>::from_context(&#cx))
}

fn schedule(schedule: &Schedule) -> TokenStream {
    match schedule {
        Schedule::Every(interval) => {
            let interval = duration::tokens(*interval);
            quote!(__chassis::Schedule::every(#interval))
        }
        Schedule::Cron { expression, zone } => {
            let zone = match zone {
                Some(zone) => quote!(__chassis::Some(#zone)),
                None => quote!(__chassis::None),
            };
            quote!(__chassis::Schedule::cron(#expression, #zone))
        }
    }
}

fn timer_options(timer: &Timer) -> TokenStream {
    let Timer { schedule: _, one_shot, immediate, autostart, overlap, jitter } = timer;
    let one_shot = one_shot.then(|| quote!(.one_shot()));
    let immediate = immediate.then(|| quote!(.immediate()));
    let autostart = (!autostart).then(|| quote!(.autostart(false)));
    let overlap = overlap.map(|overlap| {
        let overlap = camel_case(overlap);
        quote!(.overlap(__chassis::Overlap::#overlap))
    });
    let jitter = jitter.map(|jitter| {
        let jitter = duration::tokens(jitter);
        quote!(.jitter(#jitter))
    });
    quote!(#one_shot #immediate #autostart #overlap #jitter)
}

/// The name of a resource, with a look at its field: so a name that is no resource does not compile.
fn resource_of(resource: Option<&Ident>) -> TokenStream {
    let Some(resource) = resource else { return quote!(__chassis::None) };
    let name = resource.unraw().to_string();
    let here = span::here(resource.span());
    let service = span::local("service", here);
    quote_spanned!(here=> __chassis::Some(__chassis::resource_name(#name, |#service: &Self| &#service.#resource)))
}

/// The one function that hands the handlers to the resources that call them.
fn handlers(block: &Block, blueprint: &Ident) -> Option<TokenStream> {
    let service = span::local("service", Span::call_site());
    let handlers: Vec<(&Method, &Role)> = block
        .methods
        .iter()
        .flat_map(|method| method.roles.iter().map(move |role| (method, role)))
        .filter(|(_, role)| role.kind.has_input())
        .collect();
    if handlers.is_empty() {
        return None;
    }
    let takes_context = handlers.iter().any(|(method, _)| takes_context(method));
    let cx = span::local(if takes_context { "cx" } else { "_cx" }, Span::call_site());
    let handlers = handlers.iter().map(|(method, role)| {
        let cfgs = &method.cfgs;
        let handler = match &role.kind {
            Kind::Route(route) => route_handler(method, role.span, route, &service, &cx),
            Kind::Handler { field, matcher } => {
                let run = each(
                    method,
                    &service,
                    &cx,
                    &quote!(take),
                    &quote!(take),
                    &|ty| quote!(#ty, _, _),
                    &|input, ty, answer| quote!(__chassis::settle::<#ty, _>(#input, #answer)),
                );
                let here = span::here(field.span());
                quote_spanned!(here=> #service.#field.on(#matcher, #run))
            }
            Kind::Task { .. } | Kind::Timer(_) | Kind::Thread | Kind::Hook { .. } => return TokenStream::new(),
        };
        quote!(#(#cfgs)* #handler;)
    });
    Some(quote! {
        #blueprint.handlers(|#service, #cx| {
            #(#handlers)*
        });
    })
}

fn takes_context(method: &Method) -> bool {
    method.arguments.iter().any(|argument| argument.given != Given::Input)
}

fn route_handler(method: &Method, at: Span, route: &Route, service: &Ident, cx: &Ident) -> TokenStream {
    let here = span::here(at);
    let server = match &route.field {
        Some(field) => quote_spanned!(span::here(field.span())=> #service.#field),
        None => quote_spanned!(here=> __chassis::sole::<__chassis::http::HttpServer, _>(#service)),
    };
    let (constructor, path, name) = (Ident::new(&route.method, here), &route.path, method.name());
    let about = (!method.about.is_empty()).then(|| {
        let about = &method.about;
        quote!(.about(#about))
    });
    let deprecated = method.is_deprecated.then(|| quote!(.deprecated()));
    let options = &route.options;
    let describe = describe(method);
    let run = each(
        method,
        service,
        cx,
        &quote!(http::part),
        &quote!(http::last),
        &|ty| quote!(#ty),
        &|input, ty, answer| quote!(__chassis::http::answer::<#ty>(#input, #answer)),
    );
    quote_spanned! {here=>
        #server.on(
            __chassis::http::#constructor(#path).name(#name) #about #deprecated #(#options)* #describe,
            #run,
        )
    }
}

/// `each(service, |service, mut input| async move { … })`: one step per argument, the method, and what its answer means.
fn each(
    method: &Method,
    service: &Ident,
    cx: &Ident,
    take: &TokenStream,
    take_last: &TokenStream,
    generics: &dyn Fn(&TokenStream) -> TokenStream,
    settle: &dyn Fn(&Ident, &TokenStream, &Ident) -> TokenStream,
) -> TokenStream {
    let here = span::here(method.ident.span());
    let (input, answer) = (span::local("input", here), span::local("answer", here));
    let last = method.arguments.iter().rposition(|argument| argument.given == Given::Input);
    let is_last_special = take.to_string() != take_last.to_string();
    let mut steps = Vec::new();
    let mut arguments = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for (at, argument) in method.arguments.iter().enumerate() {
        if argument.given != Given::Input {
            arguments.push(from_context(argument, cx));
            continue;
        }
        let name = argument_name(argument, at, &names);
        let value = span::local("value", here);
        let ended = span::local("ended", here);
        let argument_here = span::here(argument.ty.span());
        let ident = span::local(&name, argument_here);
        names.push(name);
        let ty = span::at_first(&argument.ty);
        let (function, generics) =
            if Some(at) == last && is_last_special { (take_last, quote!(#ty, _)) } else { (take, generics(&ty)) };
        steps.push(quote_spanned! {argument_here=>
            let #ident = match __chassis::#function::<#generics>(&mut #input).await {
                __chassis::Ok(#value) => #value,
                __chassis::Err(#ended) => return #ended,
            };
        });
        arguments.push(quote!(#ident));
    }
    let mutable = (!steps.is_empty()).then(|| quote!(mut));
    let call = call(method, service, &arguments);
    let ty = match &method.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) if is_opaque(ty) => quote!(_),
        ReturnType::Type(_, ty) => span::at_first(ty),
    };
    let settle = settle(&input, &ty, &answer);
    let settle_here = match &method.output {
        ReturnType::Default => here,
        ReturnType::Type(_, ty) => span::here(ty.span()),
    };
    let settle = quote_spanned!(settle_here=> #settle);
    let body = quote_spanned! {here=>
        #(#steps)*
        let #answer = #call.await;
        #settle
    };
    if takes_context(method) {
        quote_spanned!(here=> __chassis::each_with(#service, #cx, |#service, #cx, #mutable #input| async move { #body }))
    } else {
        quote_spanned!(here=> __chassis::each(#service, |#service, #mutable #input| async move { #body }))
    }
}

/// A name for the variable of an argument that is none of the expansion's own.
fn argument_name(argument: &Argument, at: usize, taken: &[String]) -> String {
    const OWN: [&str; 8] = ["answer", "blueprint", "cx", "ended", "input", "self", "service", "value"];
    match &argument.name {
        Some(name)
            if !OWN.contains(&name.as_str()) && !taken.contains(name) && syn::parse_str::<Ident>(name).is_ok() =>
        {
            name.clone()
        }
        Some(_) | None => format!("argument_{at}"),
    }
}

/// `.describe(|operation| …)`: what the documentation of the route is made of.
fn describe(method: &Method) -> Option<TokenStream> {
    let operation = span::local("operation", span::here(method.ident.span()));
    let shape = |ty: &Type, function: &str| {
        let (ty, function) = (span::at_first(ty), format_ident!("{function}"));
        quote_spanned!(span::here(method.ident.span())=> __chassis::http::Shape::<#ty>::#function(#operation);)
    };
    let mut shapes: Vec<TokenStream> = method
        .arguments
        .iter()
        .filter(|argument| argument.given == Given::Input)
        .map(|argument| shape(&argument.ty, "argument"))
        .collect();
    match &method.output {
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
                use __chassis::http::Undescribed as _;
                #(#shapes)*
            })
        }
    })
}

/// `Result<A, E>` taken apart; anything else is an answer.
fn result_of(ty: &Type) -> (Option<&Type>, Option<&Type>) {
    let Type::Path(path) = ty else { return (Some(ty), None) };
    let Some(last) = path.path.segments.last().filter(|last| last.ident == "Result") else { return (Some(ty), None) };
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return (Some(ty), None) };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    (types.next(), types.next())
}

/// Whether the type cannot be written again, because it says `impl` or `_`.
fn is_opaque(ty: &Type) -> bool {
    struct Opaque(bool);
    impl<'ast> Visit<'ast> for Opaque {
        fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
            self.0 = true;
        }

        fn visit_type_infer(&mut self, _: &'ast syn::TypeInfer) {
            self.0 = true;
        }
    }
    let mut opaque = Opaque(false);
    opaque.visit_type(ty);
    visit::visit_type(&mut opaque, ty);
    opaque.0
}

/// `on-failure` is `OnFailure`, `pre_start` is `PreStart`.
fn camel_case(text: &str) -> Ident {
    let words = text.split(['-', '_']).map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        format!("{}{rest}", first.to_uppercase())
    });
    Ident::new(&words.collect::<String>(), Span::call_site())
}
