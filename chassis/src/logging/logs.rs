//! The logs of one service: what the front ends and the runtime give their lines to.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::Instant;
use tracing_core::Level;

use super::{
    field_name::FieldName,
    format::Format,
    gate::Gate,
    levels::{Levels, LogLevel},
    record::{Fields, Line, Origin, Record, Said},
    settings::{LogFormat, LoggingSettings, Profile},
    sink::{Memory, Sink, Stdout},
    timestamp::Timestamp,
    value::Value,
};
use crate::unit::{Ids, Kind};

/// The logs of one service; clones are the same logs.
///
/// A line costs its formatting and a copy into a queue; whoever logs never waits for whoever reads.
#[derive(Clone)]
pub struct Logs {
    inner: Arc<Inner>,
}

struct Inner {
    gate: Arc<Gate>,
    config: ArcSwap<Config>,
    /// What the two above are made from; locked while they change.
    choices: Mutex<Choices>,
    dropped: AtomicU64,
    /// How many of the dropped ones no line has told of yet.
    untold: AtomicU64,
}

/// What a line needs to know; replaced as a whole when something changes.
struct Config {
    levels: Levels,
    origin: Origin,
    profile: Profile,
    sinks: Vec<Arc<dyn Sink>>,
}

struct Choices {
    service: Box<str>,
    deploy_name: Box<str>,
    settings: LoggingSettings,
    /// Levels set at run time; they win over the settings.
    overrides: BTreeMap<String, LogLevel>,
    memory: Option<Arc<Memory>>,
}

impl Logs {
    /// Logging before the settings are known: from info on, text on a terminal and otherwise JSON.
    pub fn provisional(service: &str) -> Self {
        Self::open(service, None)
    }

    /// Logs that print nothing and keep their records in memory, for tests.
    pub fn captured_for(service: &str) -> Self {
        Self::open(service, Some(Arc::default()))
    }

    /// Follows the settings from now on; levels set at run time stay.
    pub fn configure(&self, settings: &LoggingSettings) {
        self.change(|choices| choices.settings = settings.clone());
    }

    /// Says which deployment every later line belongs to.
    pub fn set_deploy_name(&self, name: &str) {
        self.change(|choices| choices.deploy_name = name.into());
    }

    /// Logs a target, and what lies below it, from another level on; `root` means everything that no name covers.
    pub fn set_level(&self, target: &str, level: LogLevel) {
        self.change(|choices| {
            choices.overrides.insert(target.into(), level);
        });
    }

    /// Takes back what [`set_level`](Self::set_level) said of a target.
    pub fn reset_level(&self, target: &str) {
        self.change(|choices| {
            choices.overrides.remove(target);
        });
    }

    /// The levels by target, `root` among them.
    pub fn levels(&self) -> BTreeMap<String, LogLevel> {
        self.inner.gate.levels().named().clone()
    }

    /// What the service runs for.
    pub fn profile(&self) -> Profile {
        self.inner.config.load().profile
    }

    /// Whether a target is logged at a level; to be asked before fields are put together.
    pub fn is_enabled(&self, level: Level, target: &str) -> bool {
        self.inner.gate.is_enabled(level, target)
    }

    /// Whether the canonical lines of units of that kind are logged at a level.
    pub(crate) fn tells(&self, level: Level, kind: Kind) -> bool {
        self.inner.gate.tells(level, kind)
    }

    /// Says a line directly, if its level is logged.
    pub fn line(&self, line: &Line<'_>) {
        self.say(line, Timestamp::now);
    }

    /// As [`line`](Self::line), for who has just looked at the clock: `now` has to be the present moment.
    pub fn line_at(&self, now: Instant, line: &Line<'_>) {
        self.say(line, || Timestamp::at(now.into_std()));
    }

    /// Waits until every line said so far has left the process; `false` if the time was not enough.
    pub fn flush(&self, timeout: Duration) -> bool {
        let config = self.inner.config.load_full();
        self.tell_of_dropped(&config);
        let mut is_flushed = true;
        for sink in &config.sinks {
            is_flushed &= sink.flush(timeout);
        }
        is_flushed
    }

    /// How many lines were dropped because a queue was full, or because its destination failed.
    pub fn dropped(&self) -> u64 {
        let lost: u64 = self.inner.config.load().sinks.iter().map(|sink| sink.lost()).sum();
        self.inner.dropped.load(Ordering::Relaxed) + lost
    }

    /// Keeps records in memory from now on instead of printing them.
    pub fn capture(&self) {
        self.change(|choices| {
            choices.memory.get_or_insert_default();
        });
    }

    /// The records captured so far, oldest first, as the JSON format writes them; none where nothing is captured.
    pub fn captured(&self) -> Vec<serde_json::Value> {
        self.memory().map(|memory| memory.records()).unwrap_or_default()
    }

