//! All timers of a service: one queue ordered by time, one sleep, one task that keeps both.
//!
//! A tick that was over at once the last time is run where the queue is kept, which costs less than a task and a wake-up
//! of its own. The first tick, and the one after a tick that had to wait or took longer than [`QUICK`], gets a task, so
//! that it delays no other timer.

use std::{
    future::{Future, poll_fn},
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures_util::{FutureExt, task::AtomicWaker};
use tokio::{
    task::JoinSet,
    time::{Instant, Sleep},
};

use super::{
    TaskState, TimerPlan,
    moment::{Clocks, Moment, nanos},
    queue::{Entry, Queue},
    timer::{Next, Timer},
};
use crate::{
    Context, Result,
    lifecycle::{Core, EventKind, Place},
    unit::{Kind, Unit},
};

/// A tick that took no longer than this is run in place the next time.
const QUICK: Duration = Duration::from_micros(100);

const MILLISECOND: u64 = 1_000_000;

/// So many ticks in a row, then whatever else is ready has its turn.
const IN_A_ROW: usize = 256;

/// Where the timers hear of orders.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Numbers of timers.
    orders: Mutex<Vec<usize>>,
    is_empty: AtomicBool,
    waker: AtomicWaker,
}

impl Inbox {
    /// There is an order for the timer with this number.
    pub(super) fn put(&self, number: usize) {
        {
            let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            orders.push(number);
            self.is_empty.store(false, Ordering::Release);
        }
        self.waker.wake();
    }

    fn take(&self) -> Vec<usize> {
        if self.is_empty.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_empty.store(true, Ordering::Release);
        mem::take(&mut *orders)
    }
}

/// Runs the timers until the last one has ended, and the last tick with it.
pub(crate) async fn run(plans: Vec<TimerPlan>, core: Arc<Core>) {
    let clocks = Clocks::new(core.clock);
    let timers: Vec<Timer> = plans.into_iter().map(|plan| Timer::new(plan, &core)).collect();
    let mut timers = Timers {
        alive: timers.len(),
        queue: Queue::default(),
        clocks,
        due: Vec::new(),
        timers,
        inbox: Arc::default(),
        ticks: JoinSet::new(),
        core,
    };
    timers.begin();
    timers.keep().await;
}

struct Timers {
    core: Arc<Core>,
    timers: Vec<Timer>,
    /// How many have not ended.
    alive: usize,
    queue: Queue,
    clocks: Clocks,
    /// Taken out of the queue, the last one first.
    due: Vec<Entry>,
    inbox: Arc<Inbox>,
    /// Ticks in tasks of their own.
    ticks: JoinSet<Ended>,
}

/// A tick that has ended.
struct Ended {
    number: usize,
    /// `None` where it was dropped, because this replica does not lead any more.
    result: Option<Result<()>>,
    is_quick: bool,
}

impl Timers {
    fn begin(&mut self) {
        for number in 0..self.timers.len() {
            self.timers[number].plan.control.listen(&self.inbox, number);
            self.follow(number);
        }
    }

