//! A service as a program: from the command line to the exit code.

mod watch;

use std::{io, process::ExitCode, sync::Arc};

use tokio::runtime::Runtime;

use self::watch::{FLUSH, Watch};
use crate::{
    Error, Microservice,
    assembly::{Assembled, Setup, assemble},
    cli::{self, Action},
    lifecycle::{Clock, StopOutcome, for_people, systemd::Systemd},
    logging::Logs,
    process,
};

/// Runs the service as a program; what `Orders::run()` calls.
pub fn run<S: Microservice>() -> ExitCode {
    // Before anything else: until then a signal is sudden death.
    let watch = Watch::begin();
    process::install();
    let logs = Logs::provisional(S::NAME);
    match cli::act::<S>() {
        Action::Exit(code) => ExitCode::from(code),
        Action::Command(command) => {
            if let Ok(watch) = watch {
                watch.over_command();
            }
            ExitCode::from(command())
        }
        Action::Run { sources, args } => {
            let (with, args, clock) = (Vec::new(), Some(args), Clock::default());
            let setup = Setup { sources, with, args, logs, clock, is_isolated: false };
            ExitCode::from(serve::<S>(setup, watch))
        }
    }
}

fn serve<S: Microservice>(setup: Setup<S>, watch: io::Result<Watch>) -> u8 {
    let logs = setup.logs.clone();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_name(S::NAME).build() {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&Error::from(error).context("cannot start the async runtime")),
    };
    // A service is built by code of its own.
    let assembled = process::catch(|| assemble(setup)).unwrap_or_else(|panic| Err(panic.into()));
    let code = match assembled {
        Ok(assembled) => live(&runtime, assembled, watch),
        Err(error) => refuse(&error),
    };
    // What was abandoned must not hold the exit up.
    runtime.shutdown_background();
    logs.flush(FLUSH);
    code
}

/// From the start to the stop.
fn live<S: Microservice>(runtime: &Runtime, assembled: Assembled<S>, watch: io::Result<Watch>) -> u8 {
    let Assembled { service, core, engine, reports, registration } = assembled;
    let scope = Arc::clone(&core.scope);
    let outcome = runtime.block_on(scope.wrap(async move {
        let systemd = Systemd::from_environment();
        match watch {
            Ok(watch) => watch.over_service(&core),
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
