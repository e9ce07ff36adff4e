//! Which service the code on this thread works for.
//!
//! `tracing`, `log`, `metrics` and the panic hook are one per process, services are not: the runtime marks every task
//! and thread it starts with the [`Scope`] of its service, and the process-wide front ends ask here whom they serve.
//! A mark lasts for one poll or one guard; it costs no allocation and no reference count.
//!
//! A task spawned with `tokio::spawn`, or a thread of one's own, starts unmarked: what comes from it goes to the
//! process's first service. Hand the mark on with [`Scope::wrap`] or [`Scope::enter`].

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use crate::{
    logging::Logs,
    metrics::{self, Metrics},
    process,
    unit::Figures,
};

thread_local! {
    /// Only marks stand here; the fallback to the process's first service is decided when somebody asks.
    static CURRENT: RefCell<Option<Arc<Scope>>> = const { RefCell::new(None) };
}

/// What belongs to one service of the process: its name, its logs, its meters.
pub struct Scope {
    service: Arc<str>,
    deploy_name: OnceLock<Arc<str>>,
    logs: Logs,
    metrics: Metrics,
    work: Figures,
    /// Whether it is a test's, which does not look around in its process.
    is_isolated: AtomicBool,
}

impl Scope {
    /// A scope of its own for the service of that name, logging through `logs`, with no meters yet.
    pub fn new(service: &str, logs: Logs) -> Arc<Self> {
        let (metrics, work) = (Metrics::new(service), Figures::default());
        metrics::framework::observe_logs(&metrics, &logs);
        Arc::new(Self {
            service: service.into(),
            deploy_name: OnceLock::new(),
            logs,
            metrics,
            work,
            is_isolated: AtomicBool::new(false),
        })
    }

    /// The scope of the code that runs now: its mark, otherwise the process's first living service.
    pub fn current() -> Option<Arc<Self>> {
        Self::marked().or_else(process::first)
    }

    /// The mark of this thread at this moment, without the fallback.
    pub fn marked() -> Option<Arc<Self>> {
        CURRENT.try_with(|current| current.try_borrow().ok()?.clone()).ok().flatten()
    }

    /// Calls `f` with the current scope, if there is one, without touching its reference count.
    pub fn with_current<T>(f: impl FnOnce(&Arc<Self>) -> T) -> Option<T> {
        let mut f = Some(f);
        let marked = CURRENT.try_with(|current| {
            let current = current.try_borrow().ok()?;
            current.as_ref().and_then(|scope| f.take().map(|f| f(scope)))
        });
        match (marked.ok().flatten(), f) {
            (None, Some(f)) => process::with_first(f),
            (result, _) => result,
        }
    }

    /// Marks a future: wherever it is polled, and while it is dropped, this is the current scope.
    pub fn wrap<F: Future>(self: &Arc<Self>, future: F) -> Scoped<F> {
        Scoped { scope: Some(Arc::clone(self)), future: Some(future) }
    }

    /// Marks this thread until the guard is dropped. Guards are dropped in reverse order of their making.
    pub fn enter(self: &Arc<Self>) -> Entered {
        Entered { previous: swap(Some(Arc::clone(self))), not_send: PhantomData }
    }

    /// As [`enter`](Self::enter); costs next to nothing where this mark stands already, as in work that a task of the
    /// service does.
    pub(crate) fn mark(self: &Arc<Self>) -> Option<Entered> {
        let is_this = |current: &RefCell<Option<Arc<Self>>>| {
            current.try_borrow().is_ok_and(|current| current.as_ref().is_some_and(|scope| Arc::ptr_eq(scope, self)))
        };
        let is_marked = CURRENT.try_with(is_this).unwrap_or(false);
        (!is_marked).then(|| self.enter())
    }

    /// The name of the service.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The name of the deployment; `local` until the settings say otherwise.
    pub fn deploy_name(&self) -> &str {
        self.deploy_name.get().map_or("local", |name| name)
    }

    /// Says the name of the deployment, once the settings are known; later calls change nothing.
    pub fn set_deploy_name(&self, name: &str) {
        // The first one wins: what was said in logs and metrics under it stays true.
        if self.deploy_name.set(name.into()).is_ok() {
            self.logs.set_deploy_name(name);
        }
    }