    /// Waits for a captured record that `is_it` says yes to; one that is there already counts.
    pub async fn wait_for(&self, is_it: impl FnMut(&serde_json::Value) -> bool) -> serde_json::Value {
        match self.memory() {
            Some(memory) => memory.wait_for(is_it).await,
            None => std::future::pending().await,
        }
    }

    /// Gives a record to the sinks; whether it is wanted was decided before.
    pub(crate) fn write(
        &self,
        level: Level,
        target: &str,
        place: Option<(&str, u32)>,
        unit: Option<&Ids>,
        fields: &dyn Fields,
    ) {
        let (config, said) = (self.inner.config.load(), Said::Visited(fields));
        let (time, origin) = (Timestamp::now(), &config.origin);
        self.give(&config, Record { time, level, target, place, origin, unit, said });
    }

    fn say(&self, line: &Line<'_>, time: impl FnOnce() -> Timestamp) {
        let Line { level, target, unit, .. } = *line;
        if self.inner.gate.may_be_enabled(level) {
            let config = self.inner.config.load();
            if config.levels.is_enabled(level, target) {
                let (origin, said) = (&config.origin, Said::Directly(line));
                self.give(&config, Record { time: time(), level, target, place: None, origin, unit, said });
            }
        }
    }

    fn give(&self, config: &Config, mut record: Record<'_>) {
        record.place = record.place.filter(|_| record.level <= config.profile.placed());
        if !config.give(&record) {
            self.inner.dropped.fetch_add(1, Ordering::Relaxed);
            self.inner.untold.fetch_add(1, Ordering::Relaxed);
        } else if self.inner.untold.load(Ordering::Relaxed) > 0 {
            self.tell_of_dropped(config);
        }
    }

    /// Once there is room again, one line says how many there were.
    fn tell_of_dropped(&self, config: &Config) {
        let count = self.inner.untold.swap(0, Ordering::Relaxed);
        if count == 0 {
            return;
        }
        let line = Line {
            level: Level::WARN,
            target: "chassis::logging",
            message: "log lines were dropped, because the queue was full or nobody read it",
            unit: None,
            fields: &[(&FieldName::new("count"), Value::U64(count))],
        };
        let (said, Line { level, target, unit, .. }) = (Said::Directly(&line), line);
        let record = Record { time: Timestamp::now(), level, target, place: None, origin: &config.origin, unit, said };
        if !config.give(&record) {
            self.inner.untold.fetch_add(count, Ordering::Relaxed);
        }
    }

    fn open(service: &str, memory: Option<Arc<Memory>>) -> Self {
        let choices = Choices {
            service: service.into(),
            deploy_name: "local".into(),
            settings: LoggingSettings::default(),
            overrides: BTreeMap::new(),
            memory,
        };
        let (gate, config) = (Gate::open(choices.levels()), ArcSwap::from_pointee(choices.config()));
        let (dropped, untold) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { gate, config, choices: Mutex::new(choices), dropped, untold }) }
    }

    fn change(&self, change: impl FnOnce(&mut Choices)) {
        let mut choices = self.inner.choices.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut choices);
        self.inner.config.store(Arc::new(choices.config()));
        self.inner.gate.set(choices.levels());
    }

    fn memory(&self) -> Option<Arc<Memory>> {
        self.inner.choices.lock().unwrap_or_else(PoisonError::into_inner).memory.clone()
    }
}

impl fmt::Debug for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logs").field("dropped", &self.dropped()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.gate.close();
    }
}

impl Config {
    /// `false` if a sink had no room for it.
    fn give(&self, record: &Record<'_>) -> bool {
        let mut is_taken = true;
        for sink in &self.sinks {
            is_taken &= sink.write(record);
        }
        is_taken
    }
}

impl Choices {
    fn levels(&self) -> Levels {
        let (settings, overrides) = (self.settings.levels.iter(), self.overrides.iter());
        let named = settings.chain(overrides).map(|(name, level)| (name.as_str(), *level));
        Levels::new(self.settings.profile.level(), named)
    }

    fn config(&self) -> Config {
        Config {
            levels: self.levels(),
            origin: Origin::new(&self.service, &self.deploy_name),
            profile: self.settings.profile,
            sinks: self.sinks(),
        }
    }

    /// A sink to come is one more entry here.
    fn sinks(&self) -> Vec<Arc<dyn Sink>> {
        if let Some(memory) = &self.memory {
            return vec![Arc::clone(memory) as Arc<dyn Sink>];
        }
        if !self.settings.stdout {
            return Vec::new();
        }
        let format = match self.settings.format {
            LogFormat::Auto => None,
            LogFormat::Text => Some(Stdout::text()),
            LogFormat::Logfmt => Some(Format::Logfmt),
            LogFormat::Json => Some(Format::Json),
        };
        vec![Arc::new(Stdout::new(format))]
    }
}
