//! What was written on the methods of an `impl` block.

use std::time::Duration;

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, ItemImpl, LitStr, ReturnType, Type, Visibility, ext::IdentExt as _};

use super::{intake::Intake, route::Route};
use crate::paths::Paths;

/// An `impl` block marked `#[microservice]`.
pub(super) struct Block {
    pub(super) paths: Paths,
    /// The user's block without the attributes that are ours.
    pub(super) item: ItemImpl,
    /// `part = routes`
    pub(super) part: Option<Ident>,
    pub(super) methods: Vec<Method>,
}

/// A method that something calls.
pub(super) struct Method {
    pub(super) ident: Ident,
    pub(super) vis: Visibility,
    pub(super) cfgs: Vec<Attribute>,
    pub(super) about: String,
    pub(super) is_deprecated: bool,
    pub(super) receiver: Receiver,
    pub(super) is_async: bool,
    pub(super) arguments: Vec<Argument>,
    pub(super) output: ReturnType,
    pub(super) roles: Vec<Role>,
    /// Marked `#[task_timer]`, readable or not.
    pub(super) is_timer: bool,
    /// A mistake of it is told: it must not be called, or the compiler would tell another one.
    pub(super) is_broken: bool,
}

/// How a method takes the service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    /// `&self`
    Reference,
    /// `self: Arc<Self>`
    Arc,
}

/// One argument behind the receiver.
pub(super) struct Argument {
    /// What the pattern binds, if that is one name.
    pub(super) name: Option<String>,
    pub(super) ty: Type,
    pub(super) given: Given,
}

/// Where an argument comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// `Shutdown`, by name
    Shutdown,
    /// `Context`, by name
    Context,
    /// The unit of work of a handler.
    Input,
}

/// One reason why a method is called.
pub(super) struct Role {
    /// The attribute's name, at its place.
    pub(super) span: Span,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Task {
        restart: Option<&'static str>,
        on_give_up: Option<&'static str>,
        stop_when_done: bool,
        /// Where it says that it runs on one replica only.
        leader: Option<Span>,
    },
    Timer(Timer),
    Thread,
    Hook {
        when: When,
        phase: Ident,
        resource: Option<Ident>,
    },
    /// `#[on(field, matcher)]`
    Handler {
        field: Ident,
        matcher: Expr,
    },
    /// `#[get("/path")]` and its like
    Route(Route),
    /// `#[pull(broker, "name")]` and its like
    Intake(Intake),
}

pub(super) struct Timer {
    pub(super) schedule: Schedule,
    pub(super) one_shot: bool,
    pub(super) immediate: bool,
    pub(super) autostart: bool,
    pub(super) overlap: Option<&'static str>,
    pub(super) jitter: Option<Duration>,
    /// Where it says that it ticks on one replica only.
    pub(super) leader: Option<Span>,
}

pub(super) enum Schedule {
    Every(Duration),
    Cron { expression: LitStr, zone: Option<LitStr> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

impl Block {
    /// The methods without a mistake.
    pub(super) fn working(&self) -> impl Iterator<Item = &Method> {
        self.methods.iter().filter(|method| !method.is_broken)
    }
}

impl Method {
    /// The method's name as settings, logs and messages write it.
    pub(super) fn name(&self) -> String {
        self.ident.unraw().to_string()
    }
}

impl Kind {
    /// The attribute as messages write it, without what is in its parentheses.
    pub(super) fn attribute(&self) -> String {
        match self {
            Kind::Task { .. } => "#[task]".to_owned(),
            Kind::Timer(_) => "#[task_timer]".to_owned(),
            Kind::Thread => "#[thread]".to_owned(),
            Kind::Hook { when: When::Before, .. } => "#[before]".to_owned(),
            Kind::Hook { when: When::After, .. } => "#[after]".to_owned(),
            Kind::Handler { .. } => "#[on]".to_owned(),
            Kind::Route(route) => format!("#[{}]", route.method),
            Kind::Intake(intake) => format!("#[{}]", intake.pattern),
        }
    }

    /// Whether it gets a unit of work, of which its arguments are made.
    pub(super) fn has_input(&self) -> bool {
        matches!(self, Kind::Handler { .. } | Kind::Route(_) | Kind::Intake(_))
    }
}
