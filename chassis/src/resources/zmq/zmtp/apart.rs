//! A future that is polled only when it was woken itself, whatever else its task was woken for.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_util::task::AtomicWaker;
use pin_project_lite::pin_project;

pin_project! {
    /// A future that is polled only when it was woken itself.
    #[must_use = "futures do nothing unless polled"]
    pub(super) struct Apart<F> {
        bell: Arc<Bell>,
        waker: Waker,
        #[pin]
        future: F,
    }
}

/// Rings when something has happened that the future waits for.
struct Bell {
    has_rung: AtomicBool,
    task: AtomicWaker,
}

impl<F> Apart<F> {
    pub(super) fn new(future: F) -> Self {
        let bell = Arc::new(Bell { has_rung: AtomicBool::new(true), task: AtomicWaker::new() });
        Self { waker: Waker::from(Arc::clone(&bell)), bell, future }
    }
}

impl<F: Future> Future for Apart<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.bell.task.register(cx.waker());
        // Whoever rings after this wakes the task that was registered before.
        if !this.bell.has_rung.swap(false, Ordering::AcqRel) {
            return Poll::Pending;
        }
        this.future.poll(&mut Context::from_waker(this.waker))
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.task.wake();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::{cell::RefCell, future::poll_fn, pin::pin};

    use super::*;

    #[derive(Default)]
    struct Task(AtomicBool);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn it_is_polled_when_it_is_woken_and_not_when_its_task_is() {
        let polls = RefCell::new(Vec::new());
        let future = poll_fn(|cx| {
            polls.borrow_mut().push(cx.waker().clone());
            if polls.borrow().len() < 3 { Poll::Pending } else { Poll::Ready(()) }
        });
        let mut apart = pin!(Apart::new(future));
        for round in 1..3 {
            // The task may be another one by now.
            let task = Arc::new(Task::default());
            let waker = Waker::from(Arc::clone(&task));
            for _ in 0..3 {
                assert!(apart.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                assert_eq!(polls.borrow().len(), round);
            }
            let inner = polls.borrow().last().unwrap().clone();
            inner.wake();
            assert!(task.0.load(Ordering::Relaxed));
        }
        assert!(apart.poll(&mut Context::from_waker(Waker::noop())).is_ready());
    }
}
