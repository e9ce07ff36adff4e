//! The merged tree of one service, and its sections.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use super::{
    declarations::Declarations,
    declared::Declared,
    form::{Form, Names, SettingsSchema, read_field},
    input::Input,
    merge::merge,
    node::{Node, Value},
    origin::Origin,
    path::{KeyPath, Trail},
    problem::Problems,
    rules::Rules,
    setting::Cells,
    source::{Layer, Source},
    value::SettingValue,
};

/// All settings of one service, merged from its sources. Cheap to clone; never changes.
#[derive(Clone)]
pub struct Tree {
    pub(crate) root: Arc<Node>,
    pub(crate) service: Arc<str>,
    /// What each source says, in the order of the sources.
    pub(crate) layers: Arc<[Arc<Layer>]>,
    pub(crate) cells: Arc<Cells>,
    /// Nothing that is read from it follows it.
    is_detached: bool,
    /// A source could not be read; what is missing may be written there.
    is_partial: bool,
    /// What the service declares, once that is known: sections may hold others.
    declared: Arc<OnceLock<Declarations>>,
}

impl Tree {
    /// Reads the sources and lays them over each other, for the service of this name.
    pub fn merge(sources: &[Box<dyn Source>], service: &str, problems: &mut Problems) -> Self {
        Self::merge_declared(sources, service, &[], problems)
    }

    /// The same, where it is known what is declared: a section may be written as JSON as a whole.
    pub(crate) fn merge_declared(
        sources: &[Box<dyn Source>],
        service: &str,
        declared: &[Declared],
        problems: &mut Problems,
    ) -> Self {
        let layers =
            sources.iter().map(|source| Arc::new(layer(source.as_ref(), service, declared, problems))).collect();
        Self::of_layers(layers, service.into(), Arc::default())
    }

    /// What one source says, as part of something larger: what it does not say is not missing.
    #[cfg(feature = "etcd")]
    pub(crate) fn merge_alone(
        source: &dyn Source,
        service: &str,
        declared: &[Declared],
        problems: &mut Problems,
    ) -> Self {
        let layer = Layer { is_partial: true, ..layer(source, service, declared, problems) };
        Self::of_layers([Arc::new(layer)].into(), service.into(), Arc::default())
    }

    /// All that the first source says, for whichever service.
    #[cfg(feature = "etcd")]
    pub(crate) fn said(&self) -> &Node {
        self.layers.first().map_or(&self.root, |layer| &layer.root)
    }

    /// The tree as it is when these sources, by their numbers, say this.
    pub(crate) fn reloaded(&self, loaded: Vec<(usize, Layer)>) -> Self {
        let mut layers: Vec<Arc<Layer>> = self.layers.to_vec();
        for (number, layer) in loaded {
            if let Some(place) = layers.get_mut(number) {
                *place = Arc::new(layer);
            }
        }
        let tree = Self::of_layers(layers.into(), Arc::clone(&self.service), Arc::clone(&self.cells));
        Self { declared: Arc::clone(&self.declared), ..tree }
    }

    /// The same tree, to be read without any setting following it.
    pub(crate) fn detached(&self) -> Self {
        Self { is_detached: true, ..self.clone() }
    }

    pub(crate) fn of_layers(layers: Arc<[Arc<Layer>]>, service: Arc<str>, cells: Arc<Cells>) -> Self {
        let roots: Vec<&Node> = layers.iter().map(|layer| &layer.root).collect();
        let root = Arc::new(merge(&roots, &service));
        let is_partial = layers.iter().any(|layer| layer.is_partial);
        Self { root, service, layers, cells, is_detached: false, is_partial, declared: Arc::default() }
    }

    /// The same tree with what is set and deleted at run time.
    pub(crate) fn with(&self, own: &Layer, deleted: &BTreeSet<KeyPath>) -> Self {
        if deleted.is_empty() && own.root.as_map().is_some_and(|map| map.is_empty()) {
            return self.clone();
        }
        let roots: Vec<&Node> = self.layers.iter().map(AsRef::as_ref).chain([own]).map(|layer| &layer.root).collect();
        let mut root = merge(&roots, &self.service);
        deleted.iter().for_each(|path| root.remove(path));
        let (service, layers, cells) = (Arc::clone(&self.service), Arc::clone(&self.layers), Arc::clone(&self.cells));
        let declared = Arc::clone(&self.declared);
        let (is_detached, is_partial) = (self.is_detached, self.is_partial);
        Self { root: Arc::new(root), service, layers, cells, is_detached, is_partial, declared }
    }

    /// Lets it know what the service declares; the first time counts.
    pub(crate) fn declare(&self, declared: &[Declared]) -> &Declarations {
        self.declared.get_or_init(|| Declarations::of(declared))
    }

