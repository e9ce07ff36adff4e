//! What every service tells about itself, under the same names, so that one dashboard fits all of them.
//!
//! | figure | type | labels |
//! | --- | --- | --- |
//! | `chassis_resource_state` | gauge, 0 to 5 | `resource` |
//! | `chassis_restarts_total` | counter | `kind`, `name` |
//! | `chassis_work_in_flight` | gauge | `kind` |
//! | `chassis_work_total` | counter | `kind`, `outcome` |
//! | `chassis_settings_changes_total` | counter | `outcome`: `applied`, `refused` |
//! | `chassis_timer_lateness_seconds` | histogram | `timer` |
//! | `chassis_timer_skipped_total` | counter | `timer` |
//! | `chassis_leader` | gauge, 1 or 0 | `task` |
//! | `chassis_elections_total` | counter | `task` |
//! | `chassis_event_loop_lag_seconds` | histogram | |
//! | `chassis_log_lines_dropped_total` | counter | |
//! | `chassis_build_info` | gauge, always 1 | `service`, `version`, `chassis` |
//! | `chassis_metrics_overflow_total` | counter, once there is one | `meter` |
//!
//! Beside them stand the figures of the process, by the names that all Prometheus clients use.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    Counter, CounterHandle, Gauge, GaugeHandle, Histogram, HistogramHandle, Labels, MeterOptions, Metrics, Tracked,
    options::RegisterIn, registry::Registry,
};
use crate::logging::Logs;

/// Bounds in seconds for what should be next to nothing.
const DELAYS: [f64; 13] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
/// How often the event loop is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Handles to the figures of the framework; a clone counts into the same ones.
#[derive(Debug, Clone)]
pub struct Framework(Arc<Figures>);

#[derive(Debug)]
struct Figures {
    resource_state: Gauge<OfResource<'static>>,
    restarts: Counter<OfRestarts<'static>>,
    in_flight: Gauge<OfKind<'static>>,
    work: Counter<OfWork<'static>>,
    timer_lateness: Histogram<OfTimer<'static>>,
    timer_skipped: Counter<OfTimer<'static>>,
    leader: Gauge<OfTask<'static>>,
    elections: Counter<OfTask<'static>>,
    event_loop_lag: Histogram,
    settings: Counter<OfOutcome<'static>>,
    build: Gauge<OfBuild<'static>>,
}

#[derive(Labels)]
struct OfResource<'a> {
    resource: &'a str,
}

#[derive(Labels)]
struct OfRestarts<'a> {
    kind: &'a str,
    name: &'a str,
}

#[derive(Labels)]
struct OfKind<'a> {
    kind: &'a str,
}

#[derive(Labels)]
struct OfWork<'a> {
    kind: &'a str,
    outcome: &'a str,
}

#[derive(Labels)]
struct OfOutcome<'a> {
    outcome: &'a str,
}

#[derive(Labels)]
struct OfTimer<'a> {
    timer: &'a str,
}

#[derive(Labels)]
struct OfTask<'a> {
    task: &'a str,
}

#[derive(Labels)]
struct OfBuild<'a> {
    service: &'a str,
    version: &'a str,
    chassis: &'a str,
}

impl Framework {
    /// The figures of a service.
    pub fn new(metrics: &Metrics) -> Self {
        metrics.framework().clone()
    }

    pub(super) fn register(registry: &Registry) -> Self {
        let make = Make(registry);
        let seconds = |name, help| MeterOptions::new(name, help).unit("seconds").buckets(DELAYS);
        Self(Arc::new(Figures {
            resource_state: make.meter(MeterOptions::new(
                "chassis_resource_state",
                "State of a resource: 0 not started, 1 connecting, 2 started, 3 stopping, 4 stopped, 5 failed.",
            )),
            restarts: make.meter(MeterOptions::new(
                "chassis_restarts",
                "Restarts of a resource, task or thread after it failed.",
            )),
            in_flight: make.meter(MeterOptions::new(
                "chassis_work_in_flight",
                "Requests, messages, jobs and ticks being worked on.",
            )),
            work: make.meter(MeterOptions::new("chassis_work", "Requests, messages, jobs and ticks that have ended.")),
            timer_lateness: make
                .meter(seconds("chassis_timer_lateness", "How long after its time a tick began.").max_series(200)),
            timer_skipped: make
                .meter(MeterOptions::new("chassis_timer_skipped", "Ticks left out because the timer was behind.")),
            leader: make.meter(MeterOptions::new("chassis_leader", "Whether this replica leads a task or timer.")),
            elections: make.meter(MeterOptions::new(
                "chassis_elections",
                "How often this replica was elected to lead a task or timer.",
            )),
            event_loop_lag: make
                .meter(seconds("chassis_event_loop_lag", "How long a task that is ready waits to run.")),
            settings: make.meter(MeterOptions::new(
                "chassis_settings_changes",
                "Changes of the settings while the service runs: applied, or refused.",
            )),
            build: make.meter(MeterOptions::new("chassis_build_info", "Always 1; the labels say what is running.")),
        }))
    }

