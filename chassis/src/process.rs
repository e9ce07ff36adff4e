//! What Rust makes one per process, shared by the services in it.
//!
//! [`install`] puts the router in place once: the `tracing` subscriber, the `log` logger, the panic hook.
//! [`register`] adds a service to those it may route to; what comes from unmarked threads goes to the first of them.

mod panic;

use std::{
    panic::PanicHookInfo,
    sync::{Arc, Mutex, MutexGuard, Once, PoisonError},
};

use arc_swap::ArcSwapOption;
use tracing_core::Level;
use tracing_subscriber::layer::SubscriberExt;

pub use self::panic::{CatchPanic, Panic, catch, catch_future};
use crate::{
    logging::{FieldName, Line, LogRouter, Logs, TracingRouter, Value, rebuild},
    metrics,
    scope::Scope,
    unit::Ids,
};

/// The living services, in the order they were registered.
static SERVICES: Mutex<Vec<Arc<Scope>>> = Mutex::new(Vec::new());

/// The first of them, to be read without a lock.
static FIRST: ArcSwapOption<Scope> = ArcSwapOption::const_empty();

static INSTALLED: Once = Once::new();

/// What was set before us, told to the first service, which has logs to say it in.
static TAKEN: Mutex<Vec<&'static str>> = Mutex::new(Vec::new());

/// Puts the process-wide front ends in place; later calls do nothing.
///
/// A subscriber or logger that the application set before stays: its events do not reach the logs of the services then,
/// everything else does, and the first service says so once.
pub fn install() {
    INSTALLED.call_once(|| {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        let subscriber = tracing_subscriber::registry().with(TracingRouter);
        if tracing::subscriber::set_global_default(subscriber).is_err() {
            taken.push("tracing");
        }
        if log::set_logger(&LogRouter).is_err() {
            taken.push("log");
        }
        drop(taken);
        rebuild();
        metrics::install();
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if is_left_to_previous(info) {
                previous(info);
            }
        }));
    });
}

/// Whether the service at work runs on Kubernetes: defaults that suit a container are taken there.
///
/// A service that a builder has started does not, unless the builder reads the environment.
pub fn is_on_kubernetes() -> bool {
    let is_isolated = Scope::with_current(|scope| scope.is_isolated()).unwrap_or(false);
    !is_isolated && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

/// Makes a service one that unmarked threads may belong to, until the answer is dropped.
pub fn register(scope: &Arc<Scope>) -> Registration {
    let mut services = services();
    services.push(Arc::clone(scope));
    FIRST.store(services.first().cloned());
    drop(services);
    let taken = std::mem::take(&mut *TAKEN.lock().unwrap_or_else(PoisonError::into_inner));
    for front in taken {
        tell_of_taken(scope.logs(), front);
    }
    Registration { scope: Arc::clone(scope) }
}

/// The first living service.
pub fn first() -> Option<Arc<Scope>> {
    FIRST.load_full()
}

/// Calls `f` with the first living service, if there is one.
pub(crate) fn with_first<T>(f: impl FnOnce(&Arc<Scope>) -> T) -> Option<T> {
    FIRST.load().as_ref().map(f)
}

/// A service's place among the living ones; made by [`register`].
#[must_use = "the service is forgotten when this is dropped"]
#[derive(Debug)]
pub struct Registration {
    scope: Arc<Scope>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut services = services();
        if let Some(index) = services.iter().position(|scope| Arc::ptr_eq(scope, &self.scope)) {
            services.remove(index);
        }
        FIRST.store(services.first().cloned());
    }
}

fn services() -> MutexGuard<'static, Vec<Arc<Scope>>> {
    SERVICES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tell_of_taken(logs: &Logs, front: &str) {
    logs.line(&Line {
        level: Level::WARN,
        target: "chassis::process",
        message: "the application has set its own global receiver before: what is logged this way goes there",
        unit: None,
        fields: &[(&FieldName::new("front_end"), Value::Str(front))],
    });
}

/// The panic hook: notes what `catch_unwind` will not tell, for whoever catches the panic and logs it.
///
/// Where nobody of ours catches it, such as in a task that the service has spawned by itself, it is logged here, and
/// printed as ever.
fn is_left_to_previous(info: &PanicHookInfo<'_>) -> bool {
    let panic = Panic::of_hook(info);
    let is_awaited = panic::is_awaited();
    if !is_awaited {
        Scope::with_current(|scope| tell_of_panic(scope.logs(), Ids::current().as_deref(), &panic));
    }
    panic.note();
    !is_awaited
}

fn tell_of_panic(logs: &Logs, unit: Option<&Ids>, panic: &Panic) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    let [error, stack, place] = ["error", "backtrace", "thread"].map(FieldName::new);
    let backtrace = panic.backtrace().map(|backtrace| (&stack, Value::Str(backtrace)));
    let fields = [(&error, Value::Display(panic)), (&place, Value::Str(thread))];
    let all: Vec<_> = fields.into_iter().chain(backtrace).collect();
    let message = "panic in code that the service has started by itself";
    logs.line(&Line { level: Level::ERROR, target: "chassis::process", message, unit, fields: &all });
}
