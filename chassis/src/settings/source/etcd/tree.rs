//! What stands below the prefix, by key, and how it becomes settings.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::Value as Json;

use crate::settings::{
    map::Map,
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    problem::{Problem, Problems},
    source::Layer,
};

/// Names deeper than this are no settings.
const DEEPEST: usize = 64;

/// The keys below the prefix and what they hold.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Keys {
    entries: BTreeMap<Vec<u8>, Entry>,
}

/// What one key holds.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// When it was last written.
    revision: i64,
    /// The value, or what is wrong with it, in words without any of it.
    value: Result<Arc<Node>, String>,
}

impl Entry {
    pub(super) fn of(key: &[u8], document: &[u8], revision: i64) -> Self {
        Self { revision, value: parse(document, &origin(key, revision)).map(Arc::new) }
    }
}

/// What was read in order is put together at once.
impl FromIterator<(Vec<u8>, Entry)> for Keys {
    fn from_iter<I: IntoIterator<Item = (Vec<u8>, Entry)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect() }
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        let is_same_value = match (&self.value, &other.value) {
            (Ok(one), Ok(other)) => one.same_value(other),
            (Err(one), Err(other)) => one == other,
            _ => false,
        };
        self.revision == other.revision && is_same_value
    }
}

impl Keys {
    /// Takes over what was written to a key.
    pub(super) fn put(&mut self, key: Vec<u8>, document: &[u8], revision: i64) {
        let entry = Entry::of(&key, document, revision);
        self.entries.insert(key, entry);
    }

    /// Forgets a key.
    pub(super) fn delete(&mut self, key: &[u8]) {
        self.entries.remove(key);
    }

    /// Takes over what is going to be written, from the place it is written in.
    pub(super) fn put_from(&mut self, key: Vec<u8>, document: &[u8], origin: &Origin) {
        self.entries.insert(key, Entry { revision: 0, value: parse(document, origin).map(Arc::new) });
    }

    /// All keys with their revisions.
    pub(super) fn revisions(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.entries.iter().map(|(key, entry)| (key.as_slice(), entry.revision))
    }

    /// When the key was last written, if it exists.
    pub(super) fn revision(&self, key: &[u8]) -> Option<i64> {
        self.entries.get(key).map(|entry| entry.revision)
    }

    /// Whether the key holds the same as the document.
    pub(super) fn says(&self, key: &[u8], document: &str) -> bool {
        let Some(Entry { value: Ok(node), .. }) = self.entries.get(key) else { return false };
        parse(document.as_bytes(), &node.origin).is_ok_and(|other| node.same_value(&other))
    }

    /// The keys that cannot be settings beside this one: those that it is below, and those below it.
    pub(super) fn above_and_below(&self, key: &[u8]) -> impl Iterator<Item = (&[u8], i64)> {
        let above = (1..key.len()).filter(|&end| key[end] == b'/').map(|end| key[..end].to_vec());
        let above = above.filter_map(|above| self.entries.get_key_value(&above));
        let start = [key, b"/"].concat();
        let below = self.entries.range(start.clone()..).take_while(move |(key, _)| key.starts_with(&start));
        above.chain(below).map(|(key, entry)| (key.as_slice(), entry.revision))
    }

    /// The keys whose names and values are as they should be, with path and revision.
    pub(super) fn good(&self, prefix: &str) -> impl Iterator<Item = (&str, KeyPath, &Node, i64)> {
        self.entries.iter().filter_map(move |(key, Entry { revision, value })| {
            name(key, prefix).ok()?;
            Some((std::str::from_utf8(key).ok()?, path(key, prefix), value.as_ref().ok()?.as_ref(), *revision))
        })
    }

    /// The settings below `prefix`, and everything that is wrong with them.
    pub(super) fn layer(&self, prefix: &str, problems: &mut Problems) -> Layer {
        self.tell_same_but_for_case(problems);
        let mut layer = Layer::empty();
        let mut good: Vec<(&str, &Arc<Node>)> = Vec::with_capacity(self.entries.len());
        // Keys that hold a value and are the beginning of the next one: `/a` for `/a/b`.
        let mut above: Vec<(&[u8], i64)> = Vec::new();
        for (key, Entry { revision, value }) in &self.entries {
            while above.pop_if(|(start, _)| !key.starts_with(start)).is_some() {}
            let mut tell = |what: String, help: &str| {
                let problem = Problem::at(path(key, prefix), what).origin(origin(key, *revision));
                problems.push(problem.help(help).if_read());
            };
            let name = match name(key, prefix) {
                Ok(name) => name,
                Err(why) => {
                    tell(why, "delete the key");
                    continue;
                }
            };
            if let Some((start, revision)) = above.iter().find(|(start, _)| key.get(start.len()) == Some(&b'/')) {
                let what = format!("is below a key that has a value itself, {}", origin(start, *revision));
                tell(what, "delete one of the two");
                continue;
            }
            above.push((key, *revision));
            match value {
                Ok(node) => good.push((name, node)),
                Err(why) => {
                    tell(format!("the value is no JSON document: {why}"), "text is written in double quotes");
                    layer.is_partial = true;
                }
            }
        }
        layer.root.value = Value::Map(directory(&good, 0));
        layer
    }

