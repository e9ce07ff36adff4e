//! A method that runs by a schedule.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as TaskContext, Poll},
    time::{Duration, SystemTime},
};

use futures_util::task::AtomicWaker;
use tokio::time::{Instant, Sleep};

use super::{
    Overlap, Schedule, TaskCell, TimerId,
    schedule::{due_after, next_tick},
};
use crate::{
    Context, Result,
    lifecycle::{Core, EventKind, Place},
    metrics::framework::TimerFigures,
    microservice::BoxFuture,
    unit::{Kind, Unit},
};

/// How long a timer sleeps at most, when it follows the calendar: clocks are set, machines are suspended.
#[cfg(feature = "cron")]
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// A timer of the service, ready to run.
pub(crate) struct TimerPlan {
    pub(crate) id: TimerId,
    pub(crate) run: Arc<dyn Fn(Context) -> BoxFuture<Result<()>> + Send + Sync>,
    pub(crate) one_shot: bool,
    pub(crate) immediate: bool,
    pub(crate) overlap: Overlap,
    pub(crate) jitter: Duration,
    pub(crate) control: Arc<TimerControl>,
}

/// What a timer is told while it runs.
pub(crate) struct TimerControl {
    wanted: Mutex<Wanted>,
    /// Grows with every order, so that the timer sees it without the lock.
    version: AtomicU64,
    waker: AtomicWaker,
}

#[derive(Clone)]
struct Wanted {
    is_enabled: bool,
    /// No more ticks; a tick that runs goes on to its end.
    is_over: bool,
    schedule: Schedule,
}

impl TimerControl {
    pub(crate) fn new(is_enabled: bool, schedule: Schedule) -> Arc<Self> {
        Arc::new(Self {
            wanted: Mutex::new(Wanted { is_enabled, is_over: false, schedule }),
            version: AtomicU64::new(0),
            waker: AtomicWaker::new(),
        })
    }

    /// Ends the timer after the tick that may be running.
    pub(crate) fn end(&self) {
        self.order(|wanted| wanted.is_over = true);
    }

