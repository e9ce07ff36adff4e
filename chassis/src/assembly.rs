//! Puts a service together: settings, logs, meters, the struct itself, and the engine that runs it.

use std::{any::Any, collections::BTreeMap, sync::Arc, time::SystemTime};

use tokio::sync::mpsc;

use crate::{
    Context, Error, Microservice, Result,
    blueprint::{Blueprint, part::ResourceSpec},
    leadership::{Candidacy, LeaderSettings, Offices},
    lifecycle::{
        About, Clock, Core, CoreParts, Engine, Graph, HookPlan, LifecycleSettings, Place as ContextPlace, Plan, Report,
        ResourceCell, ResourceLifecycle,
    },
    logging::{LoggingSettings, Logs},
    metrics::{MetricsSettings, framework::Framework},
    microservice::Parts,
    process::{self, Registration},
    resource::{ErasedResource, Place, erase},
    scope::Scope,
    settings::{Declared, Problems, Settings, Source, Tree, defaults},
    supervision::{RestartPolicySettings, TaskSettings},
    tasks::{TaskPlan, TaskState, TaskTable, ThreadPlan, TimerControl, TimerPlan, TimerSettings},
};

/// A change to a service before it starts.
pub(crate) type Change<S> = Box<dyn FnOnce(&mut S) + Send>;

/// What a service is put together from.
pub(crate) struct Setup<S: Microservice> {
    pub(crate) sources: Vec<Box<dyn Source>>,
    pub(crate) with: Vec<Change<S>>,
    pub(crate) args: Option<S::Args>,
    pub(crate) logs: Logs,
    pub(crate) clock: Clock,
    /// Whether it is blind to where the process runs.
    pub(crate) is_isolated: bool,
}

/// A service that is ready to be started.
pub(crate) struct Assembled<S> {
    pub(crate) service: Arc<S>,
    pub(crate) core: Arc<Core>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) reports: mpsc::UnboundedReceiver<Report>,
    pub(crate) registration: Registration,
}

/// A part of the chassis that every service has, although no field says so.
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) resource: ErasedResource,
    pub(crate) declare: fn(&str) -> Declared,
    /// Opened after everything else, and closed before it.
    pub(crate) is_outermost: bool,
}

impl Builtin {
    #[cfg_attr(not(any(feature = "status", feature = "etcd")), expect(dead_code, reason = "all of them are optional"))]
    pub(crate) fn new<R: crate::Resource + Default>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            resource: erase(Arc::new(R::default()), Place::Field(|resource: &R| resource)),
            declare: |path| Declared::of::<R::Settings>(path),
            is_outermost: false,
        }
    }

    /// Opens it after everything else, and closes it before.
    #[cfg(feature = "etcd")]
    pub(crate) fn outermost(self) -> Self {
        Self { is_outermost: true, ..self }
    }
}

/// The settings that a service of type `S` declares, with the paths below `system` they are found at.
pub(crate) fn declared<S: Microservice>(blueprint: &Blueprint<S>, builtins: &[Builtin]) -> Vec<Declared> {
    let own = format!("microservices.{}", S::NAME);
    let mut declared = vec![
        Declared::value::<String>("deploy_name", Some(|| "local".to_owned())).about("Name of the deployment."),
        Declared::of::<LoggingSettings>("logging").owner("logging"),
        Declared::of::<LifecycleSettings>("lifecycle").owner("lifecycle"),
        Declared::of::<MetricsSettings>("resources.metrics").owner("metrics"),
        Declared::of::<RestartPolicySettings>("resources.status.restart_policy.resources").owner("restart policy"),
    ];
    if blueprint.led().next().is_some() {
        declared.push(LeaderSettings::declared());
    }
    let resources = blueprint.resources.iter().map(|spec| (spec.name, spec.declare));
    for (name, declare) in resources.chain(builtins.iter().map(|builtin| (builtin.name, builtin.declare))) {
        let path = format!("resources.{name}");
        declared.push(declare(&path).owner(&format!("resource `{name}`")));
        let path = format!("{path}.lifecycle");
        declared.push(Declared::of::<ResourceLifecycle>(&path).owner(&format!("resource `{name}`")));
    }
    for spec in &blueprint.settings {
        declared.push(spec.declared(&own).owner("the service"));
    }
    for task in &blueprint.tasks {
        let path = format!("{own}.tasks.{}", task.name);
        declared.push(Declared::of::<TaskSettings>(&path).owner(&format!("task `{}`", task.name)));
        declared.extend(task.led().map(|method| method.declared(&own)));
    }
    for timer in &blueprint.timers {
        let path = format!("{own}.timers.{}", timer.id.name());
        declared.push(Declared::of::<TimerSettings>(&path).owner(&format!("timer `{}`", timer.id.name())));
        declared.extend(timer.led().map(|method| method.declared(&own)));
    }
    declared
}

