//! A service as a program: from the command line to the exit code.

use std::{process::ExitCode, sync::Arc};

use tokio::runtime::Runtime;

use crate::{
    Error, Microservice,
    assembly::{Assembled, Setup, assemble},
    cli::{self, Action},
    lifecycle::{
        Clock, Engine, StopOutcome, StopReason, for_people,
        signal::{self, StopSignals},
        systemd::Systemd,
    },
    logging::Logs,
    process,
    tasks::detached,
};

/// Runs the service as a program; what `Orders::run()` calls.
pub fn run<S: Microservice>() -> ExitCode {
    process::install();
    let logs = Logs::provisional(S::NAME);
    match cli::act::<S>() {
        Action::Exit(code) => ExitCode::from(code),
        Action::Run { sources, args } => {
            let (with, args, clock) = (Vec::new(), Some(args), Clock::default());
            let setup = Setup { sources, with, args, logs, clock, is_isolated: false };
            ExitCode::from(serve::<S>(setup))
        }
    }
}

fn serve<S: Microservice>(setup: Setup<S>) -> u8 {
    let logs = setup.logs.clone();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(S::NAME).build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&Error::from(error).context("cannot start the async runtime")),
    };
    let code = match assemble(setup) {
        Ok(assembled) => live(&runtime, assembled),
        Err(error) => refuse(&error),
    };
    // What was abandoned must not hold the exit up.
    runtime.shutdown_background();
    logs.flush(FLUSH);
    code
}

/// How long the last lines of the log may take.
const FLUSH: std::time::Duration = std::time::Duration::from_secs(1);

/// From the start to the stop.
fn live<S: Microservice>(runtime: &Runtime, assembled: Assembled<S>) -> u8 {
    let Assembled { service, core, engine, reports, registration } = assembled;
    let scope = Arc::clone(&core.scope);
    let outcome = runtime.block_on(scope.wrap(async move {
        let systemd = Systemd::from_environment();
        match StopSignals::listen() {
            Ok(signals) => drop(detached(&core.scope, obey(signals, Arc::clone(&engine)))),
            Err(error) => tracing::error!("cannot listen for signals: {error}"),
        }
        let outcome = match engine.start(reports).await {
            Ok(took) => {
                tracing::info!(took_ms = took.as_millis() as u64, "running, started in {}", for_people(took));
                systemd.notify("READY=1");
                tokio::select! {
                    () = engine.stop_asked() => {}
                    () = keep_watchdog(&systemd) => {}
                }
                systemd.notify("STOPPING=1");
                engine.stop().await
            }
            Err(outcome) => outcome,
        };
        drop((service, registration));
        outcome
    }));
    let _entered = scope.enter();
    report(&outcome);
    outcome.code
}

/// The first signal asks for a stop, the second one forces it.
#[expect(clippy::disallowed_methods, reason = "the second signal forces the exit; the log is flushed before")]
async fn obey(mut signals: StopSignals, engine: Arc<Engine>) {
    let number = signals.next().await;
    engine.core().stop(StopReason::Signal(number));
    let number = signals.next().await;
    let running = engine.core().running.names();
    let running = if running.is_empty() { "nothing".to_owned() } else { running.join(", ") };
    tracing::error!("received a second {}: forced to exit; still running: {running}", signal::name(number));
    engine.core().scope.logs().flush(FLUSH);
    std::process::exit(128 + number);
}

async fn keep_watchdog(systemd: &Systemd) {
    let Some(every) = systemd.watchdog() else { return std::future::pending().await };
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        systemd.notify("WATCHDOG=1");
    }
}

/// The last report: one line when all went well, otherwise everything that did not.
fn report(outcome: &StopOutcome) {
    let StopOutcome { code, took, .. } = outcome;
    if outcome.failures.is_empty() && outcome.abandoned.is_empty() {
        tracing::info!(took_ms = took.as_millis() as u64, "stopped in {}", for_people(*took));
    } else {
        tracing::error!(exit_code = code, "{outcome}");
    }
}

/// A service that cannot even be started.
fn refuse(error: &Error) -> u8 {
    eprintln!("{error:#}");
    error.cause().exit_code()
}
