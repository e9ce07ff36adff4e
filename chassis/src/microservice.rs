//! What `#[microservice]` implements, and the list it fills: everything the runtime knows of a service.

use std::{borrow::Cow, future::Future, pin::Pin, sync::Arc, time::Duration};

use crate::{
    Context, Error, Resource, Result,
    lifecycle::{Phase, Shutdown},
    metrics::{Meter, MeterOptions, Metrics},
    resource::{ErasedResource, Place, erase},
    settings::{Bound, Declared, Names, Problems, Rules, Section, SettingValue, Unit},
    supervision::{OnGiveUp, Restart},
    tasks::{Overlap, Schedule, TimerId},
};

/// A struct that can run as a service; implemented by `#[microservice]`.
pub trait Microservice: Sized + Send + Sync + 'static {
    /// The service's name in settings, logs, metrics and the registry.
    const NAME: &'static str;

    /// The version of the package the service is written in.
    const VERSION: &'static str;

    /// What the service is for: the first paragraph of the struct's documentation.
    const ABOUT: &'static str;

    /// Whether the service's own section of the settings may hold keys that it does not declare.
    const FREE_SETTINGS: bool = false;

    /// The command line arguments it adds to those of every service.
    type Args: clap::Args + Send + Sync + 'static;

    /// Makes the service out of its settings and meters; every other field has its default.
    ///
    /// # Errors
    /// When a setting cannot be read or a meter contradicts another one.
    fn build(parts: &mut Parts<'_>) -> Result<Self>;

    /// Lists what the service is made of.
    fn blueprint(blueprint: &mut Blueprint<Self>);
}

/// What a service is built from: its own section of the settings, and its metrics.
pub struct Parts<'a> {
    section: &'a Section<'a>,
    settings: &'a [SettingSpec],
    metrics: &'a Metrics,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(section: &'a Section<'a>, settings: &'a [SettingSpec], metrics: &'a Metrics) -> Self {
        Self { section, settings, metrics }
    }

    /// Reads the setting of a `#[setting]` field.
    ///
    /// # Errors
    /// When it is missing or of the wrong type.
    pub fn setting<F: SettingValue>(&mut self, name: &str, default: Option<fn() -> F>) -> Result<F> {
        let mut problems = Problems::new();
        let listed = self.settings.iter().find(|spec| spec.name == name);
        let (names, rules) = match listed {
            Some(spec) => (spec.names(), spec.rules),
            None => (Names::owned(name), Rules::default()),
        };
        let value = self.section.key(&names, default, rules, &mut problems);
        problems.into_result()?;
        value.ok_or_else(|| Error::misconfigured(Error::msg(format!("setting `{name}` has no value"))))
    }

    /// Makes the meter of a `#[meter]` field.
    ///
    /// # Errors
    /// When another meter has this name and is something else.
    pub fn meter<M: Meter>(&mut self, options: MeterOptions) -> Result<M> {
        M::register(self.metrics, options)
    }
}

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
pub(crate) type Run<S> = Arc<dyn Fn(Arc<S>, Context) -> BoxFuture<Result<()>> + Send + Sync>;
pub(crate) type RunThread<S> = Arc<dyn Fn(Arc<S>, Context) -> Result<()> + Send + Sync>;

type Erase<S> = Box<dyn Fn(&Arc<S>) -> ErasedResource + Send + Sync>;
type Declare = Box<dyn Fn(&str) -> Declared + Send + Sync>;
type CheckSetting = Box<dyn Fn(&Section<'_>, &Names, Rules, &mut Problems) + Send + Sync>;

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

/// A field marked `#[resource]`.
pub struct ResourceSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) after: Cow<'static, [&'static str]>,
    pub(crate) is_critical: bool,
    pub(crate) erase: Erase<S>,
    pub(crate) declare: fn(&str) -> Declared,
}

/// A field marked `#[setting]`.
pub struct SettingSpec {
    pub(crate) name: &'static str,
    about: &'static str,
    aliases: &'static [&'static str],
    rules: Rules,
    declare: Declare,
    check: CheckSetting,
}

