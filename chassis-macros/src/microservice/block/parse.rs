//! From the attributes of an `impl` block and its methods to the model.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{
    FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, ReceiverKind, Type,
    ext::IdentExt as _,
    parse_quote,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    model::{Argument, Block, Given, Kind, Method, Receiver, Role, Schedule, Timer, When},
    route,
};
use crate::{args::Args, cron, errors::Errors, inert, paths::Paths, suggest};

/// What a service can hook into.
const PHASES: [&str; 8] = ["pre_start", "start", "post_start", "open", "close", "drain", "stop", "post_stop"];

/// The block, or the bare `impl` when it cannot be one.
pub(super) fn parse(args: TokenStream, mut item: ItemImpl, errors: &mut Errors) -> Result<Block, Box<ItemImpl>> {
    let mut args = Args::parse("microservice", item.impl_token.span(), args, errors);
    let paths = Paths::new(args.root().as_ref());
    let part = args.names("part", errors);
    for name in ["name", "parts", "free_settings"] {
        if let Some(value) = args.value(name, errors) {
            errors.at(
                &value,
                format!("`{name}` belongs on the struct; an `impl` block takes `part = name` and `crate = path`"),
            );
        }
    }
    args.done(errors);
    if let [_, second, ..] = &part[..] {
        errors.at(second, "an `impl` block is one part: `part = name`");
    }
    if let Some((_, for_token)) = &item.trait_ {
        errors.at(
            for_token,
            "`#[microservice]` belongs on the `impl` block of the struct itself; a trait's methods are not called by the service",
        );
        for member in &mut item.items {
            if let ImplItem::Fn(method) = member {
                inert::take(&mut method.attrs, &inert::METHOD);
            }
        }
        return Err(Box::new(item));
    }

    let mut methods = Vec::new();
    for member in &mut item.items {
        if let ImplItem::Fn(written) = member {
            methods.extend(method(written, errors));
        }
    }
    Ok(Block { paths, part: part.into_iter().next(), methods, item })
}

