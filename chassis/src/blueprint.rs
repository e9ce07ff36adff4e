//! Everything the runtime knows of a service: the list that `#[microservice]` fills.

pub(crate) mod part;

use std::{borrow::Cow, future::Future, pin::Pin, sync::Arc, time::Duration};

use self::part::{ResourceSpec, SettingSpec, TaskSpec, ThreadSpec, TimerSpec};
use crate::{
    Context, Microservice, Outcome, Resource, Result,
    leadership::LeaderMethod,
    lifecycle::Phase,
    resource::{Place, erase},
    settings::{Declared, Rules, SettingValue},
    supervision::{OnGiveUp, Restart},
    tasks::{Overlap, Schedule, TimerId},
};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A method of a service, ready to be called.
pub(crate) type Run = Arc<dyn Fn(Context) -> BoxFuture<Result<()>> + Send + Sync>;
/// The same of one that blocks.
pub(crate) type RunThread = Arc<dyn Fn(Context) -> Result<()> + Send + Sync>;
/// What makes a method ready, once there is a service.
pub(crate) type Bind<S, R = Run> = Box<dyn FnOnce(&Arc<S>) -> R + Send + Sync>;

/// The list of what a service is made of, in the order it was written.
pub struct Blueprint<S> {
    pub(crate) resources: Vec<ResourceSpec<S>>,
    pub(crate) settings: Vec<SettingSpec>,
    pub(crate) tasks: Vec<TaskSpec<S>>,
    pub(crate) timers: Vec<TimerSpec<S>>,
    pub(crate) threads: Vec<ThreadSpec<S>>,
    pub(crate) hooks: Vec<HookSpec<S>>,
    pub(crate) handlers: Vec<fn(&Arc<S>, &Context)>,
}

/// A method marked `#[before(…)]` or `#[after(…)]`.
pub(crate) struct HookSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) phase: Phase,
    pub(crate) resource: Option<&'static str>,
    pub(crate) run: Bind<S>,
}

/// On which side of a phase a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// Before the phase begins.
    Before,
    /// Once the phase is done.
    After,
}

