//! What hooks, tasks and handlers are given: the service around them.

use std::{fmt, future::Future, sync::Arc, sync::atomic::Ordering};

use crate::{
    Error, Result,
    leadership::Leadership,
    lifecycle::{Core, News, Report, Shutdown, StopReason},
    metrics::Metrics,
    scope::Scope,
    service::Service,
    settings::{Problems, Settings, SettingsSchema},
    tasks::{Group, TimerHandle, TimerId, catch},
    unit::Unit,
};

/// The service as one of its parts sees it: who it is, how to start background work, how to say what goes wrong.
///
/// Cheap to clone.
#[derive(Clone)]
pub struct Context {
    core: Arc<Core>,
    place: Place,
    /// Of the run that it was given to.
    leadership: Option<Leadership>,
}

/// Which part of the service a context was made for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// A resource from `start` to `stop`.
    Resource(usize),
    /// A resource from `pre_start` to `post_stop`.
    Prepared(usize),
    /// A task, timer, thread, hook or handler, by name.
    Work(&'static str),
}

/// What a running resource says of itself, see [`Context::report`].
#[derive(Debug)]
pub enum Condition {
    /// It failed; the cause decides what happens.
    Failed(Error),
    /// It works again.
    Well,
}

impl From<Error> for Condition {
    fn from(error: Error) -> Self {
        Condition::Failed(error)
    }
}

impl Context {
    pub(crate) fn new(core: Arc<Core>, place: Place) -> Self {
        Self { core, place, leadership: None }
    }

    /// The same context for work that this replica leads.
    pub(crate) fn leading(self, leadership: Option<Leadership>) -> Self {
        Self { leadership, ..self }
    }

    /// The name of the service.
    pub fn service_name(&self) -> &str {
        self.core.about.name
    }

    /// The name of the deployment, `system.deploy_name`.
    pub fn deploy_name(&self) -> &str {
        self.core.scope.deploy_name()
    }

    /// The same context for the method with this name; what an expansion gives to handlers.
    #[must_use]
    pub fn for_method(&self, name: &'static str) -> Self {
        Self::new(Arc::clone(&self.core), Place::Work(name))
    }

