//! A method that runs by a schedule: what it is told, and when its next tick is due.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Overlap, Schedule, TaskCell, TaskState, TimerId, TimerSettings,
    moment::{Clocks, Moment, nanos},
    schedule::next_tick,
    timers::Inbox,
};
use crate::{
    blueprint::Run,
    leadership::{Leadership, Office, Shift},
    lifecycle::Core,
    metrics::framework::TimerFigures,
};

/// How long a timer sleeps at most, when it follows the calendar: clocks are set, machines are suspended.
#[cfg(feature = "cron")]
const LONGEST_NAP: u64 = 30_000_000_000;

/// A timer of the service, ready to run.
pub(crate) struct TimerPlan {
    pub(crate) id: TimerId,
    pub(crate) run: Run,
    pub(crate) one_shot: bool,
    pub(crate) immediate: bool,
    pub(crate) overlap: Overlap,
    pub(crate) jitter: Duration,
    pub(crate) control: Arc<TimerControl>,
    /// What it is elected to, if it ticks on the replica that leads.
    pub(crate) office: Option<Arc<Office>>,
}

/// What a timer is told while it runs.
pub(crate) struct TimerControl {
    /// What its attribute says.
    written: Schedule,
    autostart: bool,
    wanted: Mutex<Wanted>,
    /// Grows with every order, so that the timer sees it without the lock.
    version: AtomicU64,
    /// Where the timer hears of orders, once it runs, and its number there.
    inbox: OnceLock<(Arc<Inbox>, usize)>,
}

#[derive(Clone)]
struct Wanted {
    is_enabled: bool,
    /// No more ticks; a tick that runs goes on to its end.
    is_over: bool,
    schedule: Schedule,
    /// That this replica leads, for a timer that needs it.
    term: Option<Leadership>,
    /// When it was ordered; `None` if nobody did.
    since: Option<Instant>,
}

impl TimerControl {
    /// The control of a timer whose attribute says `written` and `autostart`, and its settings perhaps otherwise.
    pub(crate) fn new(settings: &TimerSettings, written: Schedule, autostart: bool) -> Arc<Self> {
        let (is_enabled, schedule) = (settings.enabled.unwrap_or(autostart), settings.schedule(&written));
        Arc::new(Self {
            written,
            autostart,
            wanted: Mutex::new(Wanted { is_enabled, is_over: false, schedule, term: None, since: None }),
            version: AtomicU64::new(0),
            inbox: OnceLock::new(),
        })
    }

    /// The schedule of its attribute.
    pub(crate) fn written(&self) -> &Schedule {
        &self.written
    }

    /// Follows changed settings; what was said to it at run time of the others stays.
    pub(crate) fn reconfigure(&self, settings: &TimerSettings, changed: &[String]) {
        self.order(|wanted| {
            if changed.iter().any(|name| name == "enabled") {
                wanted.is_enabled = settings.enabled.unwrap_or(self.autostart);
            }
            // Whether it is led is decided at the start.
            if changed.iter().any(|name| !["enabled", "leader"].contains(&name.as_str())) {
                wanted.schedule = settings.schedule(&self.written);
            }
        });
    }

    /// Lets it tick because this replica leads; or not any more.
    pub(crate) fn lead(&self, term: Option<Leadership>) {
        self.order(|wanted| wanted.term = term);
    }

    /// Ends the timer after the tick that may be running.
    pub(crate) fn end(&self) {
        self.order(|wanted| wanted.is_over = true);
    }

    /// Says where orders are heard from now on.
    pub(super) fn listen(&self, inbox: &Arc<Inbox>, number: usize) {
        let _ = self.inbox.set((Arc::clone(inbox), number));
    }

    fn order(&self, change: impl FnOnce(&mut Wanted)) {
        {
            let mut wanted = self.lock();
            change(&mut wanted);
            wanted.since = Some(Instant::now());
        }
        self.version.fetch_add(1, Ordering::Release);
        if let Some((inbox, number)) = self.inbox.get() {
            inbox.put(*number);
        }
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

/// What a timer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Its first tick, at once.
    Tick,
    /// It looks again then, in nanoseconds since the timers began: a tick is due, or the calendar is to be asked.
    At(u64),
    /// Nothing, until it is told something.
    Wait,
    /// Nothing ever again.
    End,
}

/// A timer that runs, between two ticks or in one.
pub(super) struct Timer {
    pub(super) plan: TimerPlan,
    pub(super) cell: Arc<TaskCell>,
    pub(super) figures: TimerFigures,
    pub(super) is_ticking: bool,
    /// Whether an order came while it was ticking.
    pub(super) is_told: bool,
    /// Whether its last tick was over at once.
    pub(super) is_quick: bool,
    /// Grows when what was planned does not count any more.
    pub(super) round: u32,
    is_first: bool,
    /// The term of office in which it ticks.
    pub(super) term: Option<Leadership>,
    /// The last order that was seen.
    version: u64,
    pace: Pace,
}

/// Where a timer is in its schedule; times are nanoseconds.
enum Pace {
    Off,
    /// The tick that came before the schedule.
    AtOnce(Box<Schedule>),
    Every {
        interval: u64,
        /// Since the timers began.
        start: u64,
        /// The number of the last tick, or of the one that is planned.
        tick: u64,
    },
    #[cfg(feature = "cron")]
    Cron {
        cron: Box<super::schedule::Cron>,
        /// By the time of day.
        next: u64,
        /// The same with the jitter.
        due: u64,
    },
}

impl Timer {
    pub(super) fn new(plan: TimerPlan, core: &Core) -> Self {
        let name = plan.id.name();
        Self {
            cell: core.tasks.cell(name),
            figures: core.figures.timer(name),
            plan,
            is_ticking: false,
            is_told: false,
            is_quick: false,
            round: 0,
            is_first: true,
            term: None,
            version: 0,
            pace: Pace::Off,
        }
    }