    fn order(&self, change: impl FnOnce(&mut Wanted)) {
        change(&mut self.lock());
        self.version.fetch_add(1, Ordering::Release);
        self.waker.wake();
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Steers a timer of the service: `cx.timer(Self::TICK)`.
pub struct TimerHandle {
    control: Option<Arc<TimerControl>>,
}

impl TimerHandle {
    pub(crate) fn new(control: Option<Arc<TimerControl>>) -> Self {
        Self { control }
    }

    /// Starts the timer, or starts it over: the first tick is due one interval from now.
    pub fn start(&self) {
        self.order(|wanted| wanted.is_enabled = true);
    }

    /// Stops the timer; a tick that runs goes on to its end.
    pub fn stop(&self) {
        self.order(|wanted| wanted.is_enabled = false);
    }

    /// Changes the interval, and starts the schedule over from now if the timer runs.
    pub fn set_interval(&self, interval: Duration) {
        self.order(|wanted| wanted.schedule = Schedule::every(interval));
    }

    fn order(&self, change: impl FnOnce(&mut Wanted)) {
        if let Some(control) = &self.control {
            control.order(change);
        }
    }
}

/// Runs a timer until [`TimerControl::end`].
pub(crate) async fn run(plan: TimerPlan, core: Arc<Core>) {
    let name = plan.id.name();
    let timer = Timer {
        cx: Context::new(Arc::clone(&core), Place::Work(name)),
        figures: core.figures.timer(name),
        cell: core.tasks.cell(name),
        version: 0,
        sleep: Box::pin(tokio::time::sleep_until(Instant::now())),
        plan,
        core,
    };
    timer.follow().await;
}

struct Timer {
    plan: TimerPlan,
    core: Arc<Core>,
    cx: Context,
    figures: TimerFigures,
    cell: Arc<TaskCell>,
    /// The last order that was seen.
    version: u64,
    /// One timer entry for the whole life of the timer.
    sleep: Pin<Box<Sleep>>,
}

/// Why a wait ended.
#[derive(PartialEq, Eq)]
enum Woken {
    Due,
    Ordered,
}

impl Timer {
    /// Follows the orders, one after the other, until the last one.
    async fn follow(mut self) {
        let mut is_first = true;
        loop {
            self.version = self.plan.control.version.load(Ordering::Acquire);
            let wanted = self.plan.control.lock().clone();
            if wanted.is_over {
                return;
            }
            if !wanted.is_enabled {
                self.note_next(None);
                self.ordered().await;
                continue;
            }
            if std::mem::take(&mut is_first) && self.plan.immediate {
                self.tick(Instant::now()).await;
                if self.is_done_after_one() {
                    continue;
                }
            }
            match wanted.schedule {
                Schedule::Every(interval) => self.every(interval).await,
                Schedule::Cron { expression, zone } => self.cron(&expression, zone.as_deref()).await,
            }
        }
    }

    /// Ticks every `interval`, without drift, until the next order.
    async fn every(&mut self, interval: Duration) {
        let start = Instant::now();
        let began = self.core.clock.now();
        let mut last = 0;
        loop {
            let (next, missed) = match self.plan.overlap {
                Overlap::Skip => next_tick(start.elapsed(), interval, last),
                Overlap::Queue => (last + 1, 0),
            };
            if missed > 0 {
                self.figures.skipped(missed);
                self.cell.skipped(missed);
            }
            let due = start + due_after(interval, next);
            self.cell.next(began.checked_add(due_after(interval, next)));
            if self.sleep_until(due).await == Woken::Ordered {
                return;
            }
            self.tick(due).await;
            if self.is_done_after_one() {
                return;
            }
            last = next;
        }
    }

    #[cfg(feature = "cron")]
    async fn cron(&mut self, expression: &str, zone: Option<&str>) {
        // The expression was checked before the start.
        let Ok(cron) = super::schedule::Cron::parse(expression, zone) else { return self.ordered().await };
        let mut now = self.core.clock.now();
        while let Some(next) = cron.next_after(now) {
            // In naps, so that a clock that is set, or a machine that slept, delays a tick by one nap at most.
            loop {
                let left = next.duration_since(self.core.clock.now()).unwrap_or_default();
                let due = Instant::now() + left;
                self.cell.next(Some(next));
                if self.sleep_until(Instant::now() + left.min(LONGEST_NAP)).await == Woken::Ordered {
                    return;
                }
                if self.core.clock.now() >= next {
                    self.tick(due).await;
                    break;
                }
            }
            if self.is_done_after_one() {
                return;
            }
            now = self.core.clock.now().max(next);
            if self.plan.overlap == Overlap::Queue {
                now = next;
            }
        }
        self.note_next(None);
        self.ordered().await;
    }

    #[cfg(not(feature = "cron"))]
    async fn cron(&mut self, _expression: &str, _zone: Option<&str>) {
        // Refused before the start.
        self.ordered().await;
    }

    /// Runs the method once.
    async fn tick(&mut self, due: Instant) {
        if !self.plan.jitter.is_zero() {
            tokio::time::sleep(self.plan.jitter.mul_f64(fastrand::f64())).await;
        }
        let name = self.plan.id.name();
        let late = due.elapsed();
        self.figures.late(late);
        let work = (self.plan.run)(self.cx.clone());
        // What went wrong, a panic too, is on the line that ends the unit of work.
        let result = Unit::new(Kind::Tick).in_scope(&self.core.scope).name(name).run(work).await;
        self.cell.ran(result.as_ref().err());
        if let Err(error) = result {
            self.core.events.emit(EventKind::TaskEnded { task: name, error: Some(format!("{error:#}")) });
        }
    }

    fn is_done_after_one(&self) -> bool {
        if self.plan.one_shot {
            // Not an order: one that came in during the tick must be seen.
            self.plan.control.lock().is_enabled = false;
        }
        self.plan.one_shot
    }

    fn note_next(&self, next: Option<SystemTime>) {
        self.cell.next(next);
    }

    /// Waits until `due`, unless an order comes first.
    async fn sleep_until(&mut self, due: Instant) -> Woken {
        self.sleep.as_mut().reset(due);
        let Self { plan, sleep, version, .. } = self;
        Wait { control: &plan.control, version: *version, sleep: Some(sleep.as_mut()) }.await
    }

    /// Waits for the next order.
    async fn ordered(&mut self) {
        Wait { control: &self.plan.control, version: self.version, sleep: None }.await;
    }
}

/// Completes with an order, or when the sleep is over.
struct Wait<'a> {
    control: &'a TimerControl,
    version: u64,
    sleep: Option<Pin<&'a mut Sleep>>,
}

impl Future for Wait<'_> {
    type Output = Woken;

    fn poll(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Woken> {
        // Registered before the look: an order in between wakes again.
        self.control.waker.register(cx.waker());
        if self.control.version.load(Ordering::Acquire) != self.version {
            return Poll::Ready(Woken::Ordered);
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx).map(|()| Woken::Due),
            None => Poll::Pending,
        }
    }
}
