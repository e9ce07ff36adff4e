//! Settings by path while the service runs: read, set, delete, watch.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex},
};

use arc_swap::ArcSwap;
use serde_json::Value as Json;

use super::{
    accepted::Accepted,
    declared::Declared,
    effective::Effective,
    form::{Names, SettingsSchema, read_field},
    input::Input,
    node::Node,
    origin::Origin,
    path::{KeyPath, Trail},
    prefix_watch::PrefixWatch,
    problem::{Problem, Problems},
    rules::Rules,
    setting::{Setting, Watch},
    source::{Changed, Layer, Source},
    tree::Tree,
    value::SettingValue,
};
use crate::{Error, Result};

/// The settings of a running service, by path below `system`. Cheap to clone.
#[derive(Clone)]
pub struct Settings {
    pub(super) store: Arc<Store>,
}

pub(super) struct Store {
    pub(super) tree: ArcSwap<Tree>,
    pub(super) declared: Vec<Declared>,
    /// Keys that nobody declares are welcome in the service's own section.
    pub(super) is_free: bool,
    /// Tells whoever lets changes take effect.
    pub(super) changed: Arc<Changed>,
    /// What is set and deleted at run time, above every source. Held while the tree changes.
    pub(super) own: Mutex<RunTime>,
}

#[derive(Clone)]
pub(super) struct RunTime {
    pub(super) layer: Layer,
    pub(super) deleted: BTreeSet<KeyPath>,
    /// As it was before what not everybody has agreed to yet; `None` when everybody has.
    pub(super) agreed: Option<Arc<RunTime>>,
}

impl Settings {
    /// The settings of a service that declares these sections and keys, and others in its own section if that `is_free`.
    pub(crate) fn new(tree: Tree, declared: Vec<Declared>, is_free: bool) -> Self {
        tree.declare(&declared);
        let own = Mutex::new(RunTime { layer: Layer::empty(), deleted: BTreeSet::new(), agreed: None });
        let (tree, changed) = (ArcSwap::from_pointee(tree), Arc::default());
        Self { store: Arc::new(Store { tree, declared, is_free, changed, own }) }
    }

    /// Where sources, and those who set values, tell of changes.
    pub(crate) fn changed(&self) -> &Arc<Changed> {
        &self.store.changed
    }

    /// All settings as they are now.
    pub fn tree(&self) -> Tree {
        Tree::clone(&self.store.tree.load())
    }

    /// Reads the section at `path` as a struct; what else is declared below it is left to others.
    pub(crate) fn read<T: SettingsSchema>(&self, path: &str, problems: &mut Problems) -> Option<T> {
        self.tree().section(path).read(&[], problems)
    }

    /// Tells the sources that the service works with what they have said.
    pub(crate) fn accepted(&self, sources: &[Box<dyn Source>]) {
        let tree = self.tree();
        let accepted = Accepted::new(&self.store.declared, tree.service());
        sources.iter().for_each(|source| source.accepted(&accepted));
    }

    /// Every setting that is declared, as it is in force, with its origin and without secrets.
    pub fn effective(&self) -> Vec<Effective> {
        self.tree().effective(&self.store.declared)
    }

    /// The settings below `prefix`, such as `microservices.orders`.
    pub fn view(&self, prefix: &str) -> SettingsView {
        SettingsView { settings: self.clone(), prefix: KeyPath::lenient(prefix) }
    }

    /// The value at `path`.
    ///
    /// # Errors
    /// When nothing is set there, or when it is not a `T`.
    pub fn get<T: SettingValue>(&self, path: &str) -> Result<T> {
        self.root().get(path)
    }

    /// The value at `path`, or `default` when nothing is set there.
    ///
    /// # Errors
    /// When what is set there is not a `T`.
    pub fn get_or<T: SettingValue>(&self, path: &str, default: T) -> Result<T> {
        self.root().get_or(path, default)
    }

    /// Sets a value above all sources, until the service ends. Every [`Setting`] at or below `path` follows at once.
    ///
    /// Resources are asked after that ([`Resource::prepare`](crate::Resource::prepare)). Where one refuses, everything
    /// that was set or deleted since they were asked last is taken back, which is told like any refused change: nothing
    /// that is set here stands in the way of what the sources say later.
    ///
    /// # Errors
    /// When a part of the service cannot read it, or nobody knows the key; then nothing changes.
    pub fn set(&self, path: &str, value: impl Into<Json>) -> Result<()> {
        self.root().set(path, value)
    }

    /// Takes the value at `path` away, whoever set it, until the service ends or it is set again. It is taken back as what
    /// is [set](Self::set) is.
    ///
    /// # Errors
    /// When a part of the service cannot work without it; then nothing changes.
    pub fn delete(&self, path: &str) -> Result<()> {
        self.root().delete(path)
    }

    /// Follows the value at `path`; `None` while nothing is set there.
    ///
    /// # Errors
    /// When what is set there is not a `T`.
    pub fn watch<T: SettingValue>(&self, path: &str) -> Result<Watch<Option<T>>> {
        self.root().watch(path)
    }

