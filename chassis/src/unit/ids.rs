//! The ids of the unit of work that this thread works on at the moment.

use std::{
    any::Any,
    cell::RefCell,
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{request_id::RequestId, trace::TraceContext};

thread_local! {
    static CURRENT: RefCell<Slot> = const { RefCell::new(Slot::None) };
}

/// Request id, trace and whatever else names a unit of work in each of its log lines.
#[derive(Debug, Clone)]
pub struct Ids {
    request_id: RequestId,
    trace: TraceContext,
    others: Vec<(&'static str, Box<str>)>,
    origin: Option<Arc<dyn Origin>>,
}

impl Ids {
    /// New ids: nobody sent any.
    pub fn new() -> Self {
        Self::from_caller(None, None)
    }

    /// The ids of work that a caller asked for: its request id, and a span below its span, as far as it sent them.
    pub fn from_caller(request_id: Option<RequestId>, caller: Option<TraceContext>) -> Self {
        let trace = caller.map_or_else(TraceContext::new, |caller| caller.child());
        Self { request_id: request_id.unwrap_or_default(), trace, others: Vec::new(), origin: None }
    }

    /// Adds an id of another kind, such as `job_id`; it stands on every line of the unit.
    #[must_use]
    pub fn with(mut self, name: &'static str, id: impl Into<Box<str>>) -> Self {
        self.add(name, id.into());
        self
    }

    pub(super) fn add(&mut self, name: &'static str, id: Box<str>) {
        self.others.push((name, id));
    }

    /// Names what the work came of, for calls made in it to find with [`origin`](Self::origin).
    #[must_use]
    pub fn with_origin(mut self, origin: Arc<dyn Origin>) -> Self {
        self.origin = Some(origin);
        self
    }

    /// What the work came of, if that is known here and is of this type.
    pub fn origin<T: Origin>(&self) -> Option<&T> {
        (self.origin.as_deref()? as &dyn Any).downcast_ref()
    }

    /// Written as `req_id`.
    pub fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// Its place in the trace; written as `trace_id`.
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// The other ids, in the order they were added.
    pub fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.others.iter().map(|(name, id)| (*name, &**id))
    }

    /// Marks a future: wherever it is polled, and while it is dropped, these are the current ids.
    pub fn wrap<F: Future>(self: &Arc<Self>, future: F) -> InUnit<F> {
        InUnit { slot: Slot::Made(Arc::clone(self)), future: Some(future) }
    }

    /// Marks this thread until the guard is dropped. Guards are dropped in reverse order of their making.
    pub fn enter(self: &Arc<Self>) -> EnteredUnit {
        EnteredUnit { previous: swap(Slot::Made(Arc::clone(self))), not_send: PhantomData }
    }

    /// The ids of the unit of work this code is part of.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(|current| current.try_borrow_mut().ok()?.make().cloned()).ok().flatten()
    }
}

impl Default for Ids {
    fn default() -> Self {
        Self::new()
    }
}

pin_project! {
    /// A future that runs as part of a unit of work; made by [`Ids::wrap`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InUnit<F> {
        slot: Slot,
        // Absent once dropped; dropping it is part of the unit too.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for InUnit<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _lent = Lent::to_thread(this.slot);
            this.future.set(None);
        }
    }
}

impl<F: Future> Future for InUnit<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _lent = Lent::to_thread(this.slot);
        match this.future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => Poll::Pending,
        }
    }
}

/// Marks the thread until it is dropped; made by [`Ids::enter`].
#[must_use = "the mark ends when the guard is dropped"]
pub struct EnteredUnit {
    previous: Slot,
    not_send: PhantomData<*const ()>,
}

impl Drop for EnteredUnit {
    fn drop(&mut self) {
        swap(self.previous.take());
    }
}

/// What a unit of work came of, such as a message: it knows the ids to work under, and reads them once somebody asks.
///
/// ```
/// use std::sync::Arc;
///
/// use chassis::unit::{Ids, Origin, Unit};
/// # use chassis::{logging::Logs, scope::Scope};
///
/// #[derive(Debug)]
/// struct Parcel(u64);
///
/// impl Origin for Parcel {
///     fn ids(self: Arc<Self>) -> Ids {
///         Ids::new().with("parcel", self.0.to_string()).with_origin(self)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> chassis::Result<()> {
/// # let scope = Scope::new("mail", Logs::captured_for("mail"));
/// let unit = Unit::new("message").in_scope(&scope).origin(Arc::new(Parcel(7)));
/// let number = unit.run(async { Ok(Ids::current().and_then(|ids| Some(ids.origin::<Parcel>()?.0))) }).await?;
/// assert_eq!(number, Some(7));
/// assert_eq!(scope.logs().captured()[0]["parcel"], "7");
/// # Ok(())
/// # }
/// ```
pub trait Origin: Any + fmt::Debug + Send + Sync {
    /// The ids; asked once for each unit. It asks for no ids itself, and does not panic. Calls find it again only if it puts
    /// itself into them, by [`with_origin`](Ids::with_origin).
    fn ids(self: Arc<Self>) -> Ids;
}

/// What stands in a thread's place for ids.
#[derive(Debug, Clone)]
pub(crate) enum Slot {
    None,
    /// In a unit of work whose ids nobody has asked for: work that logs nothing does without.
    Unmade,
    /// As before, and they are known here.
    Unread(Arc<dyn Origin>),
    Made(Arc<Ids>),
}

