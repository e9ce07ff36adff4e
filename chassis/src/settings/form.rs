//! A struct of settings: its fields are listed once, and that list reads them, describes them and shows them.

use std::{borrow::Cow, collections::BTreeSet, fmt::Display};

use serde_json::Value as Json;

use super::{
    input::Input,
    known::field_inside,
    legacy::legacy_key,
    map::Map,
    node::{Node, Value},
    path::{KeyPath, Step},
    problem::Problem,
    rules::{Bound, Rules, Unit},
    setting::Attachment,
    shape::{Change, Field, Shape},
    suggestion::nearest,
    value::SettingValue,
};

/// A struct of settings; derived with `#[derive(SettingsSchema)]`.
///
/// By hand it is a list of fields, all of them read before the first one is missed, so that every problem is told:
///
/// ```
/// use chassis::settings::{Form, SettingsSchema};
///
/// struct Pool {
///     size: u32,
///     name: String,
/// }
///
/// impl SettingsSchema for Pool {
///     fn fields(form: &mut Form<'_>) -> Option<Self> {
///         let size = form.field("size").about("How many connections.").min(1).default(|| 10).read();
///         let name = form.field("name").about("What the peer calls it.").read();
///         Some(Self { size: size?, name: name? })
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a struct of settings",
    label = "these settings cannot be read",
    note = "put `#[derive(SettingsSchema)]` on the struct"
)]
pub trait SettingsSchema: Sized + Send + Sync + 'static {
    /// What it is for.
    const ABOUT: &'static str = "";

    /// Lists the fields; `None` when one of them cannot be read, which the form has noted.
    fn fields(form: &mut Form<'_>) -> Option<Self>;

    /// The fields as a person would write them, without secrets; `null` where that cannot be said. What a default of
    /// the whole struct is shown as.
    fn show_fields(&self) -> Json {
        Json::Null
    }
}

/// No settings.
impl SettingsSchema for () {
    fn fields(_form: &mut Form<'_>) -> Option<Self> {
        Some(())
    }
}

/// What [`SettingsSchema::fields`] lists its fields to.
#[derive(Debug)]
pub struct Form<'a>(Mode<'a>);

#[derive(Debug)]
enum Mode<'a> {
    Describe(Vec<Field>),
    Read(Reading<'a>),
}

#[derive(Debug)]
struct Reading<'a> {
    input: &'a mut Input<'a>,
    map: Option<&'a Map>,
    known: Vec<&'static str>,
    asked: Vec<Asked>,
    /// How many keys of the map were taken for a field.
    found: usize,
    failed: bool,
}

/// A field that was asked for, and what is in it.
#[derive(Debug)]
struct Asked {
    name: &'static str,
    shape: fn() -> Shape,
}

impl Form<'_> {
    /// The fields of `T`.
    pub(crate) fn describe<T: SettingsSchema>() -> Vec<Field> {
        let mut form = Form(Mode::Describe(Vec::new()));
        T::fields(&mut form);
        match form.0 {
            Mode::Describe(fields) => fields,
            Mode::Read(_) => Vec::new(),
        }
    }

    /// Reads a `T` from a map, or from nothing; `also` are keys of the map that others read.
    pub(crate) fn read<T: SettingsSchema>(input: &mut Input<'_>, also: &[&str]) -> Option<T> {
        let json;
        let node = match input.node {
            Some(node) if matches!(node.value, Value::Raw(_)) => {
                match node.parsed() {
                    Ok(parsed) => json = parsed,
                    Err(error) => {
                        input.is_hidden |= Shape::group::<T>().has_secret();
                        input.mismatch(format!("a map written as JSON ({error})"));
                        return None;
                    }
                }
                json.as_ref()
            }
            node => node,
        };
        let map = match node.map(|node| &node.value) {
            None | Some(Value::Null) => None,
            Some(Value::Map(map)) => Some(map),
            Some(_) => {
                input.is_hidden |= Shape::group::<T>().has_secret();
                input.mismatch("a map");
                return None;
            }
        };
        let Input { trail, around, rules, cells, is_hidden, is_partial, .. } = *input;
        let problems = &mut *input.problems;
        let mut own = Input { node, trail, around, rules, cells, is_hidden, is_partial, problems };
        let mut form = Form(Mode::Read(Reading {
            input: &mut own,
            map,
            known: Vec::new(),
            asked: Vec::new(),
            found: 0,
            failed: false,
        }));
        let value = T::fields(&mut form);
        let Mode::Read(mut reading) = form.0 else { return None };
        reading.deny_unknown(also);
        value.filter(|_| !reading.failed)
    }
}