    /// Follows every key below `prefix`, declared or not, with what is said for this service alone over what is said for
    /// all. What is there now is no news.
    ///
    /// ```
    /// # use chassis::prelude::*;
    /// # async fn follow(cx: &Context) -> Result<()> {
    /// let mut peers = cx.settings().watch_below("microservices.orders.peers")?;
    /// loop {
    ///     for change in peers.changed().await {
    ///         match change.get::<Option<String>>()? {
    ///             Some(address) => tracing::info!("{} is at {address}", change.key()),
    ///             None => tracing::info!("{} is gone", change.key()),
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// When `prefix` is malformed.
    pub fn watch_below(&self, prefix: &str) -> Result<PrefixWatch> {
        self.root().watch_below(prefix)
    }

    fn root(&self) -> SettingsView {
        self.view("")
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings({})", self.store.tree.load().service())
    }
}

/// The settings below a prefix: paths are relative to it.
#[derive(Clone)]
pub struct SettingsView {
    settings: Settings,
    prefix: KeyPath,
}

impl SettingsView {
    /// The settings below `prefix`, which is relative to this view's own.
    #[must_use]
    pub fn view(&self, prefix: &str) -> Self {
        Self { settings: self.settings.clone(), prefix: self.prefix.join(&KeyPath::lenient(prefix)) }
    }

    /// The value at `path`.
    ///
    /// # Errors
    /// When nothing is set there, or when it is not a `T`.
    pub fn get<T: SettingValue>(&self, path: &str) -> Result<T> {
        self.read(path, T::read_absent)
    }

    /// The value at `path`, or `default` when nothing is set there.
    ///
    /// # Errors
    /// When what is set there is not a `T`.
    pub fn get_or<T: SettingValue>(&self, path: &str, default: T) -> Result<T> {
        self.read(path, |_| Some(default))
    }

    /// Sets a value above all sources, as [`Settings::set`] does.
    ///
    /// # Errors
    /// When a part of the service cannot read it, or nobody knows the key; then nothing changes.
    pub fn set(&self, path: &str, value: impl Into<Json>) -> Result<()> {
        let path = self.path(path)?;
        let node = Node::from_json(value.into(), &Origin::run_time());
        self.settings.change(|own, problems| {
            own.deleted.retain(|deleted| !deleted.starts_with(&path) && !path.starts_with(deleted));
            own.layer.insert_at(&path, node, problems);
        })
    }

    /// Takes the value at `path` away, whoever set it, as [`Settings::delete`] does.
    ///
    /// # Errors
    /// When a part of the service cannot work without it; then nothing changes.
    pub fn delete(&self, path: &str) -> Result<()> {
        let path = self.path(path)?;
        self.settings.change(|own, _| {
            own.layer.root.remove(&path);
            own.deleted.insert(path);
        })
    }

    /// Follows the value at `path`; `None` while nothing is set there.
    ///
    /// # Errors
    /// When what is set there is not a `T`.
    pub fn watch<T: SettingValue>(&self, path: &str) -> Result<Watch<Option<T>>> {
        let path = self.path(path)?;
        let mut section = path.clone();
        let name = section.pop().unwrap_or_default();
        let tree = self.settings.tree();
        let mut problems = Problems::new();
        let trail = Trail::base(&section);
        let around = tree.root.at(&section);
        let names = Names::owned(&name);
        let found = around.and_then(Node::as_map).and_then(|map| names.find(map));
        let mut input = Input { cells: Some(&tree.cells), ..Input::alone(around, &trail, &mut problems) };
        let setting = read_field::<Setting<Option<T>>>(&mut input, found, &names, None, Rules::default());
        problems.into_result()?;
        setting.map(|setting| setting.watch()).ok_or_else(|| unreadable(&path))
    }

    /// Follows every key below `prefix`, as [`Settings::watch_below`] does; all of the view if `prefix` is empty.
    ///
    /// # Errors
    /// When `prefix` is malformed.
    pub fn watch_below(&self, prefix: &str) -> Result<PrefixWatch> {
        let prefix = if prefix.is_empty() { self.prefix.clone() } else { self.path(prefix)? };
        Ok(PrefixWatch::begin(&self.settings.tree(), prefix))
    }

    fn read<T: SettingValue>(&self, path: &str, absent: impl FnOnce(&mut Input<'_>) -> Option<T>) -> Result<T> {
        let path = self.path(path)?;
        read_at(&path, self.settings.tree().root.at(&path), absent)
    }

    fn path(&self, path: &str) -> Result<KeyPath> {
        let parsed = KeyPath::parse(path).map_err(|error| {
            Error::misconfigured(Error::msg(format!("`{}` is not the path of a setting: {error}", path.escape_debug())))
        })?;
        Ok(self.prefix.join(&parsed))
    }
}

impl fmt::Debug for SettingsView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SettingsView({})", self.prefix)
    }
}

/// Reads what was found at `path`.
pub(super) fn read_at<T: SettingValue>(
    path: &KeyPath,
    node: Option<&Node>,
    absent: impl FnOnce(&mut Input<'_>) -> Option<T>,
) -> Result<T> {
    let mut problems = Problems::new();
    let trail = Trail::base(path);
    let node = node.filter(|node| !node.is_null());
    let mut input = Input::alone(node, &trail, &mut problems);
    let value = if node.is_some() { T::read(&mut input) } else { absent(&mut input) };
    problems.into_result()?;
    value.ok_or_else(|| unreadable(path))
}

fn unreadable(path: &KeyPath) -> Error {
    Error::misconfigured(Error::msg(Problem::at(path.clone(), "cannot be read")))
}
