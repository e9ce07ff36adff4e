//! What `#[microservice]` implements, and what its methods may take and give.

use crate::{
    Context, Error, Result,
    blueprint::{Blueprint, part::SettingSpec},
    lifecycle::Shutdown,
    metrics::{Meter, MeterOptions, Metrics},
    settings::{Names, Problem, Problems, Rules, Section, SettingValue},
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
    /// When a setting without a default cannot be read.
    fn build(parts: &mut Parts<'_>) -> Result<Self>;

    /// Lists what the service is made of.
    fn blueprint(blueprint: &mut Blueprint<Self>);
}

/// What a service is built from: its own section of the settings, and its metrics.
pub struct Parts<'a> {
    section: &'a Section<'a>,
    settings: &'a [SettingSpec],
    metrics: &'a Metrics,
    /// What is wrong with the fields so far: one start shows all of it.
    pub(crate) problems: Problems,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(section: &'a Section<'a>, settings: &'a [SettingSpec], metrics: &'a Metrics) -> Self {
        Self { section, settings, metrics, problems: Problems::new() }
    }

    /// Reads the setting of a `#[setting]` field. What is wrong with it is noted, and keeps the service from starting.
    ///
    /// # Errors
    /// When it is missing or of the wrong type, and there is no default to go on with.
    pub fn setting<F: SettingValue>(&mut self, name: &str, default: Option<fn() -> F>) -> Result<F> {
        let mut problems = Problems::new();
        let listed = self.settings.iter().find(|spec| spec.name == name);
        let (names, rules) = match listed {
            Some(spec) => (spec.names(), spec.rules),
            None => (Names::owned(name), Rules::default()),
        };
        let value = self.section.key(&names, default, rules, &mut problems);
        self.problems.append(problems);
        value
            .or_else(|| default.map(|default| default()))
            .ok_or_else(|| Error::misconfigured(Error::msg(format!("setting `{name}` has no value"))))
    }

    /// Makes the meter of a `#[meter]` field. One that cannot be made is noted, and keeps the service from starting.
    ///
    /// # Errors
    /// None; an expansion treats all fields alike.
    pub fn meter<M: Meter>(&mut self, options: MeterOptions) -> Result<M> {
        let made = M::register(self.metrics, options);
        Ok(made.unwrap_or_else(|error| {
            self.problems.push(Problem::of_service(format!("{error:#}")));
            M::default()
        }))
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