/// The method if it is marked; without the roles that could not be read.
fn method(written: &mut ImplItemFn, errors: &mut Errors) -> Option<Method> {
    let marks = inert::take(&mut written.attrs, &inert::METHOD);
    for (name, attribute) in inert::take(&mut written.attrs, &inert::FIELD) {
        errors.at(
            attribute.path(),
            format!("`#[{name}]` belongs on a field of the struct marked `#[microservice]`, not on a method"),
        );
    }
    for path in inert::conditional(&written.attrs, &inert::METHOD) {
        errors.at(&path, "this is decided later than the block is read: put `#[cfg(…)]` on two methods instead");
    }
    if marks.is_empty() {
        return None;
    }
    let before = errors.count();
    let mut roles = Vec::new();
    for (name, attribute) in &marks {
        let span = attribute.path().span();
        let args = Args::of(attribute, errors);
        roles.extend(kind(name, args, errors).map(|kind| Role { span, kind }));
    }
    let receiver = receiver(written, &marks[0].0, errors);
    let arguments = written.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Receiver(_) => None,
        FnArg::Typed(typed) => {
            Some(Argument { name: bound(&typed.pat), ty: (*typed.ty).clone(), given: given(&typed.ty) })
        }
    });
    let method = Method {
        ident: written.sig.ident.clone(),
        vis: written.vis.clone(),
        cfgs: inert::cfgs(&written.attrs),
        about: inert::docs(&written.attrs),
        is_deprecated: written.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated")),
        receiver,
        is_async: written.sig.asyncness.is_some(),
        arguments: arguments.collect(),
        output: written.sig.output.clone(),
        roles,
        is_timer: marks.iter().any(|(name, _)| name == "task_timer"),
        is_broken: errors.count() > before,
    };
    // What calls a method decides on its signature, not its author.
    written
        .attrs
        .push(parse_quote!(#[allow(clippy::unused_async, clippy::unused_self, clippy::needless_pass_by_value)]));
    Some(method)
}

fn kind(name: &str, mut args: Args, errors: &mut Errors) -> Option<Kind> {
    match name {
        "task" => {
            let restart = args.choice("restart", &["never", "on-failure", "always"], errors);
            let on_give_up = args.choice("on_give_up", &["stop", "degrade"], errors);
            let stop_when_done = args.flag("stop_when_done", errors).unwrap_or(false);
            if let (Some(("always", span)), true) = (restart, stop_when_done) {
                errors.at_span(
                    span,
                    "a task that is always started again is never done, so nothing can stop when it is: remove `stop_when_done`, \
                     or write `restart = \"on-failure\"`",
                );
            }
            args.done(errors);
            Some(Kind::Task {
                restart: restart.map(|(restart, _)| restart),
                on_give_up: on_give_up.map(|(on_give_up, _)| on_give_up),
                stop_when_done,
            })
        }
        "task_timer" => timer(args, errors).map(Kind::Timer),
        "thread" => {
            args.done(errors);
            Some(Kind::Thread)
        }
        "before" => hook(When::Before, args, errors),
        "after" => hook(When::After, args, errors),
        "on" => handler(args, errors),
        _ => route::parse(name, args, errors).map(Kind::Route),
    }
}

fn timer(mut args: Args, errors: &mut Errors) -> Option<Timer> {
    let before = errors.count();
    let span = args.span;
    let interval = args.duration("interval", errors);
    if let Some((Duration::ZERO, value)) = &interval {
        errors.at(value, "an interval of zero would never let anything else run; write at least `\"1ms\"`");
    }
    let cron = args.text("cron", errors);
    let zone = args.text("timezone", errors);
    let timer = |schedule, args: &mut Args, errors: &mut Errors| Timer {
        schedule,
        one_shot: args.flag("one_shot", errors).unwrap_or(false),
        immediate: args.flag("immediate", errors).unwrap_or(false),
        autostart: args.flag("autostart", errors).unwrap_or(true),
        overlap: args.choice("overlap", &["skip", "queue"], errors).map(|(overlap, _)| overlap),
        jitter: args.duration("jitter", errors).map(|(jitter, _)| jitter),
    };
    let is_told = errors.count() > before;
    let schedule = match (interval, cron) {
        (Some((interval, _)), None) => {
            if let Some(zone) = &zone {
                errors.at(zone, "an interval knows no time zone; `timezone` goes with `cron`");
            }
            Some(Schedule::Every(interval))
        }
        (None, Some(expression)) => {
            if let Err(message) = cron::check(&expression.value()) {
                errors.at(&expression, message);
            }
            if let Some(zone) = &zone
                && (zone.value().is_empty() || zone.value().contains(char::is_whitespace))
            {
                errors.at(zone, "`timezone` is the IANA name of a time zone, such as `\"Europe/Berlin\"`");
            }
            Some(Schedule::Cron { expression, zone })
        }
        (Some(_), Some(expression)) => {
            errors.at(&expression, "a timer follows an interval or a calendar, not both: remove `interval` or `cron`");
            None
        }
        (None, None) => {
            if !is_told {
                errors.at_span(
                    span,
                    "a timer needs to know when: `#[task_timer(interval = \"1s\")]` or `#[task_timer(cron = \"0 3 * * *\")]`",
                );
            }
            None
        }
    };
    let timer = timer(schedule.unwrap_or(Schedule::Every(Duration::ZERO)), &mut args, errors);
    if let Some(at) = args.flag_at("leader") {
        errors.at_span(at, "`leader` is not there yet: every replica runs this timer; remove it");
    }
    args.done(errors);
    (errors.count() == before).then_some(timer)
}

fn hook(when: When, mut args: Args, errors: &mut Errors) -> Option<Kind> {
    let attribute = args.attribute().trim_matches(['#', '[', ']']).to_owned();
    let span = args.span;
    let (phase, resource) = (args.leading_name(&[]), args.leading_name(&[]));
    args.done(errors);
    let Some(phase) = phase else {
        errors.at_span(
            span,
            format!("`#[{attribute}]` needs a phase, such as `#[{attribute}(start)]`: {}", suggest::one_of(&PHASES)),
        );
        return None;
    };
    if !PHASES.contains(&phase.to_string().as_str()) {
        let hint = match suggest::nearest(&phase.to_string(), PHASES) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                format!("it is {}; for one resource write `#[{attribute}(start, field)]`", suggest::one_of(&PHASES))
            }
        };
        errors.at(&phase, format!("there is no phase `{phase}`: {hint}"));
        return None;
    }
    Some(Kind::Hook { when, phase, resource })
}

