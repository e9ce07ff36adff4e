//! A setting that follows changes while the service runs, and the list of all that do.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
};

use arc_swap::{ArcSwap, Guard};
use serde_json::Value as Json;
use tokio::sync::Notify;

use super::{
    form::{Names, read_field},
    input::Input,
    node::{Node, is_shared},
    path::{KeyPath, Trail},
    problem::Problems,
    rules::Rules,
    shape::{Kind, Shape},
    value::SettingValue,
};

/// A setting that is live: its value changes when the settings do, without a restart.
///
/// Clones follow the same place. Reading is wait-free.
pub struct Setting<T> {
    /// As it was read.
    read: Arc<T>,
    /// As it is now; absent where nobody changes it: settings are read more often for what is wrong with them.
    live: OnceLock<Arc<LiveCell<T>>>,
}

struct LiveCell<T> {
    value: ArcSwap<T>,
    /// Told after the value is another.
    changed: Notify,
    place: Place<T>,
}

/// Where a live value is read from, to be read again.
struct Place<T> {
    /// The section it stands in.
    section: KeyPath,
    names: Names,
    default: Option<fn() -> Setting<T>>,
    rules: Rules,
}

impl<T: Send + Sync + 'static> Setting<T> {
    /// A value that never changes, for tests.
    pub fn fixed(value: T) -> Self {
        Self { read: Arc::new(value), live: OnceLock::new() }
    }

    /// The value now.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        match self.live.get() {
            Some(live) => T::clone(&live.value.load()),
            None => T::clone(&self.read),
        }
    }

    /// The value now, without a clone; keep the guard for a moment only.
    pub fn load(&self) -> Guard<Arc<T>> {
        match self.live.get() {
            Some(live) => live.value.load(),
            None => Guard::from_inner(Arc::clone(&self.read)),
        }
    }

    /// Waits for the next change. In a loop use [`watch`](Setting::watch), which misses nothing between two calls.
    ///
    /// # Cancel safety
    /// Nothing is lost but the wait.
    pub async fn changed(&self) {
        self.watch().changed().await;
    }

    /// Follows the value from now on: the last of many quick changes is always seen.
    pub fn watch(&self) -> Watch<T> {
        let seen = match self.live.get() {
            Some(live) => live.value.load_full(),
            None => Arc::clone(&self.read),
        };
        Watch { seen, setting: self.clone() }
    }
}

impl<T> Clone for Setting<T> {
    fn clone(&self) -> Self {
        Self { read: Arc::clone(&self.read), live: self.live.clone() }
    }
}

impl<T: fmt::Debug + Send + Sync + 'static> fmt::Debug for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

impl<T: fmt::Display + Send + Sync + 'static> fmt::Display for Setting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

impl<T: Default + Send + Sync + 'static> Default for Setting<T> {
    fn default() -> Self {
        Self::fixed(T::default())
    }
}

impl<T: SettingValue> SettingValue for Setting<T> {
    type Plain = T::Plain;

    fn from_plain(plain: T::Plain) -> Self {
        Self::fixed(T::from_plain(plain))
    }

    fn read(input: &mut Input<'_>) -> Option<Self> {
        T::read(input).map(Self::fixed)
    }

    fn read_absent(input: &mut Input<'_>) -> Option<Self> {
        T::read_absent(input).map(Self::fixed)
    }

    fn shape() -> Shape {
        Shape(Kind::Live(Box::new(T::shape())))
    }

    fn show(&self) -> Json {
        self.load().show()
    }

    fn attach(&self, at: &Attachment<'_, Self>) {
        let Some(cells) = at.cells else { return };
        let mut section = at.trail.path();
        section.pop();
        let place = Place { section, names: at.names.clone(), default: at.default, rules: at.rules };
        let cell = Arc::new(LiveCell { value: ArcSwap::new(Arc::clone(&self.read)), changed: Notify::new(), place });
        if self.live.set(Arc::clone(&cell)).is_ok() {
            cells.add(&(cell as Arc<dyn Live>));
        }
    }
}

/// Follows a [`Setting`].
pub struct Watch<T> {
    seen: Arc<T>,
    /// Keeps the place alive, so that it goes on being updated.
    setting: Setting<T>,
}

impl<T: Send + Sync + 'static> Watch<T> {
    /// Waits until the value is another than the one seen last, and gives it.
    ///
    /// # Cancel safety
    /// Nothing is lost: a change that came meanwhile is seen by the next call.
    pub async fn changed(&mut self) -> Arc<T> {
        let Some(live) = self.setting.live.get() else { return std::future::pending().await };
        loop {
            // It is told of every change from here on, so that none can come between the look and the wait.
            let changed = live.changed.notified();
            let now = live.value.load_full();
            // What was seen is kept, so that nothing else can be in its place.
            if !Arc::ptr_eq(&now, &self.seen) {
                self.seen = Arc::clone(&now);
                return now;
            }
            changed.await;
        }
    }

    /// The value now.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.setting.get()
    }
}

impl<T: fmt::Debug + Send + Sync + 'static> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.setting.fmt(f)
    }
}

/// The place of a value that was just read, for [`SettingValue::attach`].
#[derive(Debug)]
pub struct Attachment<'a, V> {
    pub(crate) cells: Option<&'a Cells>,
    pub(crate) trail: &'a Trail<'a>,
    pub(crate) names: &'a Names,
    pub(crate) default: Option<fn() -> V>,
    pub(crate) rules: Rules,
}

