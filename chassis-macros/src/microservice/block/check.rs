//! Every rule about methods.

use quote::ToTokens;
use syn::{
    FnArg, GenericParam, ImplItem, ImplItemFn, Lifetime, ReturnType, Safety, Type, TypeImplTrait, TypeReference,
    visit::{self, Visit},
};

use super::{
    intake,
    model::{Block, Kind, Method, Role},
    route::{self, Route},
};
use crate::{
    errors::Errors,
    microservice::signature::{is_future, is_opaque, plain},
    route_path,
};

/// Functions that the struct gets.
const GIVEN: [(&str, &str); 2] = [("run", "runs the service as a program"), ("builder", "starts the service in tests")];

/// Collects what is wrong with the methods, and marks those.
pub(super) fn check(block: &mut Block, errors: &mut Errors) {
    let Block { item, methods, .. } = block;
    // A second function of such a name would be told by the compiler, too.
    item.items.retain(|member| match member {
        ImplItem::Fn(written) => is_free(written, errors),
        _ => true,
    });
    methods.retain(|method| GIVEN.iter().all(|(name, _)| method.ident != name));
    for method in &mut *methods {
        let before = errors.count();
        let written = item.items.iter().find_map(|member| match member {
            ImplItem::Fn(written) if written.sig.ident == method.ident => Some(written),
            _ => None,
        });
        if let Some(written) = written {
            check_signature(method, written, errors);
        }
        check_roles(method, errors);
        check_async(method, errors);
        if method.roles.iter().any(|role| role.kind.has_input()) {
            check_answer(method, errors);
        }
        method.is_broken |= errors.count() > before;
    }
    check_routes(methods, errors);
    check_intakes(methods, errors);
}

/// Whether the name is not one of those that the struct gets.
fn is_free(written: &ImplItemFn, errors: &mut Errors) -> bool {
    let ident = &written.sig.ident;
    let Some((name, what)) = GIVEN.iter().find(|(name, _)| ident == name) else { return true };
    errors.at(ident, format!("a service has a function `{name}` already, which {what}; choose another name"));
    false
}

fn check_signature(method: &Method, written: &ImplItemFn, errors: &mut Errors) {
    let Some(attribute) = method.roles.first().map(|role| role.kind.attribute()) else { return };
    for param in &written.sig.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            errors.at(param, format!("a method marked `{attribute}` cannot be generic: nobody would choose the type"));
        }
    }
    if let Safety::Unsafe(token) = &written.sig.safety {
        errors.at(token, format!("a method marked `{attribute}` is called by safe code: it cannot be `unsafe`"));
    }
    for input in &written.sig.inputs {
        let FnArg::Typed(argument) = input else { continue };
        match plain(&argument.ty) {
            Type::Reference(reference) => errors.at(
                reference,
                format!("an argument of a method marked `{attribute}` is owned: write `{}`", owned(reference)),
            ),
            ty if is_opaque(ty) => {
                errors
                    .at(ty, format!("a method marked `{attribute}` cannot be generic: name the type of the argument"));
            }
            _ => {}
        }
    }
}

/// What to write instead of a reference.
fn owned(reference: &TypeReference) -> String {
    let text = reference.elem.to_token_stream().to_string();
    match text.as_str() {
        "str" => "String".to_owned(),
        _ => match &*reference.elem {
            Type::Slice(slice) => format!("Vec<{}>", slice.elem.to_token_stream()),
            _ => text.replace(" :: ", "::").replace(" < ", "<").replace(" >", ">").replace(" ,", ","),
        },
    }
}

/// Which reasons to be called go together.
fn check_roles(method: &Method, errors: &mut Errors) {
    let mut is_run: Option<&Role> = None;
    for (at, role) in method.roles.iter().enumerate() {
        let attribute = role.kind.attribute();
        let earlier = &method.roles[..at];
        if matches!(role.kind, Kind::Task { .. } | Kind::Timer(_) | Kind::Thread) {
            match is_run {
                Some(first) if first.kind.attribute() == attribute => {
                    errors.at_span(role.span, format!("`{attribute}` is there twice; remove one"));
                }
                Some(first) => errors.at_span(
                    role.span,
                    format!(
                        "a method is either `{}` or `{attribute}`; remove one, or call one method from the other",
                        first.kind.attribute()
                    ),
                ),
                None => is_run = Some(role),
            }
        }
        if let Some(other) = earlier.iter().find(|other| other.kind.has_input() != role.kind.has_input()) {
            errors.at_span(
                role.span,
                format!(
                    "a method marked `{}` is given what its resource hands out, and one marked `{attribute}` is not: write two methods",
                    if role.kind.has_input() { attribute.clone() } else { other.kind.attribute() },
                    attribute = if role.kind.has_input() { other.kind.attribute() } else { attribute },
                ),
            );
            break;
        }
    }
}