    /// Says what is running.
    pub fn build(&self, service: &str, version: &str) {
        self.0.build.with(&OfBuild { service, version, chassis: env!("CARGO_PKG_VERSION") }).set(1);
    }

    /// The settings were changed, with this outcome: `applied` or `refused`.
    pub fn settings_changed(&self, outcome: &str) {
        self.0.settings.with(&OfOutcome { outcome }).inc();
    }

    /// A resource is in another state, by the number of the state.
    pub fn resource_state(&self, resource: &str, state: u8) {
        self.0.resource_state.with(&OfResource { resource }).set(state);
    }

    /// A resource was restarted.
    pub fn resource_restarted(&self, name: &str) {
        self.restarted("resource", name);
    }

    /// A task was restarted.
    pub fn task_restarted(&self, name: &str) {
        self.restarted("task", name);
    }

    /// This replica leads a task or timer from now on.
    #[cfg_attr(not(feature = "etcd"), expect(dead_code, reason = "nobody is elected without etcd"))]
    pub(crate) fn elected(&self, task: &str) {
        self.0.elections.with(&OfTask { task }).inc();
        self.leader(task, true);
    }

    /// Whether this replica leads a task or timer.
    pub(crate) fn leader(&self, task: &str, is_leader: bool) {
        self.0.leader.with(&OfTask { task }).set(u8::from(is_leader));
    }

    /// Something that has restarts was restarted.
    pub fn restarted(&self, kind: &str, name: &str) {
        self.0.restarts.with(&OfRestarts { kind, name }).inc();
    }

    /// The figures of a kind of work (`request`, `message`, `job`, `tick`), to be kept by who does it.
    pub fn work(&self, kind: &'static str) -> WorkFigures {
        WorkFigures { kind, in_flight: self.0.in_flight.handle(&OfKind { kind }), figures: self.0.clone() }
    }

    /// The figures of a timer, to be kept by it.
    pub fn timer(&self, timer: &str) -> TimerFigures {
        let labels = OfTimer { timer };
        TimerFigures { lateness: self.0.timer_lateness.handle(&labels), skipped: self.0.timer_skipped.handle(&labels) }
    }

    /// Watches how long a ready task waits; runs for ever.
    ///
    /// The clock of the event loop ticks in milliseconds, so up to two of them are no lag. Where a loop is blocked, so
    /// is this; what it missed shows as one long lag afterwards.
    pub fn watch_event_loop(&self) -> impl Future<Output = ()> + Send + use<> {
        let lag = self.0.event_loop_lag.clone();
        async move {
            loop {
                let due = Instant::now() + LOOK_EVERY;
                tokio::time::sleep_until(due).await;
                lag.record(due.elapsed());
            }
        }
    }
}

/// Exports how many lines the logs of a service have dropped.
#[expect(clippy::cast_precision_loss, reason = "exporters send doubles")]
pub(crate) fn observe_logs(metrics: &Metrics, logs: &Logs) {
    let options = MeterOptions::new("chassis_log_lines_dropped", "Log lines lost because a sink was full or failed.");
    let logs = logs.clone();
    let observed = metrics.observe_counter(options.without_prefix(), move || logs.dropped() as f64);
    debug_assert!(observed.is_ok(), "nothing else has this name");
}

/// The figures of one kind of work.
#[derive(Debug, Clone)]
pub struct WorkFigures {
    kind: &'static str,
    in_flight: GaugeHandle,
    figures: Arc<Figures>,
}

impl WorkFigures {
    /// Work begins; it is in flight until the guard is dropped.
    pub fn begin(&self) -> Tracked {
        self.in_flight.track()
    }

    /// Work has ended, for example `ok`, `error`, `panic`, `timeout`, `cancelled`.
    pub fn ended(&self, outcome: &str) {
        self.figures.work.with(&OfWork { kind: self.kind, outcome }).inc();
    }

    /// The counter of an outcome, to be kept where counting has to be quick.
    pub fn outcome(&self, outcome: &str) -> CounterHandle {
        self.figures.work.handle(&OfWork { kind: self.kind, outcome })
    }

    /// How much is in flight, for who has no place for a guard.
    pub fn in_flight(&self) -> &GaugeHandle {
        &self.in_flight
    }
}

/// The figures of one timer.
#[derive(Debug, Clone)]
pub struct TimerFigures {
    lateness: HistogramHandle,
    skipped: CounterHandle,
}

impl TimerFigures {
    /// A tick began so long after its time.
    #[inline]
    pub fn late(&self, late: Duration) {
        self.lateness.record(late);
    }

    /// So many ticks were left out.
    pub fn skipped(&self, ticks: u64) {
        self.skipped.add(ticks);
    }
}

/// Makes meters that no service has yet, so that nothing can contradict them.
struct Make<'a>(&'a Registry);

impl Make<'_> {
    fn meter<M: RegisterIn + Default>(&self, options: MeterOptions) -> M {
        let made = M::register_in(self.0, options.without_prefix());
        debug_assert!(made.is_ok(), "the framework's own meters do not contradict each other");
        made.unwrap_or_default()
    }
}