impl<'a> Form<'a> {
    /// The next field, by the name it has in files.
    pub fn field<V>(&mut self, name: &'static str) -> FieldForm<'_, 'a, V> {
        FieldForm {
            form: self,
            name,
            names: Names::new(name),
            about: "",
            default: None,
            rules: Rules::default(),
            change: None,
        }
    }

    /// A rule that concerns several fields, asked once all of them are read.
    pub fn check<T, E: Display>(&mut self, value: Option<T>, rule: impl FnOnce(&T) -> Result<(), E>) -> Option<T> {
        let (Mode::Read(reading), Some(read)) = (&mut self.0, &value) else {
            return value;
        };
        if let Err(error) = rule(read) {
            reading.input.wrong(format!("{error:#}"));
            reading.failed = true;
        }
        value
    }
}

impl Reading<'_> {
    fn deny_unknown(&mut self, also: &[&str]) {
        let Some(map) = self.map.filter(|map| map.len() > self.found) else { return };
        let known: BTreeSet<&str> = self.known.iter().chain(also).copied().collect();
        for (key, node) in map {
            if known.contains(key.as_str()) {
                continue;
            }
            let path = self.input.trail.path().child(key);
            if let Some(notice) = legacy_key(&path) {
                self.input.problems.notice(format!("`{path}` (at {}) {notice}", node.named_at()));
                continue;
            }
            let known = self.known.iter().copied().chain(also.iter().copied());
            let deeper = self.deeper(key);
            self.input.problems.push(match deeper.is_empty() {
                true => unknown_key(path, node, known),
                false => unknown(path, node).help(format!("did you mean {}?", deeper.join(" or "))),
            });
        }
    }

    /// Where a key of this name stands that is known one level further down.
    fn deeper(&self, key: &str) -> Vec<String> {
        let holds = |asked: &&Asked| field_inside(&(asked.shape)(), key).is_some();
        self.asked.iter().filter(holds).map(|asked| format!("`{}.{key}`", asked.name)).collect()
    }
}

/// The problem of a key that nobody declared.
pub(crate) fn unknown_key<'k>(path: KeyPath, node: &Node, known: impl Iterator<Item = &'k str> + Clone) -> Problem {
    let name = path.steps().next_back().unwrap_or_default().to_owned();
    let problem = unknown(path, node);
    if let Some(nearest) = nearest(&name, known.clone()) {
        return problem.help(format!("did you mean `{nearest}`?"));
    }
    let mut names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
    names.sort();
    match names.len() {
        0 => problem.help("nothing can be set here"),
        1..=12 => problem.help(format!("known here: {}", names.join(", "))),
        _ => problem,
    }
}

fn unknown(path: KeyPath, node: &Node) -> Problem {
    Problem::at(path, "unknown key").origin(node.named_at().clone())
}

/// How a field is called in files.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    name: Cow<'static, str>,
    aliases: &'static [&'static str],
}