    /// Whether something was ordered that it does not follow yet.
    pub(super) fn has_order(&self) -> bool {
        self.plan.control.version.load(Ordering::Acquire) != self.version
    }

    /// Follows the newest order.
    pub(super) fn follow(&mut self, now: Moment, clocks: &Clocks) -> Next {
        self.is_told = false;
        self.version = self.plan.control.version.load(Ordering::Acquire);
        let wanted = self.plan.control.lock().clone();
        self.round = self.round.wrapping_add(1);
        self.pace = Pace::Off;
        if wanted.is_over {
            return Next::End;
        }
        if self.plan.office.is_some() && !self.is_elected(wanted.term) {
            self.cell.enter(TaskState::Standby);
            return self.wait();
        }
        if !wanted.is_enabled {
            return self.wait();
        }
        if std::mem::take(&mut self.is_first) && self.plan.immediate {
            self.pace = Pace::AtOnce(Box::new(wanted.schedule));
            return Next::Tick;
        }
        // Before the timers began counts as when they did.
        self.begin(wanted.schedule, wanted.since.map_or(0, |since| clocks.at(since)), now)
    }

    /// Whether this replica leads; its schedule begins anew with each election.
    fn is_elected(&mut self, term: Option<Leadership>) -> bool {
        let is_same = |term: &Leadership| self.term.as_ref().is_some_and(|before| before.is(term));
        if term.as_ref().is_some_and(|term| !is_same(term)) {
            self.is_first = true;
            self.cell.enter(TaskState::Waiting);
        }
        self.term = term;
        self.term.is_some()
    }

    /// Plans the tick after one that has ended.
    pub(super) fn go_on(&mut self, now: Moment) -> Next {
        if self.plan.one_shot {
            self.pace = Pace::Off;
        }
        match std::mem::replace(&mut self.pace, Pace::Off) {
            Pace::Off => self.wait(),
            Pace::AtOnce(schedule) => self.begin(*schedule, now.at, now),
            Pace::Every { interval, start, tick } => self.every(interval, start, tick, now),
            #[cfg(feature = "cron")]
            Pace::Cron { cron, next, .. } => {
                let after = if self.plan.overlap == Overlap::Queue { next } else { now.unix.max(next) };
                self.cron(cron, after, now)
            }
        }
    }

    /// Whether a tick may begin, for a timer that ticks on the replica that leads: what it is done in.
    pub(super) fn shift(&self) -> Option<(Leadership, Shift)> {
        let term = self.term.clone()?;
        let shift = self.plan.office.as_ref()?.begin(&term)?;
        Some((term, shift))
    }

    /// Notes that a tick begins.
    pub(super) fn begin_tick(&mut self) {
        self.is_ticking = true;
        if self.plan.one_shot {
            // Now and not at its end: whoever starts it again meanwhile is heard.
            self.plan.control.lock().is_enabled = false;
        }
    }

    /// When the calendar says that it is not time yet, when to look again.
    #[cfg_attr(not(feature = "cron"), expect(unused_variables, reason = "only the calendar needs naps"))]
    pub(super) fn nap(&self, now: Moment) -> Option<u64> {
        match &self.pace {
            #[cfg(feature = "cron")]
            Pace::Cron { due, .. } if *due > now.unix => Some(now.at + (due - now.unix).min(LONGEST_NAP)),
            _ => None,
        }
    }

    fn begin(&mut self, schedule: Schedule, since: u64, now: Moment) -> Next {
        match schedule {
            Schedule::Every(interval) => self.every(nanos(interval), since, 0, now),
            #[cfg(feature = "cron")]
            Schedule::Cron { expression, zone } => {
                // The expression was checked before the start.
                match super::schedule::Cron::parse(&expression, zone.as_deref()) {
                    Ok(cron) => self.cron(Box::new(cron), now.unix, now),
                    Err(_) => self.wait(),
                }
            }
            // Refused before the start.
            #[cfg(not(feature = "cron"))]
            Schedule::Cron { .. } => self.wait(),
        }
    }

    fn every(&mut self, interval: u64, start: u64, last: u64, now: Moment) -> Next {
        let (tick, missed) = match self.plan.overlap {
            Overlap::Skip => next_tick(now.at.saturating_sub(start), interval, last),
            Overlap::Queue => (last + 1, 0),
        };
        if missed > 0 {
            self.figures.skipped(missed);
            self.cell.skipped(missed);
        }
        let due = start.saturating_add(interval.saturating_mul(tick));
        self.cell.next(now.unix_at(due));
        self.pace = Pace::Every { interval, start, tick };
        Next::At(due.saturating_add(self.jitter()))
    }

    #[cfg(feature = "cron")]
    fn cron(&mut self, cron: Box<super::schedule::Cron>, after: u64, now: Moment) -> Next {
        use super::moment::{time, unix};

        let Some(next) = cron.next_after(time(after)).map(unix) else { return self.wait() };
        self.cell.next(next);
        self.pace = Pace::Cron { cron, next, due: next.saturating_add(self.jitter()) };
        Next::At(self.nap(now).unwrap_or(now.at))
    }

    /// How much later than its schedule says the next tick begins.
    fn jitter(&self) -> u64 {
        if self.plan.jitter.is_zero() { 0 } else { nanos(self.plan.jitter.mul_f64(fastrand::f64())) }
    }

    fn wait(&self) -> Next {
        self.cell.next(0);
        Next::Wait
    }
}