    /// The name of the service it was merged for.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The section at `path`, such as `resources.http`; a section that is not there is an empty one.
    pub fn section(&self, path: &str) -> Section<'_> {
        self.section_at(KeyPath::lenient(path))
    }

    /// The service's own section, `microservices.<service>`.
    pub fn own_section(&self) -> Section<'_> {
        self.section_at(self.own_path())
    }

    pub(crate) fn own_path(&self) -> KeyPath {
        KeyPath::from_steps(vec![super::merge::SERVICES.into(), (*self.service).into()])
    }

    pub(crate) fn section_at(&self, path: KeyPath) -> Section<'_> {
        Section { tree: self, node: self.root.at(&path), path }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({}) {:?}", self.service, self.root)
    }
}

/// What one source says to the service of this name, where it is known what is declared.
pub(crate) fn layer(source: &dyn Source, service: &str, declared: &[Declared], problems: &mut Problems) -> Layer {
    let mut found = Problems::new();
    let mut layer = source.load(&mut found);
    let own = KeyPath::from_steps(vec![super::merge::SERVICES.into(), service.into()]);
    if !declared.is_empty() {
        // A key above or below what is declared is read with it, and so is all that is the service's own.
        let meets = |path: &KeyPath, key: &KeyPath| path.starts_with(key) || key.starts_with(path);
        found.relax(|key| meets(&own, key) || declared.iter().any(|declared| meets(&declared.path, key)));
        layer.is_partial &= !found.is_empty();
    }
    problems.append(found);
    for Declared { path, .. } in declared {
        open_above(&mut layer.root, path);
        open_above(&mut layer.root, &own.join(path));
    }
    layer
}

/// Takes apart what is written as JSON above `path`: sections are found by their keys.
fn open_above(root: &mut Node, path: &KeyPath) {
    let mut at = root;
    for step in path.steps() {
        if let Value::Raw(text) = &at.value
            && text.trim_start().starts_with('{')
            && let Ok(Some(Node { value: map @ Value::Map(_), .. })) = at.parsed()
        {
            at.value = map;
        }
        let Value::Map(map) = &mut at.value else { return };
        let Some(next) = map.get_mut(step) else { return };
        at = next;
    }
}

/// A part of the tree.
#[derive(Clone)]
pub struct Section<'a> {
    tree: &'a Tree,
    path: KeyPath,
    node: Option<&'a Node>,
}

impl<'a> Section<'a> {
    /// Its path, beginning with `system`.
    pub fn path(&self) -> String {
        self.path.to_string()
    }

    /// The section below it.
    #[must_use]
    pub fn section(&self, path: &str) -> Section<'a> {
        self.tree.section_at(self.path.join(&KeyPath::lenient(path)))
    }

    /// Whether anything is written there.
    pub fn is_present(&self) -> bool {
        self.node.is_some_and(|node| !node.is_null())
    }

    /// Where it was written.
    pub fn origin(&self) -> Origin {
        self.node.map_or_else(Origin::default_value, |node| node.origin.clone())
    }

    /// The names of the keys in it.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.node.and_then(Node::as_map).into_iter().flatten().map(|(key, _)| key.as_str())
    }

    /// Reads it as a struct; `also` are keys in it that are read elsewhere.
    ///
    /// `None` when something is wrong with it, which the problems say.
    pub fn read<T: SettingsSchema>(&self, also: &[&str], problems: &mut Problems) -> Option<T> {
        let before = problems.len();
        let declared = self.tree.declared.get().map(|declared| declared.names_below(&self.path));
        let also: Vec<&str> = also.iter().copied().chain(declared.into_iter().flatten()).collect();
        let value = self.with_input(problems, |input| Form::read(input, &also));
        // Unknown keys are problems although they leave the struct whole.
        value.filter(|_| problems.len() == before)
    }

    /// Reads one key of it.
    ///
    /// `None` when something is wrong with it, which the problems say.
    pub fn setting<V: SettingValue>(
        &self,
        name: &str,
        default: Option<fn() -> V>,
        problems: &mut Problems,
    ) -> Option<V> {
        self.key(&Names::owned(name), default, Rules::default(), problems)
    }

    /// Reads one key of it, by any of its names and as its field asks.
    pub(crate) fn key<V: SettingValue>(
        &self,
        names: &Names,
        default: Option<fn() -> V>,
        rules: Rules,
        problems: &mut Problems,
    ) -> Option<V> {
        let found = self.node.and_then(Node::as_map).and_then(|map| names.find(map));
        let before = problems.len();
        let value = self.with_input(problems, |input| read_field(input, found, names, default, rules));
        value.filter(|_| problems.len() == before)
    }

    fn with_input<R>(&self, problems: &mut Problems, read: impl FnOnce(&mut Input<'_>) -> R) -> R {
        let trail = Trail::base(&self.path);
        let cells = (!self.tree.is_detached).then_some(&*self.tree.cells);
        read(&mut Input { cells, is_partial: self.tree.is_partial, ..Input::alone(self.node, &trail, problems) })
    }
}

impl fmt::Debug for Section<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Section({}) {:?}", self.path, self.node)
    }
}
