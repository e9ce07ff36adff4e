//! Starts a service in process: for tests, and for scripts that want its resources.

use std::{
    fmt,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Context, Error, Microservice, Result,
    assembly::{Assembled, Setup, assemble},
    lifecycle::{Clock, Engine, EventStream, Failure, Place, StopOutcome},
    logging::Logs,
    metrics::Metrics,
    process::{self, Registration},
    service::Service,
    settings::{Dict, Source},
};

/// Starts a service in process: `Orders::builder()`.
///
/// It reads no environment, file or command line unless asked, and logs into memory; services that are started so do
/// not see each other.
pub struct Builder<S: Microservice> {
    setup: Setup<S>,
}

impl<S: Microservice> Builder<S> {
    /// A service with its defaults.
    pub fn new() -> Self {
        let logs = Logs::captured_for(S::NAME);
        let sources: Vec<Box<dyn Source>> = vec![Box::new(crate::resources::test_settings())];
        Self {
            setup: Setup { sources, with: Vec::new(), args: None, logs, clock: Clock::default(), is_isolated: true },
        }
    }

    /// Settings in place: `.settings(yaml!{ … })`, or any map below `system`. Later calls win.
    #[must_use]
    pub fn settings(mut self, settings: impl Into<Dict>) -> Self {
        self.setup.sources.push(Box::new(settings.into()));
        self
    }

    /// Adds a source of settings; later ones win.
    #[must_use]
    pub fn source(mut self, source: impl Source + 'static) -> Self {
        self.setup.sources.push(Box::new(source));
        self
    }

    /// Reads a file of settings.
    #[must_use]
    pub fn settings_file(self, path: impl Into<PathBuf>) -> Self {
        self.source(crate::settings::source::File::new(path))
    }

    /// Reads the environment, as `run` does; so also the etcd that it names.
    #[must_use]
    pub fn environment(mut self) -> Self {
        self.setup.is_isolated = false;
        self.setup.sources.extend(crate::settings::source::etcd_of_environment());
        self.source(crate::settings::source::Env::from_process())
    }

    /// Changes a field of the service before it starts: a fake in place of a resource, a prepared value.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut S) + Send + 'static) -> Self {
        self.setup.with.push(Box::new(change));
        self
    }

    /// The command line arguments of a service that has some of its own.
    #[must_use]
    pub fn args(mut self, args: S::Args) -> Self {
        self.setup.args = Some(args);
        self
    }

    /// Lets calendars begin at `time` and go on with the runtime's clock, which a test may pause and advance.
    #[must_use]
    pub fn clock(mut self, time: SystemTime) -> Self {
        self.setup.clock = Clock::starting_at(time);
        self
    }

    /// Writes the log to standard output instead of keeping it.
    #[must_use]
    pub fn log_to_stdout(mut self) -> Self {
        self.setup.logs = Logs::provisional(S::NAME);
        self
    }

    /// Starts the service; it works when this returns.
    ///
    /// # Errors
    /// Every problem of the settings, or everything that failed in the start, which is rolled back then.
    pub async fn start(self) -> Result<Running<S>> {
        process::install();
        let Assembled { service, core, engine, reports, registration } = assemble(self.setup)?;
        let starting = core.scope.wrap(engine.start(reports));
        match starting.await {
            Ok(_) => Ok(Running { service, engine, registration: Some(registration) }),
            Err(outcome) => Err(outcome.into_error()),
        }
    }
}

impl<S: Microservice> Default for Builder<S> {
    fn default() -> Self {
        Self::new()
    }
}

/// A service that was started by a [`Builder`]. Stop it with [`stop`](Running::stop).
///
/// When it is dropped instead, no hook of a stop runs: all its work is cancelled at its next await, connections are
/// closed, threads are told to end, and nobody waits for any of it. That is for tests that fail half-way.
pub struct Running<S> {
    service: Arc<S>,
    engine: Arc<Engine>,
    registration: Option<Registration>,
}

impl<S: Microservice> Running<S> {
    /// The struct.
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }

    /// A context of the service, as a hook gets it.
    pub fn context(&self) -> Context {
        Context::new(Arc::clone(self.engine.core()), Place::Work(S::NAME))
    }

    /// The service as an operator sees it.
    pub fn view(&self) -> Service {
        Service::new(Arc::clone(self.engine.core()))
    }

    /// Every event from the start on.
    pub fn events(&self) -> EventStream {
        self.engine.core().events.subscribe()
    }

    /// The log records so far.
    pub fn logs(&self) -> Logs {
        self.engine.core().scope.logs().clone()
    }

    /// The meters.
    pub fn metrics(&self) -> Metrics {
        self.engine.core().metrics.clone()
    }

    /// Waits until the service wants to stop, because it was asked to or because something failed.
    pub async fn stopping(&self) {
        self.engine.stop_asked().await;
    }

    /// Stops the service within its budget.
    ///
    /// # Errors
    /// What failed while it ran or stopped, and what was abandoned.
    pub async fn stop(mut self) -> Result<StopReport> {
        let scope = Arc::clone(&self.engine.core().scope);
        let outcome = scope.wrap(self.engine.stop()).await;
        drop(self.registration.take());
        let report = StopReport { code: outcome.code, took: outcome.took };
        if outcome.code == 0 { Ok(report) } else { Err(outcome.into_error()) }
    }

    /// Runs until something asks for the stop, then stops; the exit code is that of `run`.
    pub async fn wait(self) -> ExitCode {
        self.stopping().await;
        let scope = Arc::clone(&self.engine.core().scope);
        let outcome = scope.wrap(self.engine.stop()).await;
        ExitCode::from(outcome.code)
    }
}

impl<S> Drop for Running<S> {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

impl<S> fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({})", self.engine.core().about.name)
    }
}

/// How a stop went.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct StopReport {
    /// The exit code that `run` would have ended with.
    pub code: u8,
    /// How long the stop took.
    pub took: Duration,
}

impl StopOutcome {
    /// Everything that went wrong as one error with the cause that decided the exit code.
    pub(crate) fn into_error(self) -> Error {
        let text = self.to_string();
        let cause = self
            .failures
            .into_iter()
            .map(|Failure { error, .. }| error.cause())
            .find(|cause| cause.exit_code() == self.code)
            .unwrap_or(crate::Cause::Crashed);
        Error::msg(text).with_cause(cause)
    }
}

impl fmt::Display for StopOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> =
            self.failures.iter().map(|Failure { what, error }| format!("{what}: {error:#}")).collect();
        if !self.abandoned.is_empty() {
            lines.push(format!("the stop budget passed; still running: {}", self.abandoned.join(", ")));
        }
        match lines.as_slice() {
            [] => f.write_str("asked to stop before everything was started"),
            [line] => f.write_str(line),
            lines => {
                write!(f, "{} problems", lines.len())?;
                lines.iter().try_for_each(|line| write!(f, "\n  - {line}"))
            }
        }
    }
}
