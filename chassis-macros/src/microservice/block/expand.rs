//! From the model to what a careful person would have typed.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, ImplItem, Visibility, ext::IdentExt as _, parse_quote, spanned::Spanned as _};

use super::{
    handlers,
    model::{Argument, Block, Given, Kind, Method, Receiver, Role, Schedule, Timer, When},
};
use crate::{duration, span};

/// The user's block, with one function more that lists what is in it.
pub(super) fn expand(block: &Block) -> TokenStream {
    let mut item = block.item.clone();
    for member in &mut item.items {
        if let ImplItem::Fn(written) = member
            && block.methods.iter().any(|method| method.is_broken && method.ident == written.sig.ident)
        {
            written.attrs.push(parse_quote!(#[allow(dead_code)]));
        }
    }
    item.items.extend(block.methods.iter().filter_map(|method| timer_id(method, block)));
    item.items.push(list(block));
    quote!(#item)
}

/// `pub const TICK: TimerId`, by which `Context::timer` finds the timer of the method `tick`.
fn timer_id(method: &Method, block: &Block) -> Option<ImplItem> {
    if !method.is_timer {
        return None;
    }
    let (cfgs, name, private) = (&method.cfgs, method.name(), block.paths.private());
    let constant = constant(method);
    let vis = match &method.vis {
        Visibility::Inherited => quote!(pub(crate)),
        vis => quote!(#vis),
    };
    let docs = format!(" The timer that calls `{name}`.");
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

/// The function that the struct's part calls. When it does not, the compiler says so with our reason; but only because the
/// function stands at a token of the user's own: about dead code of a macro it keeps silent.
fn list(block: &Block) -> ImplItem {
    let (at, function, reason) = match &block.part {
        Some(part) => (
            part.span(),
            format_ident!("chassis_part_{}", part.unraw()),
            format!(
                "the struct does not list this part: write `#[microservice(parts = [{part}])]` on it; \
                 or this impl block does not cover the whole service: repeat the generics and bounds of the struct"
            ),
        ),
        None => (
            block.item.self_ty.span(),
            format_ident!("chassis_only_one_block_may_have_no_part"),
            "this impl block does not cover the whole service: repeat the generics and bounds of the struct".to_owned(),
        ),
    };
    let (private, import) = (block.paths.private(), block.paths.import());
    let blueprint = span::local("blueprint", Span::call_site());
    let calls: Vec<TokenStream> = block.working().flat_map(|method| method_calls(method, &blueprint)).collect();
    let handlers = handlers::expand(block, &blueprint);
    let (import, blueprint) = if calls.is_empty() && handlers.is_none() {
        (None, span::local("_blueprint", Span::call_site()))
    } else {
        (Some(import), blueprint)
    };
    let function = Ident::new(&function.to_string(), at);
    // What is there on a condition may leave a variable without a use.
    let is_conditional = block.working().any(|method| !method.cfgs.is_empty());
    let allow = is_conditional.then(|| quote!(#[allow(unused_imports, unused_variables)]));
    let list = quote_spanned! {at=>
        #[deny(dead_code, reason = #reason)]
        #allow
        pub(crate) fn #function(#blueprint: &mut #private::Blueprint<Self>) {
            #import
            #(#calls)*
            #handlers
        }
    };
    parse_quote!(#list)
}

/// The calls that list a method with the runtime, one per reason to call it.
fn method_calls(method: &Method, blueprint: &Ident) -> Vec<TokenStream> {
    let cfgs = &method.cfgs;
    let call = |role: &Role| {
        let name = method.name();
        let here = span::here(method.ident.span());
        let run = run(method, matches!(role.kind, Kind::Thread) && !method.is_async);
        let call = match &role.kind {
            Kind::Task { restart, on_give_up, stop_when_done, leader } => {
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
                let leader = leader.map(self::leader);
                quote_spanned!(here=> #blueprint.task(#name, #run) #restart #on_give_up #stop_when_done #takes_shutdown #leader)
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
            Kind::Handler { .. } | Kind::Route(_) | Kind::Intake(_) => return None,
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

/// `Self::method(&service, argument)`
pub(super) fn call(method: &Method, service: &Ident, arguments: &[TokenStream]) -> TokenStream {
    let ident = &method.ident;
    let here = span::here(ident.span());
    let this = match method.receiver {
        Receiver::Reference => quote_spanned!(here=> &#service),
        Receiver::Arc => quote_spanned!(here=> #service),
    };
    quote_spanned!(here=> Self::#ident(#this #(, #arguments)*))
}

/// An argument that every method may take.
pub(super) fn from_context(argument: &Argument, cx: &Ident) -> TokenStream {
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
    let Timer { schedule: _, one_shot, immediate, autostart, overlap, jitter, leader } = timer;
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
    let leader = leader.map(self::leader);
    quote!(#one_shot #immediate #autostart #overlap #jitter #leader)
}

/// `.leader(Etcd)`: where etcd is not compiled in, the compiler says so of the word `leader`.
fn leader(written: Span) -> TokenStream {
    let here = span::here(written);
    quote_spanned!(here=> .leader(__chassis::Etcd))
}

/// The name of a resource, with a look at its field: so a name that is no resource does not compile.
fn resource_of(resource: Option<&Ident>) -> TokenStream {
    let Some(resource) = resource else { return quote!(__chassis::None) };
    let name = resource.unraw().to_string();
    let here = span::here(resource.span());
    let service = span::local("service", here);
    quote_spanned!(here=> __chassis::Some(__chassis::resource_name(#name, |#service: &Self| &#service.#resource)))
}

/// `on-failure` is `OnFailure`, `pre_start` is `PreStart`.
fn camel_case(text: &str) -> Ident {
    let words = text.split(['-', '_']).map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        format!("{}{rest}", first.to_uppercase())
    });
    Ident::new(&words.collect::<String>(), Span::call_site())
}
