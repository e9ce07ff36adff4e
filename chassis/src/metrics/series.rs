//! The series of one meter: one per set of label values, up to a cap.
//!
//! Finding a series takes no lock: series are only ever added, so a reader that misses one looks again under the lock.
//! Past the cap everything new is counted in one series whose label values are all `other`; that is counted, and logged
//! once.

use std::{
    any::Any,
    borrow::Cow,
    hash::{BuildHasher, Hasher},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use foldhash::fast::RandomState;
use tokio::time::Instant;

use super::{
    labels::{LabelValues, Labels},
    options::Shape,
    snapshot::{Kind, LabelPairs, MeterSnapshot, SeriesSnapshot, Value},
};

/// How many series a meter may have, unless the settings or its options say otherwise.
pub(super) const DEFAULT_MAX_SERIES: usize = 1_000;
/// The label values of the series that stands for all that found no room.
const OTHER: &str = "other";

/// Each table is four times as large as the one before.
const TABLES: usize = 9;
const FIRST_TABLE: usize = 16;
/// At most half of the last table is used.
const MOST_SERIES: usize = FIRST_TABLE * 4_usize.pow(TABLES as u32 - 1) / 2;

/// One series: a cheap handle to shared numbers.
pub(super) trait Series: Clone + Send + Sync + 'static {
    const KIND: Kind;

    fn new(shape: &Shape) -> Self;

    fn read(&self, now: Instant) -> Value;

    /// What has to happen now and then, such as moving a window on.
    fn upkeep(&self, _now: Instant) {}
}

/// What is said about a meter as a whole.
#[derive(Debug, Clone)]
pub(super) struct Description {
    pub(super) name: Arc<str>,
    pub(super) help: Arc<str>,
    pub(super) unit: Option<Arc<str>>,
    pub(super) labels: Vec<String>,
    pub(super) shape: Shape,
}

/// All series of one meter.
#[derive(Debug)]
pub(super) struct Family<S> {
    pub(super) description: Description,
    /// The series of a meter without labels; otherwise the one for what found no room.
    only: S,
    overflowed: AtomicU64,
    max_series: AtomicUsize,
    all: Mutex<Vec<Arc<Entry<S>>>>,
    tables: [OnceLock<Table<S>>; TABLES],
    newest: AtomicUsize,
    hasher: RandomState,
}

type Table<S> = Box<[OnceLock<Arc<Entry<S>>>]>;

#[derive(Debug)]
struct Entry<S> {
    hash: u64,
    key: Box<[u8]>,
    labels: LabelPairs,
    series: S,
}

impl<S: Series> Family<S> {
    pub(super) fn new(description: Description, max_series: usize) -> Self {
        Self {
            only: S::new(&description.shape),
            description,
            overflowed: AtomicU64::new(0),
            max_series: AtomicUsize::new(max_series),
            all: Mutex::default(),
            tables: [const { OnceLock::new() }; TABLES],
            newest: AtomicUsize::new(0),
            hasher: RandomState::default(),
        }
    }

    /// One that nobody exports.
    pub(super) fn detached(labels: &[&str]) -> Self {
        let description = Description {
            name: "detached".into(),
            help: "".into(),
            unit: None,
            labels: labels.iter().map(|&name| name.to_owned()).collect(),
            shape: Shape::default(),
        };
        Self::new(description, DEFAULT_MAX_SERIES)
    }

    pub(super) fn only(&self) -> &S {
        &self.only
    }

