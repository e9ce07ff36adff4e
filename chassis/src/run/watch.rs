//! The thread that hears signals, from the first moment of `run` on.
//!
//! On a thread and a runtime of its own: work that blocks may hold up every thread of the service's runtime, and with
//! them its timers and signals. A signal that comes before there is a service to stop is kept for it.
//!
//! One that comes within the microsecond between a handler's being in place and its being known to
//! `signal-hook-registry`, under tokio, is lost: closing that gap takes a signal mask, and `unsafe` code.

use std::{io, sync::Arc, time::Duration};

use tokio::{sync::oneshot, time::Instant};

use crate::{
    lifecycle::{
        Core, StopReason,
        signal::{self, StopSignals},
    },
    tasks::spawn::thread,
};

/// How long the first signal, sent once more, is no second one: `timeout` and the inits of containers signal a process
/// and then its group, and nobody presses Ctrl-C twice as fast.
const ECHO: Duration = Duration::from_millis(100);

/// How much longer than its budget a stop may take before it is ended from outside.
const GRACE: Duration = Duration::from_secs(1);

/// How long the last lines of the log may take.
pub(super) const FLUSH: Duration = Duration::from_secs(1);

/// The exit code of a stop that has left work behind.
const ABANDONED: i32 = 75;

/// The thread, which waits to hear what the process is going to be.
pub(super) struct Watch {
    charge: oneshot::Sender<Charge>,
}

/// What is watched over.
enum Charge {
    /// A service: signals ask it to stop.
    Service(Arc<Core>),
    /// A command that prints something: signals end it, as they would if nobody listened.
    Command,
}

impl Watch {
    /// Listens from now on: no signal is the death of the process any more.
    ///
    /// # Errors
    /// When the system has no thread or no descriptor left.
    pub(super) fn begin() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _entered = runtime.enter();
            StopSignals::listen()?
        };
        let (charge, given) = oneshot::channel();
        let watch = async move {
            let (charge, early) = wait_for_charge(&mut signals, given).await;
            match charge {
                Some(Charge::Service(core)) => {
                    let scope = Arc::clone(&core.scope);
                    scope.wrap(async { tokio::join!(obey(signals, early, &core), end_overdue(&core)) }).await;
                }
                Some(Charge::Command) => {
                    let number = match early {
                        Some((number, _)) => number,
                        None => signals.next().await,
                    };
                    exit(128 + number);
                }
                // The process is about to end by itself.
                None => {}
            }
        };
        thread("signals", move || runtime.block_on(watch))?;
        Ok(Self { charge })
    }

    /// From now on a signal stops this service, and so does one that came before.
    pub(super) fn over_service(self, core: &Arc<Core>) {
        let _ = self.charge.send(Charge::Service(Arc::clone(core)));
    }

    /// From now on a signal ends the process at once, and so does one that came before.
    pub(super) fn over_command(self) {
        let _ = self.charge.send(Charge::Command);
    }
}

/// A signal, and when it came.
type Heard = (i32, Instant);

/// Keeps the first signal until there is something to stop; a second one ends what does not get that far.
async fn wait_for_charge(
    signals: &mut StopSignals,
    mut given: oneshot::Receiver<Charge>,
) -> (Option<Charge>, Option<Heard>) {
    let mut early: Option<Heard> = None;
    loop {
        tokio::select! {
            biased;
            charge = &mut given => return (charge.ok(), early),
            number = signals.next() => match early {
                None => early = Some((number, Instant::now())),
                Some(first) if is_echo(number, first) => {}
                Some(_) => exit(128 + number),
            },
        }
    }
}

/// The first signal asks for a stop, the second one forces it.
async fn obey(mut signals: StopSignals, early: Option<Heard>, core: &Core) {
    let first = match early {
        Some(early) => early,
        None => (signals.next().await, Instant::now()),
    };
    core.stop(StopReason::Signal(first.0));
    let number = loop {
        let number = signals.next().await;
        if !is_echo(number, first) {
            break number;
        }
    };
    let running = core.running.names();
    let running = if running.is_empty() { "nothing".to_owned() } else { running.join(", ") };
    tracing::error!("received a second {}: forced to exit; still running: {running}", signal::name(number));
    force(core, 128 + number);
}

fn is_echo(number: i32, (first, since): Heard) -> bool {
    number == first && since.elapsed() < ECHO
}

/// Ends a stop that cannot even see that its time is over.
async fn end_overdue(core: &Core) {
    core.stop_asked.wait().await;
    tokio::time::sleep(core.lifecycle.stop_timeout.get().saturating_add(GRACE)).await;
    let running = core.running.names().join(", ");
    tracing::error!("the stop budget passed, and the stop itself is held up; still running: {running}");
    force(core, ABANDONED);
}

fn force(core: &Core, code: i32) {
    core.scope.logs().flush(FLUSH);
    exit(code);
}

#[expect(clippy::disallowed_methods, reason = "nothing else would end; the log is flushed before")]
fn exit(code: i32) -> ! {
    std::process::exit(code);
}