/// The settings that a service of type `S` declares.
pub(crate) fn declared_by<S: Microservice>() -> Vec<Declared> {
    declared(&Blueprint::<S>::of(), &crate::resources::builtins())
}

/// The settings of a service that is not put together.
pub(crate) struct Inspected {
    pub(crate) tree: Tree,
    pub(crate) declared: Vec<Declared>,
    pub(crate) problems: Problems,
}

/// Reads all settings and what is wrong with them.
pub(crate) fn inspect<S: Microservice>(sources: &[Box<dyn Source>]) -> Inspected {
    let (blueprint, builtins) = (Blueprint::<S>::of(), crate::resources::builtins());
    let declared = declared(&blueprint, &builtins);
    let mut problems = Problems::new();
    let tree = Tree::merge_declared(sources, S::NAME, &declared, &mut problems);
    tree.check(&declared, S::FREE_SETTINGS, &mut problems);
    read_plans(&blueprint, &builtins, &tree, Candidacy::is_possible(sources), &mut problems);
    Inspected { tree, declared, problems }
}

/// Reads all settings, builds the service and its engine; starts nothing.
///
/// # Errors
/// Every problem of the settings and of what was declared, in one report.
pub(crate) fn assemble<S: Microservice>(setup: Setup<S>) -> Result<Assembled<S>> {
    let Setup { sources, with, args, logs, clock, is_isolated } = setup;
    let scope = Scope::new(S::NAME, logs);
    if is_isolated {
        scope.isolate();
    }
    let _entered = scope.enter();
    let blueprint = Blueprint::<S>::of();
    let builtins = crate::resources::builtins();
    let declared = declared(&blueprint, &builtins);
    let mut problems = Problems::new();
    let tree = Tree::merge_declared(&sources, S::NAME, &declared, &mut problems);
    // Also what is read later: a start shows all that is wrong, not the first of it.
    tree.check(&declared, S::FREE_SETTINGS, &mut problems);
    let (read, logging, metrics_settings) =
        read_plans(&blueprint, &builtins, &tree, Candidacy::is_possible(&sources), &mut problems);
    // Whatever is wrong so far: what the resources say of their own settings belongs into the same report.
    let is_valid = problems.is_empty();

    let deploy_name = read.deploy_name.clone();
    if is_valid {
        scope.logs().configure(&logging);
    }
    scope.set_deploy_name(&deploy_name);
    let registration = process::register(&scope);
    let metrics = scope.metrics().clone();
    metrics.configure(metrics_settings);
    if is_valid {
        problems.warnings().for_each(|warning| tracing::warn!("settings: {warning}"));
        problems.notices().for_each(|notice| tracing::info!("settings: {notice}"));
    }

    let graph = Graph::new(
        &blueprint
            .resources
            .iter()
            .map(|spec| (spec.name, spec.after.to_vec()))
            .chain(builtins.iter().map(|builtin| (builtin.name, after(builtin, &blueprint.resources))))
            .collect::<Vec<_>>(),
    )
    .map_err(|error| if is_valid { Error::misconfigured(error) } else { report(problems.clone()) })?;
    let cells = blueprint
        .resources
        .iter()
        .map(|spec| ResourceCell::new(spec.name, spec.about, spec.is_critical, false))
        .chain(builtins.iter().map(|builtin| ResourceCell::new(builtin.name, builtin.about, false, true)))
        .collect();
    let mut tasks = TaskTable::default();
    blueprint.tasks.iter().for_each(|task| tasks.add(task.name, "task"));
    blueprint.timers.iter().for_each(|timer| tasks.add(timer.id.name(), "timer"));
    blueprint.threads.iter().for_each(|thread| tasks.add(thread.name, "thread"));
    read.offices.keys().for_each(|method| tasks.cell(method).enter(TaskState::Standby));

    let own = format!("microservices.{}", S::NAME);
    let section = tree.section(&own);
    let mut parts = Parts::new(&section, &blueprint.settings, &metrics);
    let built = S::build(&mut parts);
    problems.append(parts.problems);
    let mut service = built.map_err(|error| if problems.is_empty() { error } else { report(problems.clone()) })?;
    with.into_iter().for_each(|change| change(&mut service));
    let service = Arc::new(service);

    let Read { deploy_name: _, lifecycle, resources, task_settings, timers, leader, offices } = read;
    let figures = Framework::new(&metrics);
    figures.build(S::NAME, S::VERSION);
    let (core, reports) = Core::new(CoreParts {
        about: About {
            name: S::NAME,
            version: S::VERSION,
            about: S::ABOUT,
            instance: format!("{}-{:08x}", std::process::id(), fastrand::u32(..)),
            started: SystemTime::now(),
        },
        scope,
        settings: Settings::new(tree, declared, S::FREE_SETTINGS),
        sources,
        lifecycle,
        metrics,
        figures,
        graph,
        resources: cells,
        tasks,
        timers: timers.clone(),
        offices: offices.clone(),
        args: args.map(|args| Box::new(args) as Box<dyn Any + Send + Sync>),
        clock,
    });
    let cx = Context::new(Arc::clone(&core), ContextPlace::Work(S::NAME));
    blueprint.handlers.iter().for_each(|register| register(&service, &cx));

    let erased: Vec<ErasedResource> = blueprint
        .resources
        .iter()
        .map(|spec| (spec.erase)(&service))
        .chain(builtins.into_iter().map(|builtin| builtin.resource))
        .collect();
    let plan = Plan {
        resources: erased.into_iter().zip(resources).collect(),
        hooks: blueprint
            .hooks
            .into_iter()
            .map(|hook| HookPlan {
                name: hook.name,
                when: hook.when,
                phase: hook.phase,
                resource: hook.resource,
                run: (hook.run)(&service),
            })
            .collect(),
        tasks: blueprint
            .tasks
            .into_iter()
            .zip(task_settings)
            .map(|(task, settings)| TaskPlan {
                name: task.name,
                run: (task.run)(&service),
                restart: task.restart,
                on_give_up: task.on_give_up,
                settings,
                stop_when_done: task.stop_when_done,
                takes_shutdown: task.takes_shutdown,
                office: offices.get(task.name).cloned(),
            })
            .collect(),
        timers: blueprint
            .timers
            .into_iter()
            .filter_map(|timer| {
                let control = Arc::clone(timers.get(timer.id.name())?);
                Some(TimerPlan {
                    id: timer.id,
                    run: (timer.run)(&service),
                    one_shot: timer.one_shot,
                    immediate: timer.immediate,
                    overlap: timer.overlap,
                    jitter: timer.jitter,
                    control,
                    office: offices.get(timer.id.name()).cloned(),
                })
            })
            .collect(),
        threads: blueprint
            .threads
            .into_iter()
            .map(|thread| ThreadPlan { name: thread.name, run: (thread.run)(&service) })
            .collect(),
        candidacy: Candidacy::of(&core, leader.ttl),
    };
    let engine = Engine::new(Arc::clone(&core), plan);
    engine.check(&core.settings.tree(), &mut problems);
    problems.into_result()?;
    Ok(Assembled { service, core, engine, reports, registration })
}

