//! What Rust makes one per process, shared by the services in it.
//!
//! [`install`] puts the router in place once: the `tracing` subscriber, the `log` logger, the panic hook.
//! [`register`] adds a service to those it may route to; what comes from unmarked threads goes to the first of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

use crate::{metrics, scope::Scope};

/// The living services, in the order they were registered.
static SERVICES: Mutex<Vec<Arc<Scope>>> = Mutex::new(Vec::new());

/// The first of them, to be read without a lock.
static FIRST: ArcSwapOption<Scope> = ArcSwapOption::const_empty();

/// Puts the process-wide front ends in place; later calls do nothing.
pub fn install() {
    metrics::install();
}

/// Makes a service one that unmarked threads may belong to, until the answer is dropped.
pub fn register(scope: &Arc<Scope>) -> Registration {
    let mut services = services();
    services.push(Arc::clone(scope));
    FIRST.store(services.first().cloned());
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
pub(crate) fn caught_panic(_: &(dyn std::any::Any + Send)) -> String {
    String::new()
}
