//! All there is to know of one key: what it is, what is said of it and by whom, and what counts.

use std::fmt;

use serde_json::{Value as Json, json};

use super::{
    declared::Declared,
    effective::{Effective, masked_by_name, shown},
    known::{Content, Effect, Known, about, field_inside, inside, known, shown_default},
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    sample::{accepted, flow},
    secret::MASK,
    shape::{Field, Shape},
    suggestion::nearest,
    tree::Tree,
};

/// All there is to know of one key.
#[derive(Debug, Clone)]
pub(crate) struct Explanation {
    pub(crate) path: KeyPath,
    /// What it means; empty where nobody says.
    about: String,
    /// Who reads it; empty where this service does not.
    owner: String,
    content: Of,
}

#[derive(Debug, Clone)]
enum Of {
    Section(Vec<Effective>),
    Value(Box<Explained>),
}

#[derive(Debug, Clone)]
struct Explained {
    value: Json,
    /// What may be written; empty where nobody declared it.
    accepted: String,
    default: Option<Json>,
    is_required: bool,
    effect: Option<Effect>,
    variable: Option<String>,
    /// Whoever says something about it, the lowest first.
    chain: Vec<Said>,
}

/// What one source says of a key.
#[derive(Debug, Clone)]
struct Said {
    value: Json,
    origin: Origin,
    /// Said for this service alone.
    is_override: bool,
    /// Part of what is in force: the last word, and for a map also what it is laid over.
    is_in_force: bool,
}

impl Tree {
    /// Explains the key or section at `path`.
    ///
    /// # Errors
    /// Keys that were perhaps meant, where nobody reads it and nothing is said of it.
    pub(crate) fn explain(&self, declared: &[Declared], path: &KeyPath) -> Result<Explanation, Vec<String>> {
        let known = known(declared);
        let path = self.meant(&known, path);
        if let Some(found) = known.iter().find(|known| known.is_called(&path)) {
            return Ok(match &found.content {
                Content::Section => {
                    let below = Of::Section(self.below(declared, &found.path));
                    Explanation::of(found, found.path.clone(), below)
                }
                Content::Value(field, effect) => {
                    let value = self.value(&found.names, &found.path, Some((field, &field.shape)), Some(effect));
                    Explanation::of(found, found.path.clone(), Of::Value(Box::new(value)))
                }
            });
        }
        if known.iter().any(|known| known.path.starts_with(&path)) {
            let (about, owner) = (String::new(), String::new());
            let content = Of::Section(self.below(declared, &path));
            return Ok(Explanation { path, about, owner, content });
        }
        if let Some((found, Inside { names, shape, field })) = known.iter().rev().find_map(|known| known.inside(&path))
        {
            let read_as = field.or(found.field().map(|(field, _)| field)).map(|field| (field, shape));
            let value = self.value(&names, &path, read_as, found.field().map(|(_, effect)| effect));
            // An entry of a map or an item of a list has nothing that is its own.
            let value = match field {
                Some(_) => value,
                None => Explained { default: None, is_required: false, ..value },
            };
            let about = field.map(about).filter(|about| !about.is_empty());
            let explanation = Explanation::of(found, path, Of::Value(Box::new(value)));
            return Ok(Explanation { about: about.unwrap_or_else(|| found.about.clone()), ..explanation });
        }
        let names: Vec<Vec<String>> = path.steps().map(|step| vec![step.to_owned()]).collect();
        let value = self.value(&names, &path, None, None);
        if value.chain.is_empty() {
            return Err(suggestions(&known, &path));
        }
        let (about, owner) = (String::new(), String::new());
        Ok(Explanation { path, about, owner, content: Of::Value(Box::new(value)) })
    }

    /// The key itself, where what is named is the place that overrides it for this service.
    fn meant(&self, known: &[Known], path: &KeyPath) -> KeyPath {
        let own = self.own_path();
        let is_known = |path: &KeyPath| known.iter().any(|known| known.path.starts_with(path) || known.holds(path));
        if !path.starts_with(&own) || is_known(path) {
            return path.clone();
        }
        let rest = KeyPath::from_steps(path.steps().skip(own.steps().len()).map(Box::from).collect());
        if is_known(&rest) { rest } else { path.clone() }
    }

    fn below(&self, declared: &[Declared], path: &KeyPath) -> Vec<Effective> {
        let inside = format!("{path}.");
        self.effective(declared).into_iter().filter(|effective| effective.key.starts_with(&inside)).collect()
    }