/// What a part of the chassis is started after.
fn after<S>(builtin: &Builtin, resources: &[ResourceSpec<S>]) -> Vec<&'static str> {
    if builtin.is_outermost { resources.iter().map(|spec| spec.name).collect() } else { Vec::new() }
}

/// What is read from the settings before anything is built.
struct Read {
    deploy_name: String,
    lifecycle: LifecycleSettings,
    resources: Vec<ResourceLifecycle>,
    task_settings: Vec<TaskSettings>,
    timers: BTreeMap<&'static str, Arc<TimerControl>>,
    leader: LeaderSettings,
    offices: Offices,
}

/// Reads what the engine needs; what cannot be read is among the problems, and as if nobody had set it.
fn read_plans<S: Microservice>(
    blueprint: &Blueprint<S>,
    builtins: &[Builtin],
    tree: &Tree,
    has_elections: bool,
    problems: &mut Problems,
) -> (Read, LoggingSettings, MetricsSettings) {
    let own = format!("microservices.{}", S::NAME);
    let deploy_name = tree.section("").setting("deploy_name", Some(|| "local".to_owned()), problems);
    let logging = tree.section("logging").read::<LoggingSettings>(&[], problems);
    let metrics = tree.section("resources.metrics").read::<MetricsSettings>(&[], problems);
    let lifecycle = tree.section("lifecycle").read::<LifecycleSettings>(&[], problems);
    let policy = tree.section("resources.status.restart_policy.resources").read::<RestartPolicySettings>(&[], problems);
    let names = blueprint.resources.iter().map(|spec| spec.name).chain(builtins.iter().map(|builtin| builtin.name));
    let resources = names.map(|name| {
        let lifecycle = tree.section(&format!("resources.{name}.lifecycle")).read(&[], problems);
        lifecycle.unwrap_or_else(defaults)
    });
    let resources: Vec<ResourceLifecycle> = resources.collect();
    let section = tree.section(&own);
    blueprint.settings.iter().for_each(|spec| spec.check(&section, problems));
    let task_settings: Vec<TaskSettings> = blueprint
        .tasks
        .iter()
        .map(|task| tree.section(&format!("{own}.tasks.{}", task.name)).read(&[], problems).unwrap_or_default())
        .collect();
    let mut timers = BTreeMap::new();
    for timer in &blueprint.timers {
        let path = format!("{own}.timers.{}", timer.id.name());
        if let Some(settings) = TimerSettings::read(&tree.section(&path), &timer.schedule, problems) {
            timers.insert(timer.id.name(), TimerControl::new(&settings, timer.schedule.clone(), timer.autostart));
        }
    }
    let (leader, offices) = LeaderSettings::read(tree, &own, blueprint.led(), has_elections, &timers, problems);
    let mut lifecycle: LifecycleSettings = lifecycle.unwrap_or_else(defaults);
    lifecycle.restart_policy = policy.unwrap_or_default();
    let deploy_name = deploy_name.unwrap_or_else(|| "local".to_owned());
    let read = Read { deploy_name, lifecycle, resources, task_settings, timers, leader, offices };
    (read, logging.unwrap_or_else(defaults), metrics.unwrap_or_else(defaults))
}

/// The problems as an error, also where there should be one and is none.
fn report(problems: Problems) -> Error {
    match problems.into_result() {
        Err(error) => error,
        Ok(()) => Error::misconfigured(Error::msg("the settings cannot be read")),
    }
}