fn handler(mut args: Args, errors: &mut Errors) -> Option<Kind> {
    let span = args.span;
    let field = args.leading_name(&[]);
    let matcher = args.positional();
    let before = errors.count();
    match (&field, &matcher) {
        (Some(_), Some(_)) => {}
        (Some(field), None) => errors.at_span(
            span,
            format!("`#[on({field})]` does not say what it matches: write `#[on({field}, matcher)]`, as the resource documents it"),
        ),
        (None, Some(other)) => errors.at(
            other,
            "`#[on]` begins with the field of the resource that calls the method: `#[on(field, matcher)]`",
        ),
        (None, None) => errors.at_span(
            span,
            "`#[on]` needs the field of the resource that calls the method, and what it matches: `#[on(field, matcher)]`",
        ),
    }
    if errors.count() == before {
        args.done(errors);
    }
    Some(Kind::Handler { field: field?, matcher: matcher? })
}

fn receiver(written: &ImplItemFn, attribute: &str, errors: &mut Errors) -> Receiver {
    let Some(receiver) = written.sig.receiver() else {
        errors.at(
            &written.sig.ident,
            format!("a method marked `#[{attribute}]` takes `&self`: it is called on the running service"),
        );
        return Receiver::Reference;
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(mutable)) => errors.at(
            mutable,
            "a service is shared by everything that runs in it, so its methods take `&self`; keep what changes in a `Mutex` or an atomic",
        ),
        ReceiverKind::Reference(..) => {}
        ReceiverKind::Typed(_, ty) => match receiver_type(ty) {
            Some(receiver) => return receiver,
            None => errors.at(ty, "a method of a service takes `&self` or `self: Arc<Self>`"),
        },
        _ => errors.at(
            receiver,
            "a service is shared by everything that runs in it, so no method can own it: take `&self` or `self: Arc<Self>`",
        ),
    }
    Receiver::Reference
}

fn receiver_type(ty: &Type) -> Option<Receiver> {
    match ty {
        Type::Reference(reference) if reference.mutability.is_none() => match &*reference.elem {
            Type::Path(path) if path.path.is_ident("Self") => Some(Receiver::Reference),
            _ => None,
        },
        Type::Path(path) if path.path.segments.last()?.ident == "Arc" => Some(Receiver::Arc),
        _ => None,
    }
}

/// `Shutdown` and `Context` are known by their names.
fn given(ty: &Type) -> Given {
    let Type::Path(path) = ty else { return Given::Input };
    match path.path.segments.last() {
        Some(last) if !last.arguments.is_empty() => Given::Input,
        Some(last) if last.ident == "Shutdown" => Given::Shutdown,
        Some(last) if last.ident == "Context" => Given::Context,
        Some(_) | None => Given::Input,
    }
}

/// The one name that a pattern binds: `id` in `Path(id)`.
fn bound(pattern: &Pat) -> Option<String> {
    struct Names(Vec<Ident>);
    impl<'ast> Visit<'ast> for Names {
        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.0.push(pattern.ident.clone());
            visit::visit_pat_ident(self, pattern);
        }
    }
    let mut names = Names(Vec::new());
    names.visit_pat(pattern);
    match &names.0[..] {
        [name] => Some(name.unraw().to_string().trim_start_matches('_').to_owned()).filter(|name| !name.is_empty()),
        _ => None,
    }
}

/// Whether a type is a future without saying `async`.
pub(super) fn is_future(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(_) => true,
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "BoxFuture" || last.ident == "Pin")
        }
        _ => false,
    }
}