    async fn keep(&mut self) {
        let mut sleep = Box::pin(tokio::time::sleep_until(Instant::now()));
        loop {
            for number in self.inbox.take() {
                let timer = &mut self.timers[number];
                if timer.is_ticking {
                    // A tick that runs is not disturbed.
                    timer.is_told = true;
                } else if timer.has_order() {
                    self.follow(number);
                }
            }
            let is_all = self.tick_what_is_due();
            if self.alive == 0 && self.ticks.is_empty() && self.due.is_empty() {
                return;
            }
            if is_all {
                self.wait(sleep.as_mut()).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for an order, the end of a tick, or the next one that is due.
    async fn wait(&mut self, mut sleep: Pin<&mut Sleep>) {
        let now = self.clocks.at(Instant::now());
        // The runtime sleeps to a full millisecond, and the system up to one more. So to sleep until now is long enough for
        // what is due within one, and not too long.
        let next = self.queue.next_due().map(|due| if due < now + MILLISECOND { now + 1 } else { due });
        let next = next.map(|next| self.clocks.instant(next));
        if let Some(next) = next.filter(|next| *next != sleep.deadline()) {
            sleep.as_mut().reset(next);
        }
        let ended = poll_fn(|cx| {
            // Registered before the look: an order in between wakes again.
            self.inbox.waker.register(cx.waker());
            if !self.inbox.is_empty.load(Ordering::Acquire) {
                return Poll::Ready(None);
            }
            if let Poll::Ready(Some(ended)) = self.ticks.poll_join_next(cx) {
                // A tick catches its own panics, so only a runtime that is torn down takes one away.
                return Poll::Ready(ended.ok());
            }
            match next {
                Some(_) => sleep.as_mut().poll(cx).map(|()| None),
                None => Poll::Pending,
            }
        });
        if let Some(ended) = ended.await {
            let now = self.now();
            self.ended(ended, now);
        }
    }

    /// Whether there is nothing left that is due.
    fn tick_what_is_due(&mut self) -> bool {
        let mut now = self.now();
        if self.due.is_empty() {
            self.queue.take_due(now.at, &mut self.due);
            self.due.reverse();
            // Each timer lies elsewhere in memory: what all of them need is fetched at once, not tick by tick.
            let timers = &self.timers;
            self.due.retain(|entry| timers[entry.number as usize].round == entry.round);
            self.due.iter().for_each(|entry| timers[entry.number as usize].cell.enter(TaskState::Running));
        }
        for _ in 0..IN_A_ROW {
            let Some(Entry { due, number, round }) = self.due.pop() else { return true };
            let number = number as usize;
            let timer = &self.timers[number];
            if timer.is_ticking {
                continue;
            }
            match timer.nap(now) {
                // An order came while it was waiting for its turn.
                _ if timer.round != round => timer.cell.enter(TaskState::Waiting),
                Some(nap) => {
                    timer.cell.enter(TaskState::Waiting);
                    self.plan(number, Next::At(nap), now);
                }
                None => now = self.tick(number, due, now),
            }
        }
        false
    }

    fn follow(&mut self, number: usize) {
        let now = self.now();
        let next = self.timers[number].follow(now, &self.clocks);
        self.plan(number, next, now);
    }

    fn plan(&mut self, number: usize, next: Next, now: Moment) {
        match next {
            Next::At(due) => {
                // Orders leave void entries behind; they never outnumber the others for long.
                if self.queue.len() > 2 * self.timers.len() {
                    let timers = &self.timers;
                    self.queue.retain(|entry| timers[entry.number as usize].round == entry.round);
                }
                let round = self.timers[number].round;
                self.queue.push(Entry { due, number: number as u32, round });
            }
            Next::Tick => {
                self.tick(number, now.at, now);
            }
            Next::Wait => {}
            Next::End => self.alive -= 1,
        }
    }

    /// Begins a tick, and ends it where it needs no waiting; gives back what time it is then.
    fn tick(&mut self, number: usize, due: u64, now: Moment) -> Moment {
        if self.timers[number].plan.office.is_some() {
            self.lead(number, due, now);
            return now;
        }
        let core = &self.core;
        let timer = &mut self.timers[number];
        timer.figures.late(Duration::from_nanos(now.at.saturating_sub(due)));
        timer.cell.enter(TaskState::Running);
        timer.begin_tick();
        let name = timer.plan.id.name();
        let work = (timer.plan.run)(Context::new(Arc::clone(core), Place::Work(name)));
        // What went wrong, a panic too, is on the line that ends the unit of work.
        let mut tick = Unit::new(Kind::Tick).in_scope(&core.scope).name(name).run(work);
        if timer.is_quick {
            let result = (&mut tick).now_or_never();
            let after = self.clocks.after(now);
            if let Some(result) = result {
                let is_quick = after.at - now.at <= nanos(QUICK);
                self.ended(Ended { number, result: Some(result), is_quick }, after);
                return after;
            }
        }
        self.ticks.spawn(async move {
            let began = Instant::now();
            let result = Some(tick.await);
            Ended { number, result, is_quick: began.elapsed() <= QUICK }
        });
        now
    }

    /// Begins a tick that only one replica may do, if this is the one; it is dropped when it is not any more.
    fn lead(&mut self, number: usize, due: u64, now: Moment) {
        let core = &self.core;
        let timer = &mut self.timers[number];
        let Some((term, shift)) = timer.shift() else {
            // The order that says so is on its way.
            timer.cell.next(0);
            return timer.cell.enter(TaskState::Standby);
        };
        timer.figures.late(Duration::from_nanos(now.at.saturating_sub(due)));
        timer.cell.enter(TaskState::Running);
        timer.begin_tick();
        let name = timer.plan.id.name();
        let cx = Context::new(Arc::clone(core), Place::Work(name)).leading(Some(term.clone()));
        let tick = Unit::new(Kind::Tick).in_scope(&core.scope).name(name).run((timer.plan.run)(cx));
        self.ticks.spawn(async move {
            let result = term.hold(tick).await;
            drop(shift);
            Ended { number, result, is_quick: false }
        });
    }

    fn ended(&mut self, ended: Ended, now: Moment) {
        let Ended { number, result, is_quick } = ended;
        let timer = &mut self.timers[number];
        timer.is_quick = is_quick;
        timer.is_ticking = false;
        timer.cell.enter(TaskState::Waiting);
        if let Some(result) = &result {
            timer.cell.ran_at(result.as_ref().err(), now.unix);
        }
        if let Some(Err(error)) = result {
            let (task, error) = (timer.plan.id.name(), Some(format!("{error:#}")));
            self.core.events.emit(EventKind::TaskEnded { task, error });
        }
        // An order is in the inbox, unless it was taken out while the tick ran.
        let may_be_told = timer.is_told || !self.inbox.is_empty.load(Ordering::Acquire);
        let next = match may_be_told && timer.has_order() {
            true => timer.follow(now, &self.clocks),
            false => timer.go_on(now),
        };
        self.plan(number, next, now);
    }

    fn now(&self) -> Moment {
        self.clocks.now()
    }
}
