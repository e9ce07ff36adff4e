//! Resources of any type behind one: the only place where the hooks' futures are boxed.

use std::{any::Any, future::Future, pin::Pin, sync::Arc};

use crate::{
    Claim, Context, Health, Resource, Result,
    lifecycle::Phase,
    settings::{Problems, Tree},
};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A resource of unknown type.
pub(crate) type ErasedResource = Arc<dyn Erased>;

/// The twin of [`Resource`] that can be put into a list.
pub(crate) trait Erased: Send + Sync {
    /// Reads the settings of the resource with this name and lets it check them; what is wrong is among the problems.
    /// Gives back what the resource claims.
    fn check_settings(&self, name: &str, tree: &Tree, problems: &mut Problems) -> Vec<Claim>;

    /// Runs the hook of a phase. `Phase::Start` reads the settings.
    fn run<'a>(&'a self, phase: Phase, cx: &'a Context) -> BoxFuture<'a, Result<()>>;

    /// Asks it about the settings that the resource with this name has in a tree that is not in force.
    fn prepare<'a>(&'a self, name: &'a str, cx: &'a Context, tree: &'a Tree) -> BoxFuture<'a, Result<()>>;

    /// Lets it take over the settings that are in force.
    fn apply<'a>(&'a self, cx: &'a Context) -> BoxFuture<'a, Result<()>>;

    fn health(&self) -> BoxFuture<'_, Health>;

    fn info(&self) -> serde_json::Map<String, serde_json::Value>;

    /// The resource itself, for who knows its type.
    #[cfg_attr(not(feature = "_http"), allow(dead_code, reason = "servers are found so"))]
    fn as_any(&self) -> &dyn Any;
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
    fn check_settings(&self, name: &str, tree: &Tree, problems: &mut Problems) -> Vec<Claim> {
        let path = format!("resources.{name}");
        let Some(settings) = tree.section(&path).read::<R::Settings>(&[], problems) else { return Vec::new() };
        if let Err(error) = self.resource().check(&settings) {
            problems.add(&path, format!("{error:#}"));
        }
        self.resource().claims(&settings)
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

    fn prepare<'a>(&'a self, name: &'a str, cx: &'a Context, tree: &'a Tree) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut problems = Problems::new();
            let settings = tree.section(&format!("resources.{name}")).read::<R::Settings>(&[], &mut problems);
            problems.into_result()?;
            match settings {
                Some(settings) => self.resource().prepare(cx, &settings).await,
                None => Ok(()),
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