/// Lets a change take effect; only made when nothing stands against it.
pub(crate) type Commit = Box<dyn FnOnce() + Send>;

/// Changes that are ready to take effect together.
pub(crate) struct Prepared {
    commits: Vec<Commit>,
    /// The last cell that was asked; those that came later are read when the changes take effect.
    last: u64,
}

/// A live value of any type.
pub(super) trait Live: Send + Sync {
    /// What it is read from: the path of a section, or of whatever else is there.
    fn place(&self) -> &KeyPath;

    /// The change from one to the other; `None` where there is none, or the value cannot be read.
    fn follow(self: Arc<Self>, now: Option<&Node>, candidate: Option<&Node>, problems: &mut Problems)
    -> Option<Commit>;

    /// Reads the value as it would be with this in its place; `None` when it cannot be read.
    fn prepare(self: Arc<Self>, candidate: Option<&Node>, problems: &mut Problems) -> Option<Commit>;
}

impl<T> LiveCell<T> {
    fn find<'n>(&self, section: Option<&'n Node>) -> Option<(&'n str, &'n Node)> {
        section.and_then(Node::as_map).and_then(|map| self.place.names.find(map))
    }
}

impl<T: SettingValue> LiveCell<T> {
    /// Reads what was found in its section.
    fn read(
        self: Arc<Self>,
        section: Option<&Node>,
        found: Option<(&str, &Node)>,
        problems: &mut Problems,
    ) -> Option<Commit> {
        let place = &self.place;
        let trail = Trail::base(&place.section);
        // The cell is known already; what is read here only brings a value.
        let mut input = Input::alone(section, &trail, problems);
        let setting = read_field::<Setting<T>>(&mut input, found, &place.names, place.default, place.rules)?;
        let value = setting.read;
        Some(Box::new(move || {
            self.value.store(value);
            self.changed.notify_waiters();
        }))
    }
}

impl<T: SettingValue> Live for LiveCell<T> {
    fn place(&self) -> &KeyPath {
        &self.place.section
    }

    fn follow(self: Arc<Self>, old: Option<&Node>, new: Option<&Node>, problems: &mut Problems) -> Option<Commit> {
        let found = self.find(new);
        let is_same = self.find(old).map(|(_, node)| node) == found.map(|(_, node)| node);
        if is_same { None } else { self.read(new, found, problems) }
    }

    fn prepare(self: Arc<Self>, candidate: Option<&Node>, problems: &mut Problems) -> Option<Commit> {
        let found = self.find(candidate);
        self.read(candidate, found, problems)
    }
}

/// Every live value of a service.
#[derive(Default)]
pub(crate) struct Cells {
    state: Mutex<CellsState>,
}

#[derive(Default)]
struct CellsState {
    live: Vec<(u64, Weak<dyn Live>)>,
    last: u64,
    /// The tree in force; `None` until the first change, while every cell agrees with the tree it was read from.
    now: Option<Arc<Node>>,
    sweep_at: usize,
}

impl Cells {
    pub(super) fn add(&self, cell: &Arc<dyn Live>) {
        let mut state = self.lock();
        if state.live.len() >= state.sweep_at {
            state.live.retain(|(_, cell)| cell.strong_count() > 0);
            state.sweep_at = (state.live.len() * 2).max(64);
        }
        state.last += 1;
        let entry = (state.last, Arc::downgrade(cell));
        state.live.push(entry);
        // It may have been read from a tree that is no longer in force.
        if let Some(commit) = state.now.as_deref().and_then(|now| read(cell, now)) {
            commit();
        }
    }

    /// Reads every live value from `candidate`, to let all of them change at once or none.
    pub(crate) fn prepare<'n>(&self, now: &'n Node, candidate: &'n Node, problems: &mut Problems) -> Prepared {
        let (cells, last) = {
            let state = self.lock();
            let cells: Vec<_> = state.live.iter().filter_map(|(_, cell)| cell.upgrade()).collect();
            (cells, state.last)
        };
        let mut commits = Vec::new();
        // Those of one section were added one after the other.
        for cells in cells.chunk_by(|one, other| one.place() == other.place()) {
            let at = |root: &'n Node| root.at(cells.first()?.place());
            let (now, candidate) = (at(now), at(candidate));
            if is_shared(now, candidate) {
                continue;
            }
            commits.extend(cells.iter().filter_map(|cell| Arc::clone(cell).follow(now, candidate, problems)));
        }
        Prepared { commits, last }
    }

    /// Lets prepared changes take effect; `root` is in force from now on.
    pub(crate) fn apply(&self, prepared: Prepared, root: &Arc<Node>) {
        let Prepared { commits, last } = prepared;
        let mut state = self.lock();
        let late = state.live.iter().filter(|(id, _)| *id > last).filter_map(|(_, cell)| cell.upgrade());
        let late: Vec<_> = late.filter_map(|cell| read(&cell, root)).collect();
        state.now = Some(Arc::clone(root));
        for commit in commits.into_iter().chain(late) {
            commit();
        }
    }

    fn lock(&self) -> MutexGuard<'_, CellsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a live value from this tree, whatever it was before.
fn read(cell: &Arc<dyn Live>, root: &Node) -> Option<Commit> {
    Arc::clone(cell).prepare(root.at(cell.place()), &mut Problems::new())
}

impl fmt::Debug for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cells({})", self.lock().live.len())
    }
}
