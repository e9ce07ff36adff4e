//! From the attributes of an `impl` block and its methods to the model.

use proc_macro2::TokenStream;
use syn::{
    FnArg, Ident, ImplItem, ImplItemFn, ItemImpl, Pat, ReceiverKind, Type,
    ext::IdentExt as _,
    parse_quote,
    spanned::Spanned as _,
    visit::{self, Visit},
};

use super::{
    model::{Argument, Block, Given, Method, Receiver, Role},
    role,
};
use crate::{args::Args, errors::Errors, inert, microservice::signature::plain, paths::Paths};

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
        roles.extend(role::parse(name, args, errors).map(|kind| Role { span, kind }));
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
    match plain(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => match plain(&reference.elem) {
            Type::Path(path) if path.path.is_ident("Self") => Some(Receiver::Reference),
            _ => None,
        },
        Type::Path(path) if path.path.segments.last()?.ident == "Arc" => Some(Receiver::Arc),
        _ => None,
    }
}

/// `Shutdown` and `Context` are known by their names.
fn given(ty: &Type) -> Given {
    let Type::Path(path) = plain(ty) else { return Given::Input };
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