impl Slot {
    fn take(&mut self) -> Self {
        std::mem::replace(self, Slot::None)
    }

    /// The ids, made now if need be.
    pub(crate) fn make(&mut self) -> Option<&Arc<Ids>> {
        match self {
            Slot::None | Slot::Made(_) => {}
            Slot::Unmade => *self = Slot::Made(Arc::new(Ids::new())),
            Slot::Unread(known) => *self = Slot::Made(Arc::new(Arc::clone(known).ids())),
        }
        match self {
            Slot::Made(ids) => Some(ids),
            Slot::None | Slot::Unmade | Slot::Unread(_) => None,
        }
    }

    /// As [`make`](Self::make), to add something.
    pub(super) fn make_mut(&mut self) -> Option<&mut Ids> {
        self.make();
        match self {
            Slot::Made(ids) => Some(Arc::make_mut(ids)),
            Slot::None | Slot::Unmade | Slot::Unread(_) => None,
        }
    }

    /// The ids, if there are any yet.
    #[cfg_attr(not(feature = "http-server"), allow(dead_code, reason = "the line of a request asks for them"))]
    pub(crate) fn made(&self) -> Option<&Ids> {
        match self {
            Slot::Made(ids) => Some(ids),
            Slot::None | Slot::Unmade | Slot::Unread(_) => None,
        }
    }
}

/// The slot of a future, lent to the thread that polls it, and given back also when the poll panics.
pub(crate) struct Lent<'a> {
    owner: &'a mut Slot,
    previous: Slot,
}

impl<'a> Lent<'a> {
    pub(crate) fn to_thread(owner: &'a mut Slot) -> Self {
        let previous = swap(owner.take());
        Self { owner, previous }
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        *self.owner = swap(self.previous.take());
    }
}

/// As in `scope`: where there is no place for it, the slot is given back at once.
fn swap(mut slot: Slot) -> Slot {
    let _ = CURRENT.try_with(|current| {
        if let Ok(mut current) = current.try_borrow_mut() {
            std::mem::swap(&mut *current, &mut slot);
        }
    });
    slot
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn current() -> Option<RequestId> {
        Ids::current().map(|ids| *ids.request_id())
    }

    #[tokio::test]
    async fn ids_are_current_inside_the_future_only() {
        let ids = Arc::new(Ids::new());
        let inside = ids.wrap(async {
            tokio::task::yield_now().await;
            current()
        });
        assert_eq!(inside.await, Some(*ids.request_id()));
        assert_eq!(current(), None);
    }

    #[tokio::test]
    async fn a_unit_inside_another_has_its_own_ids_and_gives_the_outer_ones_back() {
        let (outer, inner) = (Arc::new(Ids::new()), Arc::new(Ids::new()));
        outer
            .wrap(async {
                assert_eq!(inner.wrap(async { current() }).await, Some(*inner.request_id()));
                assert_eq!(current(), Some(*outer.request_id()));
            })
            .await;
    }

    #[test]
    fn unmade_ids_are_made_when_asked_for_and_then_stay() {
        let mut slot = Slot::Unmade;
        drop(Lent::to_thread(&mut slot));
        assert!(slot.made().is_none());

        let asked = {
            let _lent = Lent::to_thread(&mut slot);
            (current(), current())
        };
        assert!(asked.0.is_some());
        assert_eq!(asked.0, asked.1);
        assert_eq!(slot.made().map(|ids| *ids.request_id()), asked.0);
    }

    #[test]
    fn known_ids_are_read_once_and_only_when_asked_for() {
        #[derive(Debug, Default)]
        struct Known(std::sync::atomic::AtomicU64);

        impl Origin for Known {
            fn ids(self: Arc<Self>) -> Ids {
                let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                Ids::from_caller(RequestId::parse(&format!("call-{count}")), None).with_origin(self)
            }
        }

        let known = Arc::new(Known::default());
        let mut slot = Slot::Unread(Arc::clone(&known) as _);
        drop(Lent::to_thread(&mut slot));
        assert!(slot.made().is_none());
        for _ in 0..2 {
            let _lent = Lent::to_thread(&mut slot);
            assert_eq!(current(), RequestId::parse("call-0"));
            let origin = Ids::current().unwrap();
            assert!(std::ptr::eq(origin.origin::<Known>().unwrap(), &*known));
        }
        assert_eq!(known.0.load(std::sync::atomic::Ordering::Relaxed), 1);
    }

    #[test]
    fn a_guard_marks_a_thread() {
        let ids = Arc::new(Ids::new().with("job_id", "7"));
        let guard = ids.enter();
        assert_eq!(Ids::current().unwrap().ids().collect::<Vec<_>>(), [("job_id", "7")]);
        drop(guard);
        assert_eq!(current(), None);
    }

    #[test]
    fn the_ids_of_a_caller_are_taken_over() {
        let caller = TraceContext::new();
        let ids = Ids::from_caller(RequestId::parse("abc"), Some(caller));
        assert_eq!(ids.request_id().as_str(), "abc");
        assert_eq!(ids.trace().parent_id(), Some(caller.span_id()));
    }
}