impl Names {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name: Cow::Borrowed(name), aliases: &[] }
    }

    pub(crate) fn owned(name: &str) -> Self {
        Self { name: Cow::Owned(name.to_owned()), aliases: &[] }
    }

    pub(crate) fn or(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        [self.name.as_ref()].into_iter().chain(self.aliases.iter().copied())
    }

    /// The field in a map, by the name that is there.
    pub(crate) fn find<'m>(&self, map: &'m Map) -> Option<(&'m str, &'m Node)> {
        self.all().find_map(|name| map.get_key_value(name)).map(|(name, node)| (name.as_str(), node.as_ref()))
    }
}

/// A field of a [`Form`]: say what it is, then [`read`](FieldForm::read) it.
#[derive(Debug)]
#[must_use = "a field is listed by reading it"]
pub struct FieldForm<'f, 'a, V> {
    form: &'f mut Form<'a>,
    name: &'static str,
    names: Names,
    about: &'static str,
    default: Option<fn() -> V>,
    rules: Rules,
    change: Option<Change>,
}

impl<V> FieldForm<'_, '_, V> {
    /// What it means, for schema and sample.
    pub fn about(mut self, about: &'static str) -> Self {
        self.about = about;
        self
    }

    /// Its value when nobody sets it.
    pub fn default(mut self, default: fn() -> V) -> Self {
        self.default = Some(default);
        self
    }

    /// Other names that it may have in files.
    pub fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.names.aliases = aliases;
        self
    }

    /// Its least value.
    pub fn min(mut self, min: impl Into<Bound>) -> Self {
        self.rules.min = Some(min.into());
        self
    }

    /// Its greatest value.
    pub fn max(mut self, max: impl Into<Bound>) -> Self {
        self.rules.max = Some(max.into());
        self
    }

    /// What a bare number means, for a duration.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.rules.unit = unit;
        self
    }

    /// How it follows a changed value, where the type does not say it.
    pub fn change(mut self, change: Change) -> Self {
        self.change = Some(change);
        self
    }

    /// Reads it; `None` when that is not possible, which the form has noted.
    pub fn read(self) -> Option<V>
    where
        V: SettingValue,
    {
        let Self { form, name, names, about, default, rules, change } = self;
        match &mut form.0 {
            Mode::Describe(fields) => {
                fields.push(Field {
                    name: name.to_owned(),
                    aliases: names.aliases,
                    about: about.to_owned(),
                    shape: V::shape(),
                    default: default.map(|default| default().show()),
                    rules,
                    change,
                });
                None
            }
            Mode::Read(reading) => {
                reading.known.push(name);
                reading.known.extend(names.aliases);
                reading.asked.push(Asked { name, shape: V::shape });
                let found = reading.map.and_then(|map| names.find(map));
                reading.found += usize::from(found.is_some());
                if let (Some((first, _)), Some(map)) = (found, reading.map) {
                    let twice = names.all().find(|name| *name != first && map.contains_key(*name));
                    if let Some(second) = twice {
                        let what = format!("is set twice: as `{first}` and by its other name `{second}`");
                        let path = reading.input.trail.path().child(first);
                        let origin = map[second].named_at().clone();
                        reading.input.problems.push(Problem::at(path, what).origin(origin));
                    }
                }
                read_field(reading.input, found, &names, default, rules)
            }
        }
    }
}

/// Reads a field where it is, or takes its default.
pub(crate) fn read_field<V: SettingValue>(
    input: &mut Input<'_>,
    found: Option<(&str, &Node)>,
    names: &Names,
    default: Option<fn() -> V>,
    rules: Rules,
) -> Option<V> {
    let (key, node) = match found {
        Some((key, node)) => (key, Some(node)),
        None => (names.name.as_ref(), None),
    };
    input.inside(Step::Key(key), node, |input| {
        input.rules = rules;
        let value = match (node, default) {
            (Some(node), _) if !node.is_null() || V::shape().is_optional() => V::read(input),
            (_, Some(default)) => Some(default()),
            (_, None) => V::read_absent(input),
        };
        if let Some(value) = &value {
            value.attach(&Attachment { cells: input.cells, trail: input.trail, names, default, rules });
        }
        value
    })
}