    fn value(
        &self,
        names: &[Vec<String>],
        path: &KeyPath,
        field: Option<(&Field, &Shape)>,
        effect: Option<&Effect>,
    ) -> Explained {
        let show = |node: &Node| match field {
            Some((_, shape)) => shown(node, shape),
            None if names.iter().flatten().any(|name| super::effective::looks_secret(name)) => {
                Json::String(MASK.to_owned())
            }
            None => masked_by_name(names.last().and_then(|names| names.first()).map_or("", String::as_str), node),
        };
        let mut said: Vec<(Node, bool)> = Vec::new();
        for layer in self.layers.iter() {
            said.extend(find(&layer.root, names).map(|node| (node, false)));
            said.extend(find_own(&layer.root, &self.service, names).map(|node| (node, true)));
        }
        let from = in_force(&said);
        let chain = said.iter().enumerate().map(|(place, (node, is_override))| Said {
            value: show(node),
            origin: node.origin.clone(),
            is_override: *is_override,
            is_in_force: from.is_some_and(|from| place >= from),
        });
        let default = field.and_then(|(field, _)| shown_default(field));
        let in_force = find(&self.root, names).filter(|node| !node.is_null());
        Explained {
            value: in_force.map_or_else(|| default.clone().unwrap_or_default(), |node| show(&node)),
            accepted: field.map_or_else(String::new, |(field, shape)| accepted(shape.plain(), field)),
            default,
            is_required: field.is_some_and(|(field, _)| field.is_required()),
            effect: effect.cloned(),
            variable: path.variable(),
            chain: chain.collect(),
        }
    }
}

impl Explanation {
    fn of(known: &Known, path: KeyPath, content: Of) -> Self {
        Self { path, about: known.about.clone(), owner: known.owner.clone(), content }
    }

    /// The same for programs.
    pub(crate) fn to_json(&self) -> Json {
        let Self { path, about, owner, content } = self;
        let mut json = json!({ "key": path.to_string(), "about": about, "read_by": owner });
        match content {
            Of::Section(keys) => {
                json["keys"] = keys.iter().map(|effective| effective.key.as_str()).collect();
            }
            Of::Value(explained) => {
                let Explained { value, accepted, default, is_required, effect, variable, chain } = &**explained;
                json["value"] = value.clone();
                json["accepts"] = accepted.as_str().into();
                json["default"] = default.clone().unwrap_or_default();
                json["is_required"] = (*is_required).into();
                json["change"] = effect.as_ref().map_or(Json::Null, |effect| effect.word().into());
                if let Some(Effect::Resource(name)) = effect {
                    json["restarts"] = name.as_str().into();
                }
                json["variable"] = variable.as_deref().into();
                json["said"] = chain.iter().map(Said::to_json).collect();
            }
        }
        json
    }
}

impl Said {
    fn to_json(&self) -> Json {
        let Self { value, origin, is_override, is_in_force } = self;
        json!({
            "value": value,
            "origin": origin.to_string(),
            "for_this_service": is_override,
            "in_force": is_in_force,
        })
    }
}

/// For people: what it is, then who says what, the lowest first and what counts marked by `>`.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, about, owner, content } = self;
        match content {
            Of::Section(_) => writeln!(f, "{path} is a section")?,
            Of::Value(explained) => writeln!(f, "{path}: {}", explained.value)?,
        }
        about.lines().map(str::trim).filter(|line| !line.is_empty()).try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f)?;
        let mut fact = |name: &str, what: &str| match what {
            "" => Ok(()),
            what => writeln!(f, "  {name:<9} {what}"),
        };
        match (content, owner.as_str()) {
            (Of::Value(_), "") => fact("read by", "nobody declares it in this service")?,
            (_, owner) => fact("read by", owner)?,
        }
        let explained = match content {
            Of::Section(keys) => {
                return keys
                    .iter()
                    .try_for_each(|Effective { key, value, origin }| writeln!(f, "  {key}: {value} # {origin}"));
            }
            Of::Value(explained) => explained,
        };
        let Explained { accepted, default, is_required, effect, variable, chain, .. } = &**explained;
        fact("type", accepted)?;
        match default {
            Some(Json::Null) => fact("default", "none")?,
            Some(default) => fact("default", &flow(default))?,
            None if *is_required => fact("default", "none; it is required")?,
            None => {}
        }
        fact("changes", &effect.as_ref().map(ToString::to_string).unwrap_or_default())?;
        fact("variable", variable.as_deref().unwrap_or_default())?;
        let origin = |said: &Said| match said.is_override {
            true => format!("{} (for this service)", said.origin),
            false => said.origin.to_string(),
        };
        let default = default.iter().filter(|default| !default.is_null()).map(|default| {
            let is_in_force = !chain.iter().any(|said| said.is_in_force);
            ("default".to_owned(), default.to_string(), is_in_force)
        });
        let said = chain.iter().map(|said| (origin(said), said.value.to_string(), said.is_in_force));
        let lines: Vec<_> = default.chain(said).collect();
        if lines.is_empty() {
            return writeln!(f, "\n  nobody sets it");
        }
        let width = lines.iter().map(|(origin, ..)| origin.chars().count()).max().unwrap_or_default();
        writeln!(f, "\n  set by, the lowest first; `>` is in force:")?;
        lines.iter().try_for_each(|(origin, value, is_in_force)| {
            let mark = if *is_in_force { '>' } else { ' ' };
            writeln!(f, "  {mark} {origin:<width$}  {value}")
        })
    }
}

