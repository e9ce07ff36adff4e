//! What was written on the struct.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, ItemStruct, Type, ext::IdentExt as _};

use crate::{paths::Paths, settings};

/// A struct marked `#[microservice]`.
pub(super) struct Service {
    pub(super) paths: Paths,
    /// The user's struct without the attributes that are ours.
    pub(super) item: ItemStruct,
    pub(super) name: String,
    pub(super) name_span: Span,
    pub(super) about: String,
    /// `args = Type`
    pub(super) args: Option<Type>,
    pub(super) free_settings: bool,
    /// `parts = [routes, jobs]`
    pub(super) parts: Vec<Ident>,
    pub(super) fields: Vec<Field>,
}

/// One field of the struct.
pub(super) struct Field {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) about: String,
    pub(super) kind: Kind,
    /// `#[init(expression)]`
    pub(super) init: Option<Expr>,
}

/// What a field is to the service.
pub(super) enum Kind {
    /// `#[resource]`
    Resource { after: Vec<Ident>, is_critical: bool },
    /// `#[setting]`
    Setting(Box<settings::Field>),
    /// `#[meter]`
    Meter(Box<Meter>),
    /// Any other field.
    Plain,
    /// Its attributes could not be read; the mistake is told already.
    Broken,
}

/// What `#[meter(…)]` says.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) name: Option<String>,
    pub(super) unit: Option<String>,
    pub(super) buckets: Option<Expr>,
    pub(super) quantiles: Option<Expr>,
    pub(super) window: Option<std::time::Duration>,
    pub(super) max_series: Option<syn::LitInt>,
}

impl Field {
    /// The field's name as settings, the graph and messages write it.
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }

    pub(super) fn is_resource(&self) -> bool {
        matches!(self.kind, Kind::Resource { .. })
    }

    /// What this resource is started after.
    pub(super) fn after(&self) -> &[Ident] {
        match &self.kind {
            Kind::Resource { after, .. } => after,
            Kind::Setting(_) | Kind::Meter(_) | Kind::Plain | Kind::Broken => &[],
        }
    }
}