/// A method marked `#[task]`.
pub struct TaskSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) run: Run<S>,
    pub(crate) restart: Restart,
    pub(crate) on_give_up: OnGiveUp,
    pub(crate) stop_when_done: bool,
    /// Whether it takes `Shutdown`, and so ends by itself.
    pub(crate) takes_shutdown: bool,
}

/// A method marked `#[task_timer]`.
pub struct TimerSpec<S> {
    pub(crate) id: TimerId,
    pub(crate) run: Run<S>,
    pub(crate) schedule: Schedule,
    pub(crate) one_shot: bool,
    pub(crate) immediate: bool,
    pub(crate) autostart: bool,
    pub(crate) overlap: Overlap,
    pub(crate) jitter: Duration,
}

/// A method marked `#[thread]`.
pub struct ThreadSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) run: RunThread<S>,
}

/// A method marked `#[before(…)]` or `#[after(…)]`.
pub(crate) struct HookSpec<S> {
    pub(crate) name: &'static str,
    pub(crate) when: When,
    pub(crate) phase: Phase,
    pub(crate) resource: Option<&'static str>,
    pub(crate) run: Run<S>,
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
                run: boxed(run),
                restart: Restart::Never,
                on_give_up: OnGiveUp::Stop,
                stop_when_done: false,
                takes_shutdown: false,
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
                run: boxed(run),
                schedule,
                one_shot: false,
                immediate: false,
                autostart: true,
                overlap: Overlap::Skip,
                jitter: Duration::ZERO,
            },
        )
    }

    /// Lists a thread that runs a plain function.
    pub fn thread<O: Outcome + 'static>(
        &mut self,
        name: &'static str,
        run: fn(Arc<S>, Context) -> O,
    ) -> &mut ThreadSpec<S> {
        let run: RunThread<S> = Arc::new(move |service, cx| run(service, cx).into_result());
        push(&mut self.threads, ThreadSpec { name, run })
    }

    /// Lists a thread that runs an `async fn` on a runtime of its own.
    pub fn async_thread<Fut, O>(&mut self, name: &'static str, run: fn(Arc<S>, Context) -> Fut) -> &mut ThreadSpec<S>
    where
        Fut: Future<Output = O> + 'static,
        O: Outcome + 'static,
    {
        let run: RunThread<S> = Arc::new(move |service, cx| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run(service, cx)).into_result()
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
        self.hooks.push(HookSpec { name, when, phase, resource, run: boxed(run) });
    }

    /// Lists a function that hands the service's handlers to its resources; handlers that take a context clone it.
    pub fn handlers(&mut self, register: fn(&Arc<S>, &Context)) {
        self.handlers.push(register);
    }
}

impl<S> ResourceSpec<S> {
    /// What the field's documentation says.
    pub fn about(&mut self, about: &'static str) -> &mut Self {
        self.about = about;
        self
    }

    /// The resources that are started before it.
    pub fn after(&mut self, names: impl Into<Cow<'static, [&'static str]>>) -> &mut Self {
        self.after = names.into();
        self
    }

    /// Says that the service is not ready without it.
    pub fn critical(&mut self) -> &mut Self {
        self.is_critical = true;
        self
    }
}

impl SettingSpec {
    /// What the field's documentation says.
    pub fn about(&mut self, about: &'static str) -> &mut Self {
        self.about = about;
        self
    }

