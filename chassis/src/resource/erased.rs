//! Resources of any type behind one: the only place where the hooks' futures are boxed.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use crate::{
    Claim, Context, Error, Health, Resource, Result,
    lifecycle::Phase,
    settings::{Problems, Tree},
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A resource of unknown type.
pub(crate) type ErasedResource = Arc<dyn Erased>;

/// The twin of [`Resource`] that can be put into a list.
pub(crate) trait Erased: Send + Sync {
    /// Reads the settings of the resource with this name and lets it check them; what is wrong is among the problems.
    fn check_settings(&self, name: &str, tree: &Tree, problems: &mut Problems) -> Checked;

    /// Runs the hook of a phase. `Phase::Start` reads the settings.
    fn run<'a>(&'a self, phase: Phase, cx: &'a Context) -> BoxFuture<'a, Result<()>>;

    /// Asks it about settings that are not in force, as [`check_settings`](Self::check_settings) has read them.
    fn prepare<'a>(&'a self, cx: &'a Context, settings: &'a (dyn Any + Send + Sync)) -> BoxFuture<'a, Result<()>>;

    /// Lets it take over the settings that are in force.
    fn apply<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<()>>;

    fn health(&self) -> BoxFuture<'_, Health>;

    fn info(&self) -> serde_json::Map<String, serde_json::Value>;

    /// The resource itself, for who knows its type.
    #[cfg_attr(not(feature = "_http"), allow(dead_code, reason = "servers are found so"))]
    fn as_any(&self) -> &dyn Any;
}

/// What a resource makes of settings.
#[derive(Default)]
pub(crate) struct Checked {
    /// What it would claim with them.
    pub(crate) claims: Vec<Claim>,
    /// The settings, of the resource's own type; none where they cannot be read.
    pub(crate) settings: Option<Box<dyn Any + Send + Sync>>,
}

/// Puts the resource that is found in `service` behind [`Erased`].
pub(crate) fn erase<S, R>(service: Arc<S>, place: Place<S, R>) -> ErasedResource
where
    S: Send + Sync + 'static,
    R: Resource,
{
    Arc::new(Found { service, place })
}

/// Where in a service a resource is found.
pub(crate) enum Place<S, R> {
    /// A field.
    Field(fn(&S) -> &R),
    /// An item of a list.
    Item(fn(&S, usize) -> &R, usize),
}

struct Found<S, R> {
    service: Arc<S>,
    place: Place<S, R>,
}

impl<S, R> Found<S, R> {
    fn resource(&self) -> &R {
        match self.place {
            Place::Field(get) => get(&self.service),
            Place::Item(get, at) => get(&self.service, at),
        }
    }
}

impl<S, R> Clone for Place<S, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, R> Copy for Place<S, R> {}

impl<S: Send + Sync + 'static, R: Resource> Erased for Found<S, R> {
    fn check_settings(&self, name: &str, tree: &Tree, problems: &mut Problems) -> Checked {
        let path = format!("resources.{name}");
        let Some(settings) = tree.section(&path).read::<R::Settings>(&[], problems) else { return Checked::default() };
        if let Err(error) = self.resource().check(&settings) {
            let found = Problems::of_error(&error).below(&path);
            problems.append(found.placed_by(tree));
        }
        Checked { claims: self.resource().claims(&settings), settings: Some(Box::new(settings)) }
    }

    fn run<'a>(&'a self, phase: Phase, cx: &'a Context) -> BoxFuture<'a, Result<()>> {
        let resource = self.resource();
        match phase {
            Phase::PreStart => Box::pin(resource.pre_start(cx)),
            Phase::Start => Box::pin(async move {
                let settings = cx.read_settings::<R::Settings>()?;
                resource.start(cx, settings).await
            }),
            Phase::PostStart => Box::pin(resource.post_start(cx)),
            Phase::Open => Box::pin(resource.open(cx)),
            Phase::Close => Box::pin(resource.close(cx)),
            Phase::Drain => Box::pin(resource.drain(cx)),
            Phase::Stop => Box::pin(resource.stop(cx)),
            Phase::PostStop => Box::pin(resource.post_stop(cx)),
        }
    }

    fn prepare<'a>(&'a self, cx: &'a Context, settings: &'a (dyn Any + Send + Sync)) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match settings.downcast_ref::<R::Settings>() {
                Some(settings) => self.resource().prepare(cx, settings).await,
                None => Err(Error::msg("these are the settings of another resource")),
            }
        })
    }

    fn apply<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let settings = cx.read_settings::<R::Settings>()?;
            self.resource().apply(cx, settings).await
        })
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        Box::pin(self.resource().health())
    }

    fn info(&self) -> serde_json::Map<String, serde_json::Value> {
        self.resource().info()
    }

    fn as_any(&self) -> &dyn Any {
        self.resource()
    }
}