    /// The name of what this context was made for: the field of a resource, or the method.
    pub fn name(&self) -> &'static str {
        match self.place {
            Place::Resource(at) | Place::Prepared(at) => self.core.resources[at].name,
            Place::Work(name) => name,
        }
    }

    /// Tells when work should end: a task's own end in a task, the beginning of the stop elsewhere.
    pub fn shutdown(&self) -> Shutdown {
        match self.place {
            Place::Resource(_) | Place::Prepared(_) => self.core.stop_asked.clone(),
            Place::Work(_) => self.core.work_ends.clone(),
        }
    }

    /// Starts background work that belongs to this resource.
    ///
    /// It ends with the resource: what is still at work once `stop` has returned is cancelled at its next await. Work of
    /// the context that `pre_start` was given lives longer: until `post_stop` has returned.
    /// A failure or a panic is a failure of the resource, and is dealt with by its restart policy; see [`Cause`].
    /// In a task or a hook the work belongs to the service as a whole.
    ///
    /// [`Cause`]: crate::Cause
    pub fn spawn<T>(&self, name: &'static str, work: impl Future<Output = T> + Send + 'static)
    where
        T: crate::Outcome + Send + 'static,
    {
        let work = async move { work.await.into_result() };
        match self.place {
            Place::Resource(at) | Place::Prepared(at) => {
                let born = self.core.resources[at].life.load(Ordering::Acquire);
                let is_prepared = matches!(self.place, Place::Prepared(_));
                let core = Arc::downgrade(&self.core);
                self.group().spawn(&self.core.scope, async move {
                    if let (Err(error), Some(core)) = (catch(work).await, core.upgrade()) {
                        let news = News::Ended(error.context(format!("background work `{name}` failed")));
                        // What `pre_start` began belongs to the life that `start` began after it.
                        let life = if is_prepared { core.resources[at].life.load(Ordering::Acquire) } else { born };
                        // Nobody listens any more once the service has stopped.
                        let _ = core.reports.send(Report { resource: at, life, news });
                    }
                });
            }
            Place::Work(_) => {
                let core = Arc::downgrade(&self.core);
                self.core.tasks.background.spawn(&self.core.scope, async move {
                    if let (Err(error), Some(core)) = (catch(work).await, core.upgrade()) {
                        core.fail(format!("background work `{name}` failed"), error);
                    }
                });
            }
        }
    }

    /// Starts background work whose end nobody waits for and whose failure concerns only itself: a connection, an
    /// exchange. It ends with the resource like [`spawn`](Context::spawn); a panic in it is logged.
    pub fn spawn_detached(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.group().spawn(&self.core.scope, async move {
            let work = async {
                work.await;
                Ok(())
            };
            if let Err(error) = catch(work).await {
                tracing::error!("{error:#}");
            }
        });
    }

    /// What keeps this context's background work.
    fn group(&self) -> &Group {
        match self.place {
            Place::Resource(at) => &self.core.resources[at].background,
            Place::Prepared(at) => &self.core.resources[at].prepared,
            Place::Work(_) => &self.core.tasks.background,
        }
    }

    /// Says how this resource is: an error whose cause is `unavailable` marks it as reaching out for its peer, any
    /// other one gets it restarted by its policy; [`Condition::Well`] takes either back.
    ///
    /// In a task or a hook it does nothing but log.
    pub fn report(&self, condition: impl Into<Condition>) {
        let news = match condition.into() {
            Condition::Failed(error) => News::Failed(error),
            Condition::Well => News::Well,
        };
        match self.place {
            Place::Resource(at) | Place::Prepared(at) => {
                let life = self.core.resources[at].life.load(Ordering::Acquire);
                let _ = self.core.reports.send(Report { resource: at, life, news });
            }
            Place::Work(name) => {
                if let News::Failed(error) = news {
                    tracing::warn!("`{name}` reports: {error:#}");
                }
            }
        }
    }

    /// Asks the service to stop gracefully; it exits with 0.
    pub fn stop_gracefully(&self) {
        self.core.stop(StopReason::Asked);
    }

    /// A timer of this service: `cx.timer(Self::TICK).start()`.
    ///
    /// The handle of a timer of another service does nothing.
    pub fn timer(&self, id: TimerId) -> TimerHandle {
        TimerHandle::new(self.core.timers.get(id.name()).cloned())
    }

    /// That this replica leads the method this context was given to, with its fencing token; for methods marked
    /// [`#[task(leader)]`](macro@crate::task) or [`#[task_timer(leader)]`](macro@crate::task_timer).
    ///
    /// It is that of the run or tick which is at work: it stays the same, and is invalid, when the leadership is lost meanwhile and won again. `None` in every
    /// other method, and where the settings say that this replica runs it whatever others do: nobody was asked then,
    /// so there is no token.
    pub fn leadership(&self) -> Option<Leadership> {
        self.leadership.clone()
    }

    /// The settings by path, below `system`.
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// The etcd that the service reads its settings from, if there is one; of several the last, whose values win.
    #[cfg(feature = "etcd")]
    pub(crate) fn etcd(&self) -> Option<crate::etcd::Options> {
        crate::settings::source::etcd_among(&self.core.sources).map(|source| source.etcd().clone())
    }

    /// The service's meters.
    pub fn metrics(&self) -> &Metrics {
        &self.core.metrics
    }

    /// Begins a unit of work of this kind: a message, a job. See [`Unit`].
    pub fn unit(&self, kind: &'static str) -> Unit {
        Unit::new(kind).in_scope(&self.core.scope)
    }

    /// The service's command line arguments, for a service with `#[microservice(args = T)]`.
    pub fn args<T: 'static>(&self) -> Option<&T> {
        self.core.args.as_ref().and_then(|args| args.downcast_ref())
    }

    /// What an operator may know of the service: states, health, tasks, events.
    pub fn service(&self) -> Service {
        Service::new(Arc::clone(&self.core))
    }

    /// Runs `work` as part of the service: logs and meters of it are the service's. For code on threads of one's own.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.core.scope
    }

    /// Reads the settings of the resource this context was made for, as [`start`](crate::Resource::start) gets them.
    ///
    /// # Errors
    /// Every problem of the section, in one report.
    pub fn read_settings<T: SettingsSchema>(&self) -> Result<T> {
        let mut problems = Problems::new();
        let path = format!("resources.{}", self.name());
        let settings = self.core.settings.read::<T>(&path, &mut problems);
        problems.into_result()?;
        settings.ok_or_else(|| Error::misconfigured(Error::msg(format!("resource `{}` has no settings", self.name()))))
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({}/{})", self.service_name(), self.name())
    }
}