    /// The series for these label values, which is made at the first time.
    #[inline]
    pub(super) fn with<L: Labels + ?Sized>(&self, labels: &L) -> &S {
        let values = LabelValues::of(labels);
        let key = values.key();
        if key.is_empty() {
            return &self.only;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(key);
        let hash = hasher.finish();
        self.find(hash, key).unwrap_or_else(|| self.add(hash, key))
    }

    #[inline]
    fn find(&self, hash: u64, key: &[u8]) -> Option<&S> {
        let slots = self.tables.get(self.newest.load(Ordering::Acquire))?.get()?;
        let mut place = start(hash, slots.len());
        // A free slot ends the search; there always is one, because tables are never full.
        while let Some(entry) = slots.get(place)?.get() {
            if entry.hash == hash && *entry.key == *key {
                return Some(&entry.series);
            }
            place = (place + 1) & (slots.len() - 1);
        }
        None
    }

    #[cold]
    fn add(&self, hash: u64, key: &[u8]) -> &S {
        match self.find_or_add(hash, key) {
            true => self.find(hash, key).unwrap_or(&self.only),
            // Logs, so the lock must not be held any more.
            false => self.overflow(),
        }
    }

    /// Whether there is, or now is, a series for this key.
    fn find_or_add(&self, hash: u64, key: &[u8]) -> bool {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if self.find(hash, key).is_some() {
            return true;
        }
        let values: Vec<_> = LabelValues::split(key).map(Cow::into_owned).collect();
        // Labels written by hand may not keep their promise of one value per name.
        if all.len() >= self.limit() || values.len() != self.description.labels.len() {
            return false;
        }
        let labels = self.description.labels.iter().cloned().zip(values).collect();
        let entry = Arc::new(Entry { hash, key: key.into(), labels, series: S::new(&self.description.shape) });
        all.push(entry.clone());
        self.publish(&all, entry);
        true
    }

    /// Makes the last of `all` findable; the lock on them is held.
    fn publish(&self, all: &[Arc<Entry<S>>], last: Arc<Entry<S>>) {
        let newest = self.newest.load(Ordering::Acquire);
        let has_room = |slots: &Table<S>| all.len() <= slots.len() / 2;
        match self.tables[newest].get() {
            Some(slots) if has_room(slots) => place(slots, last),
            newest_table => {
                let next = if newest_table.is_some() { newest + 1 } else { newest };
                let Some(table) = self.tables.get(next) else { return };
                let slots = table.get_or_init(|| {
                    let slots: Table<S> =
                        (0..FIRST_TABLE * 4_usize.pow(next as u32)).map(|_| OnceLock::new()).collect();
                    all.iter().for_each(|entry| place(&slots, entry.clone()));
                    slots
                });
                debug_assert!(has_room(slots), "each table has room for four times as many series");
                self.newest.store(next, Ordering::Release);
            }
        }
    }

    fn limit(&self) -> usize {
        self.max_series.load(Ordering::Relaxed).min(MOST_SERIES)
    }

    fn overflow(&self) -> &S {
        if self.overflowed.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!(
                meter = &*self.description.name,
                max_series = self.limit(),
                "meter has too many series; further label values are counted as `{OTHER}`"
            );
        }
        &self.only
    }

    fn overflow_labels(&self) -> LabelPairs {
        self.description.labels.iter().map(|name| (name.clone(), OTHER.to_owned())).collect()
    }
}

/// A family of whatever type, as the registry keeps it.
pub(super) trait AnyFamily: Send + Sync {
    fn kind(&self) -> Kind;
    fn description(&self) -> &Description;
    fn snapshot(&self, now: Instant) -> MeterSnapshot;
    fn upkeep(&self, now: Instant);
    fn set_max_series(&self, max_series: usize);
    /// How often a series was asked for and none was left.
    fn overflowed(&self) -> u64;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<S: Series> AnyFamily for Family<S> {
    fn kind(&self) -> Kind {
        S::KIND
    }

    fn description(&self) -> &Description {
        &self.description
    }

    fn snapshot(&self, now: Instant) -> MeterSnapshot {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        let has_only = self.description.labels.is_empty() || self.overflowed() > 0;
        let only = has_only.then(|| (self.overflow_labels(), &self.only));
        let series = all.iter().map(|entry| (entry.labels.clone(), &entry.series)).chain(only);
        MeterSnapshot {
            name: self.description.name.clone(),
            help: self.description.help.clone(),
            unit: self.description.unit.clone(),
            kind: S::KIND,
            series: series.map(|(labels, series)| SeriesSnapshot { labels, value: series.read(now) }).collect(),
        }
    }

    fn upkeep(&self, now: Instant) {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.only.upkeep(now);
        all.iter().for_each(|entry| entry.series.upkeep(now));
    }

    fn set_max_series(&self, max_series: usize) {
        self.max_series.store(max_series, Ordering::Relaxed);
    }

    fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are as random as the high ones")]
fn start(hash: u64, slots: usize) -> usize {
    hash as usize & (slots - 1)
}

/// Puts an entry into the first free slot from its own on.
fn place<S>(slots: &Table<S>, entry: Arc<Entry<S>>) {
    let mut place = start(entry.hash, slots.len());
    while slots[place].get().is_some() {
        place = (place + 1) & (slots.len() - 1);
    }
    // Only the holder of the lock places entries, so the slot is still free.
    let _ = slots[place].set(entry);
}
