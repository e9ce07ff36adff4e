//! What a service is made of: the trait every resource implements, ours and a stranger's alike.

mod claim;
mod erased;
mod health;
mod slot;
mod state;

use std::future::{Future, ready};

pub(crate) use self::erased::{Checked, Erased, ErasedResource, Place, erase};
pub use self::{
    claim::Claim,
    health::{Health, HealthStatus},
    slot::Slot,
    state::{IllegalTransition, State},
};
use crate::{Context, Result, settings::SettingsSchema};

/// A part of a service with a lifecycle: a server, a client, a store, a consumer.
///
/// All methods have a default that does nothing; a resource implements those it needs, as plain `async fn`s.
/// One value lives as long as the service, so a restart runs the hooks again on the same `&self`: keep what runs
/// now in a [`Slot`].
///
/// The hooks of independent resources run in parallel; a resource is started after everything its field names in
/// `after`, and stopped before it. Each hook may be cut off at its deadline: keep it cancel safe.
///
/// | hook | runs | a failure |
/// | --- | --- | --- |
/// | [`check`](Resource::check) | before anything is started, in `check`, and before a restart | ends the start with exit code 78 |
/// | [`pre_start`](Resource::pre_start) | before any resource is started | as in `start`, without retries |
/// | [`start`](Resource::start) | once its dependencies are started | is retried by cause, then rolls the service back |
/// | [`post_start`](Resource::post_start) | once every resource is started | rolls the service back |
/// | [`open`](Resource::open) | once every `post_start` and its hooks are done | rolls the service back |
/// | [`close`](Resource::close) | first of a stop, dependents before dependencies | is told; the stop goes on |
/// | [`drain`](Resource::drain) | once every resource is closed | is told; the stop goes on |
/// | [`stop`](Resource::stop) | once tasks have ended, dependents before dependencies | is told; the stop goes on |
/// | [`post_stop`](Resource::post_stop) | once every resource is stopped | is told; the stop goes on |
///
/// A restart of one resource runs its `close, drain, stop, post_stop, check, pre_start, start, post_start, open`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a resource",
    label = "this field is marked `#[resource]`",
    note = "a resource implements `chassis::Resource`; take the attribute away if the field is plain data"
)]
pub trait Resource: Send + Sync + 'static {
    /// What it reads from `system.resources.<field name>`; `()` when there is nothing to set.
    type Settings: SettingsSchema;

    /// Whether what was declared on this resource and its settings fit together; no I/O.
    ///
    /// # Errors
    /// What is wrong and what to do; the service does not start, exit code 78. A report of
    /// [`Problems`](crate::settings::Problems::into_result), whose keys begin below the resource's own section, is told key
    /// by key, each with where it was written.
    fn check(&self, _settings: &Self::Settings) -> Result<()> {
        Ok(())
    }

    /// The addresses it will listen on with these settings; no I/O. Asked for together with [`check`](Resource::check).
    ///
    /// Two resources of a service that claim the same one are told with the keys to change, and nothing starts.
    fn claims(&self, _settings: &Self::Settings) -> Vec<Claim> {
        Vec::new()
    }

    /// Prepares what other resources may need in their `start`.
    ///
    /// # Errors
    /// Any failure ends the start.
    fn pre_start(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Connects, binds, opens files; but takes nothing in yet: that is for [`open`](Resource::open).
    ///
    /// # Errors
    /// Unavailable is retried until the start timeout; misconfigured is told at once; see [`Cause`](crate::Cause).
    ///
    /// # Cancel safety
    /// Dropped when the start timeout passes; what was half made must go with the future.
    fn start(&self, _cx: &Context, _settings: Self::Settings) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Runs once every resource of the service is started.
    ///
    /// # Errors
    /// Any failure ends the start.
    fn post_start(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Starts taking in: accepts, consumes, listens. Everything a handler may use works by now.
    ///
    /// # Errors
    /// Any failure ends the start.
    fn open(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Stops taking in; what is in flight goes on.
    ///
    /// # Errors
    /// Told in the last report; the stop goes on.
    fn close(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Waits for what is in flight.
    ///
    /// # Errors
    /// Told in the last report; the stop goes on.
    ///
    /// # Cancel safety
    /// Dropped when the stop budget for draining is used up.
    fn drain(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Lets go of connections, files, ports. Background work of [`Context::spawn`] is ended right after it.
    ///
    /// # Errors
    /// Told in the last report; the stop goes on.
    fn stop(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Runs once every resource is stopped.
    ///
    /// # Errors
    /// Told in the last report.
    fn post_stop(&self, _cx: &Context) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// How it is. Asked every few seconds while the service runs and answered from a cache, so it may do a little I/O.
    fn health(&self) -> impl Future<Output = Health> + Send {
        ready(Health::pass())
    }

    /// Whether it could work with `candidate`; may try things out, must change nothing.
    ///
    /// Called with changed settings while the service runs; all parts agree, or none changes.
    ///
    /// # Errors
    /// Why the candidate is refused.
    fn prepare(&self, _cx: &Context, candidate: &Self::Settings) -> impl Future<Output = Result<()>> + Send {
        ready(self.check(candidate))
    }

    /// Takes over settings that every part agreed to, where a field marked `#[setting(live)]` is another. Fields of type
    /// `Setting` have changed already, and call for nothing; any other field that changes restarts the resource instead.
    ///
    /// # Errors
    /// Counts as a crash of the resource.
    fn apply(&self, _cx: &Context, _settings: Self::Settings) -> impl Future<Output = Result<()>> + Send {
        ready(Ok(()))
    }

    /// Facts for people, shown under `/resources`: an address, a version, a queue's length. No secrets.
    fn info(&self) -> serde_json::Map<String, serde_json::Value> {
        serde_json::Map::new()
    }
}
