//! A service as a program: from the command line to the exit code.

use std::{io, process::ExitCode, sync::Arc, time::Duration};

use tokio::{runtime::Runtime, time::Instant};

use crate::{
    Error, Microservice,
    assembly::{Assembled, Setup, assemble},
    cli::{self, Action},
    lifecycle::{
        Clock, Core, StopOutcome, StopReason, for_people,
        signal::{self, StopSignals},
        systemd::Systemd,
    },
    logging::Logs,
    process,
    tasks::spawn::thread,
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
    // A service is built by code of its own.
    let assembled = process::catch(|| assemble(setup)).unwrap_or_else(|panic| Err(panic.into()));
    let code = match assembled {
        Ok(assembled) => live(&runtime, assembled),
        Err(error) => refuse(&error),
    };
    // What was abandoned must not hold the exit up.
    runtime.shutdown_background();
    logs.flush(FLUSH);
    code
}

/// How long the last lines of the log may take.
const FLUSH: Duration = Duration::from_secs(1);

/// How much longer than its budget a stop may take before it is ended from outside.
const GRACE: Duration = Duration::from_secs(1);

/// From the start to the stop.
fn live<S: Microservice>(runtime: &Runtime, assembled: Assembled<S>) -> u8 {
    let Assembled { service, core, engine, reports, registration } = assembled;
    let scope = Arc::clone(&core.scope);
    let outcome = runtime.block_on(scope.wrap(async move {
        let systemd = Systemd::from_environment();
        if let Err(error) = watch_over(&core) {
            tracing::error!("cannot listen for signals: {error}");
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

/// Listens for signals, and sees to it that a stop ends.
///
/// On a thread and a runtime of its own: work that blocks may hold up every thread of the service's runtime, and with
/// them its timers and signals.
fn watch_over(core: &Arc<Core>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _entered = runtime.enter();
        StopSignals::listen()?
    };
    let core = Arc::clone(core);
    let watch = move || {
        let scope = Arc::clone(&core.scope);
        runtime.block_on(scope.wrap(async move { tokio::join!(obey(signals, &core), end_overdue(&core)) }));
    };
    thread("signals", watch).map(drop)
}

/// How long the first signal, sent once more, is no second one: `timeout` and the inits of containers signal a process
/// and then its group, and nobody presses Ctrl-C twice as fast.
const ECHO: Duration = Duration::from_millis(100);

/// The first signal asks for a stop, the second one forces it.
async fn obey(mut signals: StopSignals, core: &Core) {
    let first = signals.next().await;
    core.stop(StopReason::Signal(first));
    let since = Instant::now();
    let number = loop {
        let number = signals.next().await;
        if number != first || since.elapsed() >= ECHO {
            break number;
        }
    };
    let running = core.running.names();
    let running = if running.is_empty() { "nothing".to_owned() } else { running.join(", ") };
    tracing::error!("received a second {}: forced to exit; still running: {running}", signal::name(number));
    force(core, 128 + number);
}

/// Ends a stop that cannot even see that its time is over.
async fn end_overdue(core: &Core) {
    core.stop_asked.wait().await;
    tokio::time::sleep(core.lifecycle.stop_timeout.saturating_add(GRACE)).await;
    let running = core.running.names().join(", ");
    tracing::error!("the stop budget passed, and the stop itself is held up; still running: {running}");
    force(core, ABANDONED);
}

#[expect(clippy::disallowed_methods, reason = "nothing else would end; the log is flushed before")]
fn force(core: &Core, code: i32) {
    core.scope.logs().flush(FLUSH);
    std::process::exit(code);
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

/// The exit code of a stop that has left work behind.
const ABANDONED: i32 = 75;

/// A service that cannot even be started.
fn refuse(error: &Error) -> u8 {
    eprintln!("{error:#}");
    error.cause().exit_code()
}