impl<S: Send + Sync + 'static> Blueprint<S> {
    pub(crate) fn of() -> Self
    where
        S: Microservice,
    {
        let mut blueprint = Self {
            resources: Vec::new(),
            settings: Vec::new(),
            tasks: Vec::new(),
            timers: Vec::new(),
            threads: Vec::new(),
            hooks: Vec::new(),
            handlers: Vec::new(),
        };
        S::blueprint(&mut blueprint);
        blueprint
    }

    /// Lists a resource and where it is found.
    pub fn resource<R: Resource>(&mut self, name: &'static str, get: fn(&S) -> &R) -> &mut ResourceSpec<S> {
        self.resource_in(name, Place::Field(get))
    }

    /// Lists item `at` of the resources that a service keeps in a list; for services that are written without
    /// `#[microservice]`, with as many resources of a kind as something else says.
    pub fn resource_at<R: Resource>(
        &mut self,
        name: &'static str,
        at: usize,
        get: fn(&S, usize) -> &R,
    ) -> &mut ResourceSpec<S> {
        self.resource_in(name, Place::Item(get, at))
    }

    fn resource_in<R: Resource>(&mut self, name: &'static str, place: Place<S, R>) -> &mut ResourceSpec<S> {
        push(
            &mut self.resources,
            ResourceSpec {
                name,
                about: "",
                after: Cow::Borrowed(&[]),
                is_critical: false,
                erase: Box::new(move |service| erase(Arc::clone(service), place)),
                declare: |path| Declared::of::<R::Settings>(path),
            },
        )
    }

    /// Lists a setting of the service itself.
    pub fn setting<F: SettingValue>(&mut self, name: &'static str, default: Option<fn() -> F>) -> &mut SettingSpec {
        push(
            &mut self.settings,
            SettingSpec {
                name,
                about: "",
                aliases: &[],
                rules: Rules::default(),
                declare: Box::new(move |path| Declared::value(path, default)),
                check: Box::new(move |section, names, rules, problems| {
                    section.key(names, default, rules, problems);
                }),
            },
        )
    }

    /// Lists a task.
    pub fn task<Fut, O>(&mut self, name: &'static str, run: fn(Arc<S>, Context) -> Fut) -> &mut TaskSpec<S>
    where
        Fut: Future<Output = O> + Send + 'static,
        O: Outcome + 'static,
    {
        push(
            &mut self.tasks,
            TaskSpec {
                name,
                run: bound(run),
                restart: Restart::Never,
                on_give_up: OnGiveUp::Stop,
                stop_when_done: false,
                takes_shutdown: false,
                is_led: false,
            },
        )
    }

    /// Lists a timer.
    pub fn timer<Fut, O>(
        &mut self,
        id: TimerId,
        schedule: Schedule,
        run: fn(Arc<S>, Context) -> Fut,
    ) -> &mut TimerSpec<S>
    where
        Fut: Future<Output = O> + Send + 'static,
        O: Outcome + 'static,
    {
        push(
            &mut self.timers,
            TimerSpec {
                id,
                run: bound(run),
                schedule,
                one_shot: false,
                immediate: false,
                autostart: true,
                overlap: Overlap::Skip,
                jitter: Duration::ZERO,
                is_led: false,
            },
        )
    }

    /// Lists a thread that runs a plain function.
    pub fn thread<O: Outcome + 'static>(
        &mut self,
        name: &'static str,
        run: fn(Arc<S>, Context) -> O,
    ) -> &mut ThreadSpec<S> {
        let run: Bind<S, RunThread> = Box::new(move |service| {
            let service = Arc::clone(service);
            Arc::new(move |cx| run(Arc::clone(&service), cx).into_result())
        });
        push(&mut self.threads, ThreadSpec { name, run })
    }

    /// Lists a thread that runs an `async fn` on a runtime of its own.
    pub fn async_thread<Fut, O>(&mut self, name: &'static str, run: fn(Arc<S>, Context) -> Fut) -> &mut ThreadSpec<S>
    where
        Fut: Future<Output = O> + 'static,
        O: Outcome + 'static,
    {
        let run: Bind<S, RunThread> = Box::new(move |service| {
            let service = Arc::clone(service);
            Arc::new(move |cx| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(run(Arc::clone(&service), cx)).into_result()
            })
        });
        push(&mut self.threads, ThreadSpec { name, run })
    }

    /// Lists a hook of the service, around a phase of all resources, or of the one it names.
    pub fn hook<Fut, O>(
        &mut self,
        name: &'static str,
        when: When,
        phase: Phase,
        resource: Option<&'static str>,
        run: fn(Arc<S>, Context) -> Fut,
    ) where
        Fut: Future<Output = O> + Send + 'static,
        O: Outcome + 'static,
    {
        self.hooks.push(HookSpec { name, when, phase, resource, run: bound(run) });
    }

    /// The methods that run on the replica that leads.
    pub(crate) fn led(&self) -> impl Iterator<Item = LeaderMethod> {
        self.tasks.iter().filter_map(TaskSpec::led).chain(self.timers.iter().filter_map(TimerSpec::led))
    }

    /// Lists a function that hands the service's handlers to its resources; handlers that take a context clone it.
    pub fn handlers(&mut self, register: fn(&Arc<S>, &Context)) {
        self.handlers.push(register);
    }
}

fn bound<S, Fut, O>(run: fn(Arc<S>, Context) -> Fut) -> Bind<S>
where
    S: Send + Sync + 'static,
    Fut: Future<Output = O> + Send + 'static,
    O: Outcome + 'static,
{
    Box::new(move |service| {
        let service = Arc::clone(service);
        Arc::new(move |cx| {
            let run = run(Arc::clone(&service), cx);
            // The answer is turned into a result at once: it need not be `Send`.
            Box::pin(async move { run.await.into_result() })
        })
    })
}

fn push<T>(list: &mut Vec<T>, item: T) -> &mut T {
    let at = list.len();
    list.push(item);
    &mut list[at]
}
