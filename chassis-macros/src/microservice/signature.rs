//! What a type in a signature tells.

use syn::{Type, TypeImplTrait, TypeInfer, visit::Visit};

/// The type without what a `macro_rules!` puts around it.
pub(crate) fn plain(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => plain(&group.elem),
        Type::Paren(paren) => plain(&paren.elem),
        _ => ty,
    }
}

/// Whether a type is a future without saying `async`.
pub(crate) fn is_future(ty: &Type) -> bool {
    match plain(ty) {
        Type::ImplTrait(_) => true,
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "BoxFuture" || last.ident == "Pin")
        }
        _ => false,
    }
}

/// Whether the type cannot be written again, because it says `impl` or `_`.
pub(crate) fn is_opaque(ty: &Type) -> bool {
    struct Opaque(bool);
    impl<'ast> Visit<'ast> for Opaque {
        fn visit_type_impl_trait(&mut self, _: &'ast TypeImplTrait) {
            self.0 = true;
        }

        fn visit_type_infer(&mut self, _: &'ast TypeInfer) {
            self.0 = true;
        }
    }
    let mut opaque = Opaque(false);
    opaque.visit_type(ty);
    opaque.0
}
