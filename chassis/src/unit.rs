//! A unit of work: one request, message, job or timer tick, from its beginning to its one line in the log.
//!
//! A resource that takes work in runs each piece as a [`Unit`]. It then has ids that stand on every line said meanwhile
//! and on every call made for it, a panic in it is caught, and when it ends, however it ends, one canonical line says
//! what came of it:
//!
//! ```
//! # use chassis::{logging::Logs, scope::Scope, unit::Unit};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> chassis::Result<()> {
//! # let scope = Scope::new("orders", Logs::captured_for("orders"));
//! let unit = Unit::new("message").in_scope(&scope).field("queue", "emails");
//! let sent = unit.run(async { Ok(250) }).await?;
//! assert_eq!(sent, 250);
//! assert_eq!(scope.logs().captured()[0]["outcome"], "ok");
//! # Ok(())
//! # }
//! ```

mod figures;
mod ids;
mod kind;
mod request_id;
mod running;
mod trace;

use std::{future::Future, sync::Arc};

use futures_util::FutureExt;
use tracing_core::Level;

pub(crate) use self::figures::Figures;
#[cfg(feature = "http-server")]
pub(crate) use self::ids::Lent;
pub(crate) use self::ids::Slot;
use self::running::Running;
#[cfg(feature = "zmq")]
pub(crate) use self::trace::digits;
pub use self::{
    ids::{EnteredUnit, Ids, InUnit, Origin},
    kind::{Ending, Kind, Outcome},
    request_id::RequestId,
    trace::TraceContext,
};
use crate::{error::Result, logging::OwnedValue, process::Panic, scope::Scope};

/// The request id of the unit of work this code is part of.
pub fn current_request_id() -> Option<RequestId> {
    Ids::current().map(|ids| *ids.request_id())
}

/// The place in the trace of the unit of work this code is part of; outgoing calls send its
/// [`traceparent`](TraceContext::traceparent).
pub fn current_trace() -> Option<TraceContext> {
    Ids::current().map(|ids| *ids.trace())
}

/// A unit of work that has not begun; [`run`](Self::run) begins it.
#[derive(Debug, Clone)]
pub struct Unit {
    kind: Kind,
    level: Level,
    scope: Option<Arc<Scope>>,
    name: Option<&'static str>,
    ids: Slot,
    fields: Vec<(&'static str, OwnedValue)>,
}

impl Unit {
    /// A unit of that kind: `request`, `message`, `job`, `tick`, or a word of one's own.
    pub fn new(kind: impl Into<Kind>) -> Self {
        let kind = kind.into();
        Self { level: kind.level(), kind, scope: None, name: None, ids: Slot::Unmade, fields: Vec::new() }
    }

    /// The service it is part of; otherwise that of the code that runs it. `cx.unit(kind)` has said so already.
    #[must_use]
    pub fn in_scope(mut self, scope: &Arc<Scope>) -> Self {
        self.scope = Some(Arc::clone(scope));
        self
    }

    /// Which of several it is, such as the name of the timer; the field `name` of the canonical line.
    #[must_use]
    pub fn name(mut self, name: &'static str) -> Self {
        self.name = Some(name);
        self
    }

    /// The ids to work under, where a caller sent some; otherwise new ones are made.
    #[must_use]
    pub fn ids(mut self, ids: Ids) -> Self {
        self.ids = Slot::Made(Arc::new(ids));
        self
    }

    /// As [`ids`](Self::ids), which are read of this only once somebody asks for them. Ids that were added before are gone.
    #[must_use]
    pub fn origin(mut self, origin: Arc<dyn Origin>) -> Self {
        self.ids = Slot::Unread(origin);
        self
    }

    /// Adds an id that stands on every line of the unit, such as `job_id`.
    #[must_use]
    pub fn id(mut self, name: &'static str, id: impl Into<Box<str>>) -> Self {
        if let Some(ids) = self.ids.make_mut() {
            ids.add(name, id.into());
        }
        self
    }

    /// Adds a field to the canonical line.
    #[must_use]
    pub fn field(mut self, name: &'static str, value: impl Into<OwnedValue>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// The level of the canonical line of a unit that ends well; requests, messages and jobs are said at info, ticks at
    /// debug.
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Does the work as part of the service, and says what came of it: an error is on the canonical line, at warn at
    /// least, so nobody needs to log it again.
    ///
    /// # Errors
    /// What the work gave, or its panic.
    ///
    /// # Cancel safety
    /// Dropping the future ends the work; the canonical line then says `cancelled`.
    pub fn run<T>(self, work: impl Future<Output = Result<T>>) -> impl Future<Output = Result<T>> {
        let ending = |result: Result<&Result<T>, &Panic>| match result {
            Ok(Ok(_)) => Ending::ok(),
            Ok(Err(error)) => Ending::error(error),
            Err(panic) => Ending::panic(panic),
        };
        // Not an `async` block, which would hold all of this twice.
        self.run_as(work, ending).map(|result| result?)
    }

    /// As [`run`](Self::run), for work whose output says in another way what came of it; `ending` also says what comes
    /// of a panic, if only by [`Ending::panic`].
    ///
    /// # Errors
    /// The panic, if the work panicked; the canonical line has told of it.
    ///
    /// # Cancel safety
    /// As for [`run`](Self::run).
    pub fn run_as<T>(
        self,
        work: impl Future<Output = T>,
        ending: impl FnOnce(Result<&T, &Panic>) -> Ending,
    ) -> impl Future<Output = Result<T, Panic>> {
        Running::new(self, work, ending)
    }
}