fn check_async(method: &Method, errors: &mut Errors) {
    let returns_future = match &method.output {
        ReturnType::Type(_, ty) => is_future(ty),
        ReturnType::Default => false,
    };
    if method.is_async || returns_future {
        return;
    }
    for role in &method.roles {
        let (attribute, name) = (role.kind.attribute(), method.name());
        let way_out = match role.kind {
            Kind::Thread => continue,
            Kind::Task { .. } => format!("write `async fn {name}`, or mark it `#[thread]` if it blocks"),
            Kind::Timer(_) | Kind::Hook { .. } | Kind::Handler { .. } | Kind::Route(_) | Kind::Intake(_) => {
                format!("write `async fn {name}`, and run what blocks in `spawn_blocking`")
            }
        };
        return errors.at(
            &method.ident,
            format!("a method marked `{attribute}` shares its thread with everything else: {way_out}"),
        );
    }
}

/// Answers are turned into what the resource wants after the method has returned.
fn check_answer(method: &Method, errors: &mut Errors) {
    struct Borrowed(bool);
    impl<'ast> Visit<'ast> for Borrowed {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            self.0 |= reference.lifetime.is_none();
            visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            self.0 |= lifetime.ident != "static";
        }

        // An opaque answer may borrow from the service: it is turned into the answer before the service is let go.
        fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {}
    }
    let ReturnType::Type(_, ty) = &method.output else { return };
    if !method.is_async {
        // What is returned is a future; what it borrows is for it to say.
        return;
    }
    let mut borrowed = Borrowed(false);
    borrowed.visit_type(ty);
    if borrowed.0 {
        errors.at(ty, "an answer outlives the call of its method: answer with an owned value, such as `String`");
    }
}

/// Paths that the router cannot hold, alone or together.
fn check_routes(methods: &mut [Method], errors: &mut Errors) {
    for at in 0..methods.len() {
        let before = errors.count();
        let (earlier, later) = methods.split_at(at);
        let [method, ..] = later else { return };
        for (role_at, role) in method.roles.iter().enumerate() {
            let Kind::Route(route) = &role.kind else { continue };
            if let Err(message) = route_path::check(&route.path.value()) {
                errors.at(&route.path, message);
                continue;
            }
            let before = method.roles[..role_at].iter().map(|role| (method, role));
            let earlier = earlier.iter().flat_map(|method| method.roles.iter().map(move |role| (method, role)));
            for (other, role) in earlier.chain(before) {
                if let Kind::Route(twin) = &role.kind
                    && let Some(message) = clash((method, route), (other, twin))
                {
                    errors.at(&route.path, message);
                    break;
                }
            }
        }
        methods[at].is_broken |= errors.count() > before;
    }
}

/// Names that two methods take from: a message would reach one of them by chance.
fn check_intakes(methods: &mut [Method], errors: &mut Errors) {
    for at in 0..methods.len() {
        let before = errors.count();
        let (earlier, later) = methods.split_at(at);
        let [method, ..] = later else { return };
        for role in &method.roles {
            let Kind::Intake(intake) = &role.kind else { continue };
            let Some(name) = intake::literal(&intake.name).filter(|_| intake.pattern != "subscribe") else { continue };
            let is_twin = |role: &Role| match &role.kind {
                Kind::Intake(twin) => {
                    twin.pattern == intake.pattern
                        && twin.field == intake.field
                        && intake::literal(&twin.name).as_ref() == Some(&name)
                }
                _ => false,
            };
            let twin = earlier
                .iter()
                .find(|other| method.cfgs.is_empty() && other.cfgs.is_empty() && other.roles.iter().any(is_twin));
            if let Some(twin) = twin {
                let (other, attribute) = (twin.name(), role.kind.attribute());
                errors.at(
                    &intake.name,
                    format!("`{other}` takes the messages of `{name}` already, by `{attribute}`: a message would reach one of the two by chance"),
                );
            }
        }
        methods[at].is_broken |= errors.count() > before;
    }
}

/// Why a route cannot be beside an earlier one.
fn clash((method, route): (&Method, &Route), (other, twin): (&Method, &Route)) -> Option<String> {
    // Whether both are there is for the conditions to say, and then for the router.
    if twin.field != route.field || !method.cfgs.is_empty() || !other.cfgs.is_empty() {
        return None;
    }
    let (path, earlier) = (route.path.value(), twin.path.value());
    if path == earlier {
        let is_twice = route.method == twin.method;
        return is_twice.then(|| {
            format!("`{} {path}` is routed twice: `{}` has it already", route::verb(&route.method), other.name())
        });
    }
    route_path::is_conflict(&earlier, &path).then(|| {
        format!(
            "`{path}` and `{earlier}` of `{}` match the same paths, so no router can tell them apart: name their captures alike",
            other.name()
        )
    })
}