    /// Other names that it may have in files.
    pub fn aliases(&mut self, aliases: &'static [&'static str]) -> &mut Self {
        self.aliases = aliases;
        self
    }

    /// Its least value.
    pub fn min(&mut self, min: impl Into<Bound>) -> &mut Self {
        self.rules.min = Some(min.into());
        self
    }

    /// Its greatest value.
    pub fn max(&mut self, max: impl Into<Bound>) -> &mut Self {
        self.rules.max = Some(max.into());
        self
    }

    /// What a bare number means, for a duration.
    pub fn unit(&mut self, unit: Unit) -> &mut Self {
        self.rules.unit = unit;
        self
    }

    fn names(&self) -> Names {
        Names::new(self.name).or(self.aliases)
    }

    /// The key below `section`, the service's own.
    pub(crate) fn declared(&self, section: &str) -> Declared {
        (self.declare)(&format!("{section}.{}", self.name)).rules(self.aliases, self.rules).about(self.about)
    }

    /// Reads it, for the problems alone.
    pub(crate) fn check(&self, section: &Section<'_>, problems: &mut Problems) {
        (self.check)(section, &self.names(), self.rules, problems);
    }
}

impl<S> TaskSpec<S> {
    /// When it is started again.
    pub fn restart(&mut self, restart: Restart) -> &mut Self {
        self.restart = restart;
        self
    }

    /// What happens once it is not started again.
    pub fn on_give_up(&mut self, on_give_up: OnGiveUp) -> &mut Self {
        self.on_give_up = on_give_up;
        self
    }

    /// The service stops once it is done.
    pub fn stop_when_done(&mut self) -> &mut Self {
        self.stop_when_done = true;
        self
    }

    /// It takes [`Shutdown`], so it has the stop budget to end by itself.
    pub fn takes_shutdown(&mut self) -> &mut Self {
        self.takes_shutdown = true;
        self
    }
}

impl<S> TimerSpec<S> {
    /// It runs once.
    pub fn one_shot(&mut self) -> &mut Self {
        self.one_shot = true;
        self
    }

    /// It runs at its start too, not only after one interval.
    pub fn immediate(&mut self) -> &mut Self {
        self.immediate = true;
        self
    }

    /// Whether it starts with the service.
    pub fn autostart(&mut self, autostart: bool) -> &mut Self {
        self.autostart = autostart;
        self
    }

    /// What happens to a tick that is due while the one before still runs.
    pub fn overlap(&mut self, overlap: Overlap) -> &mut Self {
        self.overlap = overlap;
        self
    }

    /// The longest random delay of each tick.
    pub fn jitter(&mut self, jitter: Duration) -> &mut Self {
        self.jitter = jitter;
        self
    }
}

/// What a task, timer, thread or hook may return: nothing, or a `Result` whose error `?` would take.
#[diagnostic::on_unimplemented(
    message = "a task, timer, thread or hook cannot return `{Self}`",
    label = "return nothing, or a `Result<()>`"
)]
pub trait Outcome {
    /// The same as a `Result` of this crate.
    ///
    /// # Errors
    /// The failure it carries.
    fn into_result(self) -> Result<()>;
}

impl Outcome for () {
    fn into_result(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<()> {
        self.map_err(Into::into)
    }
}

/// What a task, timer, thread or hook may take besides `&self`.
#[diagnostic::on_unimplemented(
    message = "a task, timer, thread or hook cannot take a `{Self}`",
    label = "only `Shutdown` and `Context` are given; everything else is reached through `&self`"
)]
pub trait FromContext {
    /// Takes it out of the context.
    fn from_context(cx: &Context) -> Self;
}

impl FromContext for Context {
    fn from_context(cx: &Context) -> Self {
        cx.clone()
    }
}

impl FromContext for Shutdown {
    fn from_context(cx: &Context) -> Self {
        cx.shutdown()
    }
}

fn boxed<S, Fut, O>(run: fn(Arc<S>, Context) -> Fut) -> Run<S>
where
    S: Send + Sync + 'static,
    Fut: Future<Output = O> + Send + 'static,
    O: Outcome + 'static,
{
    Arc::new(move |service, cx| {
        let run = run(service, cx);
        // The answer is turned into a result at once: it need not be `Send`.
        Box::pin(async move { run.await.into_result() })
    })
}

fn push<T>(list: &mut Vec<T>, item: T) -> &mut T {
    let at = list.len();
    list.push(item);
    &mut list[at]
}