    /// Warns of keys that only a careful reader tells apart.
    fn tell_same_but_for_case(&self, problems: &mut Problems) {
        let mut seen: HashMap<Vec<u8>, &[u8]> = HashMap::new();
        for key in self.entries.keys().filter(|key| key.iter().any(u8::is_ascii_uppercase)) {
            let folded = key.to_ascii_lowercase();
            let other = self.entries.get_key_value(&folded).map(|(other, _)| other.as_slice());
            let Some(other) = other.or_else(|| seen.insert(folded, key)) else { continue };
            let origin = |key: &[u8]| origin(key, self.revision(key).unwrap_or_default());
            let what = format!("differs only in case from {}", origin(other));
            problems.warn(Problem::of_source(origin(key), what).help("delete the one that nobody means"));
        }
    }
}

/// A key as it was written last.
fn origin(key: &[u8], revision: i64) -> Origin {
    match std::str::from_utf8(key) {
        Ok(key) => Origin::etcd(key, revision),
        Err(_) => Origin::etcd(String::from_utf8_lossy(key), revision),
    }
}

fn parse(document: &[u8], origin: &Origin) -> Result<Node, String> {
    let json: Json = match serde_json::from_slice(document) {
        Ok(json) => json,
        Err(_) if document.is_empty() => return Err("it is empty".to_owned()),
        // Its words hold places and what was expected, and nothing of the text.
        Err(error) => return Err(error.to_string()),
    };
    let is_spelled = matches!(json, Json::Number(_) | Json::Bool(_));
    let node = Node::from_json(json, origin);
    if is_spelled && let Ok(text) = std::str::from_utf8(document) {
        return Ok(node.spelled(text.trim()));
    }
    Ok(node)
}

/// The name of a key below the prefix, or what is wrong with it.
fn name<'a>(key: &'a [u8], prefix: &str) -> Result<&'a str, String> {
    let Ok(key) = std::str::from_utf8(key) else {
        return Err("the name of this key is not UTF-8".to_owned());
    };
    let name = key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(key);
    // As if a slash stood before and after it.
    let (mut last, mut depth, mut is_missing) = (b'/', 0, false);
    for byte in name.bytes().chain([b'/']) {
        depth += usize::from(byte == b'/');
        is_missing |= byte == b'/' && last == b'/';
        last = byte;
    }
    if is_missing {
        return Err("a name before, between or after slashes is missing".to_owned());
    }
    if depth > DEEPEST {
        return Err(format!("the key has more than {DEEPEST} names"));
    }
    Ok(name)
}

/// Whether a key below the prefix is one of the settings: the instances of services stand there, too, and their leaders.
pub(super) fn is_setting(key: &[u8], prefix: &str) -> bool {
    let below = key.strip_prefix(prefix.as_bytes()).unwrap_or(key);
    !below.starts_with(b"/discovery/") && !below.starts_with(b"/leaders/")
}

/// The path of a key; where something is wrong with its name, the one that was probably meant.
fn path(key: &[u8], prefix: &str) -> KeyPath {
    let text = String::from_utf8_lossy(key);
    let rest = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&text);
    let steps = rest.split('/').filter(|step| !step.is_empty()).map(Box::from).take(DEEPEST);
    KeyPath::from_steps(steps.collect())
}

/// What these keys are together. They are sorted, and the same up to `depth`: what is in one directory stands together.
fn directory(keys: &[(&str, &Arc<Node>)], depth: usize) -> Map {
    let mut rest = keys;
    let next = || {
        let &[(key, node), ..] = rest else { return None };
        let name = key[depth..].split('/').next().unwrap_or_default();
        let end = depth + name.len();
        if end == key.len() {
            rest = &rest[1..];
            return Some((name.to_owned(), Arc::clone(node)));
        }
        let start = &key[depth..=end];
        let (inside, others) = rest.split_at(rest.partition_point(|(key, _)| key[depth..].starts_with(start)));
        rest = others;
        let directory = Value::Map(directory(inside, end + 1));
        Some((name.to_owned(), Node::new(directory, node.origin.clone()).into()))
    };
    std::iter::from_fn(next).collect()
}

#[cfg(test)]
mod tests;