    /// The logs of the service.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The meters of the service.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Makes the code of this service blind to where the process runs; see [`process::is_on_kubernetes`].
    pub(crate) fn isolate(&self) {
        self.is_isolated.store(true, Ordering::Relaxed);
    }

    /// Whether it is blind to where the process runs.
    pub(crate) fn is_isolated(&self) -> bool {
        self.is_isolated.load(Ordering::Relaxed)
    }

    /// How many units of work are under way, and how those before ended.
    pub(crate) fn work(&self) -> &Figures {
        &self.work
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("service", &self.service).finish_non_exhaustive()
    }
}

pin_project! {
    /// A future that runs as part of a service; made by [`Scope::wrap`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Scoped<F> {
        // Absent only while the future is polled: then it is in the thread's slot.
        scope: Option<Arc<Scope>>,
        // Absent once dropped; dropping it is part of the scope too.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Scoped<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _lent = Lent::to_thread(this.scope);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _lent = Lent::to_thread(this.scope);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Marks the thread until it is dropped; made by [`Scope::enter`].
#[must_use = "the mark ends when the guard is dropped"]
pub struct Entered {
    previous: Option<Arc<Scope>>,
    not_send: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.previous.take());
    }
}

/// The scope of a future, lent to the thread that polls it, and given back also when the poll panics.
struct Lent<'a> {
    owner: &'a mut Option<Arc<Scope>>,
    previous: Option<Arc<Scope>>,
}

impl<'a> Lent<'a> {
    fn to_thread(owner: &'a mut Option<Arc<Scope>>) -> Self {
        let previous = swap(owner.take());
        Self { owner, previous }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner = swap(self.previous.take());
    }
}

/// Puts a mark in place and gives back the one that stood there.
///
/// A thread that is ending has no place for it, and neither has code that runs inside [`Scope::with_current`]; the mark
/// is then given back at once, so that a pair of swaps restores what was.
fn swap(scope: Option<Arc<Scope>>) -> Option<Arc<Scope>> {
    let mut scope = scope;
    let _ = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut *current, &mut scope);
        }
    });
    scope
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn scope(name: &str) -> Arc<Scope> {
        Scope::new(name, Logs::captured_for(name))
    }

    fn marked() -> Option<String> {
        Scope::marked().map(|scope| scope.service().to_owned())
    }

    #[tokio::test]
    async fn a_wrapped_future_is_marked_across_awaits_and_nothing_else_is() {
        let (orders, stock) = (scope("orders"), scope("stock"));
        let inner = |name: &'static str| async move {
            for _ in 0..3 {
                assert_eq!(marked().as_deref(), Some(name));
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(orders.wrap(inner("orders")), stock.wrap(inner("stock")));
        assert_eq!(marked(), None);
    }

    #[test]
    fn a_guard_restores_what_was_marked_before() {
        let outer = scope("outer");
        let _outer = outer.enter();
        drop(scope("inner").enter());
        assert_eq!(marked().as_deref(), Some("outer"));
    }

    #[test]
    fn a_panic_in_a_poll_restores_the_mark_and_leaves_the_future_its_scope() {
        let orders = scope("orders");
        let mut future = Box::pin(orders.wrap(async { panic!("on purpose") }));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let poll = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut cx).is_ready()));
        assert!(poll.is_err());
        assert_eq!(marked(), None);
        assert!(future.scope.is_some());
    }

    #[test]
    fn a_future_is_dropped_inside_its_scope() {
        struct SaysWhere(Arc<OnceLock<Option<String>>>);
        impl Drop for SaysWhere {
            fn drop(&mut self) {
                let _ = self.0.set(marked());
            }
        }
        let seen = Arc::new(OnceLock::new());
        let held = SaysWhere(Arc::clone(&seen));
        drop(scope("orders").wrap(async move {
            let _held = held;
            std::future::pending::<()>().await;
        }));
        assert_eq!(seen.get().unwrap().as_deref(), Some("orders"));
    }

    #[test]
    fn entering_while_the_current_scope_is_borrowed_changes_nothing() {
        let orders = scope("orders");
        let _orders = orders.enter();
        let inside = Scope::with_current(|_| {
            let _other = scope("other").enter();
            marked()
        });
        assert_eq!(inside.flatten().as_deref(), Some("orders"));
        assert_eq!(marked().as_deref(), Some("orders"));
    }
}