impl Known {
    fn is_called(&self, path: &KeyPath) -> bool {
        path.steps().len() == self.names.len() && self.holds(path)
    }

    /// Whether `path` is its own, or one inside of it.
    fn holds(&self, path: &KeyPath) -> bool {
        let mut steps = path.steps();
        self.names.iter().all(|names| steps.next().is_some_and(|step| names.iter().any(|name| name == step)))
    }

    /// What is at `path` inside of its value.
    fn inside(&self, path: &KeyPath) -> Option<(&Known, Inside<'_>)> {
        let (field, _) = self.field().filter(|_| self.holds(path))?;
        let rest = path.steps().skip(self.names.len());
        let further = |(shape, _), step: &str| Some((inside(shape, step)?, field_inside(shape, step)));
        let (shape, field) = rest.clone().try_fold((&field.shape, None), further)?;
        let names = self.names.iter().cloned().chain(rest.map(|step| vec![step.to_owned()])).collect();
        Some((self, Inside { names, shape, field }))
    }
}

/// What is inside of a value.
struct Inside<'k> {
    /// What leads there.
    names: Vec<Vec<String>>,
    shape: &'k Shape,
    /// Where it is a field of a struct.
    field: Option<&'k Field>,
}

/// What is said at a place, by any of its names; text that is JSON is taken apart on the way.
pub(super) fn find(root: &Node, names: &[Vec<String>]) -> Option<Node> {
    let [first, rest @ ..] = names else { return Some(root.clone()) };
    if let Value::Raw(_) = &root.value {
        return find(&root.parsed().ok().flatten()?, names);
    }
    let child = match &root.value {
        Value::List(items) => items.get(first.first()?.parse::<usize>().ok()?)?,
        Value::Map(map) => first.iter().find_map(|name| map.get(name))?,
        _ => return None,
    };
    find(child, rest)
}

/// What is said for the service alone.
fn find_own(root: &Node, service: &str, names: &[Vec<String>]) -> Option<Node> {
    if names.first().is_some_and(|names| names.iter().any(|name| name == super::merge::SERVICES)) {
        return None;
    }
    // Names of variables have no hyphen.
    let called = vec![service.to_owned(), service.replace('-', "_")];
    let above = [vec![super::merge::SERVICES.to_owned()], called];
    let names: Vec<Vec<String>> = above.into_iter().chain(names.iter().cloned()).collect();
    find(root, &names)
}

/// From which on what is said is in force; `None` where the default is.
fn in_force(said: &[(Node, bool)]) -> Option<usize> {
    let is_map = |node: &Node| node.is_map() || matches!(node.parsed(), Ok(Some(parsed)) if parsed.is_map());
    let last = said.len().checked_sub(1)?;
    if said[last].0.is_null() {
        return None;
    }
    let below = said[..last].iter().rposition(|(node, _)| !is_map(node)).map_or(0, |place| place + 1);
    Some(if is_map(&said[last].0) { below } else { last })
}

/// Keys that were perhaps meant.
fn suggestions(known: &[Known], path: &KeyPath) -> Vec<String> {
    const MOST: usize = 5;
    let (written, wanted) = (path.below_root(), path.steps().collect::<Vec<_>>());
    let keys: Vec<(String, &Known)> = known.iter().map(|known| (known.path.below_root(), known)).collect();
    let ends_so = |known: &Known| known.path.steps().rev().zip(wanted.iter().rev()).all(|(one, other)| one == *other);
    let mut found: Vec<String> = keys
        .iter()
        .filter(|(_, known)| known.names.len() > wanted.len() && ends_so(known))
        .map(|(key, _)| key.clone())
        .collect();
    found.extend(nearest(&written, keys.iter().map(|(key, _)| key.as_str())).map(str::to_owned));
    if let (true, Some(last)) = (found.is_empty(), wanted.last()) {
        let ends: Vec<&str> = keys.iter().filter_map(|(_, known)| known.path.steps().next_back()).collect();
        if let Some(nearest) = nearest(last, ends) {
            let is_it = |known: &Known| known.path.steps().next_back() == Some(nearest);
            found.extend(keys.iter().filter(|(_, known)| is_it(known)).map(|(key, _)| key.clone()));
        }
    }
    found.truncate(MOST);
    found
}
