//! A value of the tree with its origin. Its `Debug` shows no values: any of them may be a secret.

use std::fmt;

use serde_json::Value as Json;

use super::{map::Map, origin::Origin, path::KeyPath};
use crate::json::object;

/// A value, where it was written, and how.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// Where its key was written, in a file.
    pub(crate) key_origin: Option<Origin>,
    /// How a scalar was spelled in its file: `0123`, `1.10`, `yes`. What is read as text is read as this.
    pub(crate) spelling: Option<Box<str>>,
    /// What it replaced in a lower source, where one of the two is a map and the other is not.
    pub(crate) hides: Option<Origin>,
    /// It stands below `system.microservices.<service>`, and was laid over the key without that.
    pub(crate) is_override: bool,
}

/// What a value can be.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(Box<str>),
    /// Text of the environment or the command line: what it means is decided by the type that is declared.
    Raw(Box<str>),
    List(Vec<Node>),
    Map(Map),
}

impl Node {
    pub(crate) fn new(value: Value, origin: Origin) -> Self {
        Self { value, origin, key_origin: None, spelling: None, hides: None, is_override: false }
    }

    pub(crate) fn spelled(mut self, spelling: &str) -> Self {
        self.spelling = Some(Box::from(spelling));
        self
    }

    /// Where its key was written, or else the value.
    pub(crate) fn named_at(&self) -> &Origin {
        self.key_origin.as_ref().unwrap_or(&self.origin)
    }

    pub(crate) fn empty_map(origin: Origin) -> Self {
        Self::new(Value::Map(Map::new()), origin)
    }

    /// The same as JSON, all of it with one origin.
    pub(crate) fn from_json(json: Json, origin: &Origin) -> Self {
        let value = match json {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(value),
            Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(value), _, _) => Value::Int(value.into()),
                (_, Some(value), _) => Value::Int(value.into()),
                (_, _, value) => Value::Float(value.unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.into()),
            Json::Array(items) => Value::List(items.into_iter().map(|item| Self::from_json(item, origin)).collect()),
            Json::Object(items) => {
                Value::Map(items.into_iter().map(|(key, item)| (key, Self::from_json(item, origin))).collect())
            }
        };
        Self::new(value, origin.clone())
    }

    /// The value as JSON; raw text stays text.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Int(value) => int_json(*value),
            Value::Float(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
            Value::Text(text) | Value::Raw(text) => Json::String(text.to_string()),
            Value::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Value::Map(items) => Json::Object(object(items.iter().map(|(key, item)| (key, item.to_json())))),
        }
    }

    /// A list or map written as JSON in raw text, as if it had been written in a file.
    pub(crate) fn parsed(&self) -> Result<Option<Node>, serde_json::Error> {
        match &self.value {
            Value::Raw(text) => serde_json::from_str(text).map(|json| Some(Self::from_json(json, &self.origin))),
            _ => Ok(None),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    pub(crate) fn is_map(&self) -> bool {
        matches!(self.value, Value::Map(_))
    }

    pub(crate) fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }

    pub(crate) fn at(&self, path: &KeyPath) -> Option<&Node> {
        path.steps().try_fold(self, |node, step| match &node.value {
            Value::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => node.child(step),
        })
    }

    /// Takes away what is at `path`.
    pub(crate) fn remove(&mut self, path: &KeyPath) {
        let mut steps = path.steps();
        let Some(last) = steps.next_back() else { return };
        let mut at = self;
        for step in steps {
            let Value::Map(map) = &mut at.value else { return };
            let Some(next) = map.get_mut(step) else { return };
            at = next;
        }
        if let Value::Map(map) = &mut at.value {
            map.remove(last);
        }
    }

    /// Whether both hold the same, wherever it was written.
    pub(crate) fn same_value(&self, other: &Node) -> bool {
        self.value == other.value && self.spelling == other.spelling
    }

    /// What it is, for a report.
    pub(crate) fn found(&self, is_hidden: bool) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a map".to_owned(),
            _ if is_hidden => "a value that is not shown here".to_owned(),
            Value::Text(text) => format!("text {}", quoted(text)),
            Value::Raw(text) => quoted(text),
            Value::Bool(value) => self.spelling.as_deref().map_or_else(|| value.to_string(), shortened),
            Value::Int(value) => self.spelling.as_deref().map_or_else(|| value.to_string(), shortened),
            Value::Float(value) => self.spelling.as_deref().map_or_else(|| value.to_string(), shortened),
        }
    }
}

/// Whether both are one map that nobody has changed since: everything in them is the same, its origins too.
pub(crate) fn is_shared(one: Option<&Node>, other: Option<&Node>) -> bool {
    let maps = (one.and_then(Node::as_map), other.and_then(Node::as_map));
    matches!(maps, (Some(one), Some(other)) if one.is_shared_with(other))
}

/// Equal in value; origins do not count.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.same_value(other)
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Value::Map(map) => f.debug_map().entries(map).finish(),
            Value::List(items) => f.debug_list().entries(items).finish(),
            _ => write!(f, "… at {}", self.origin),
        }
    }
}

pub(crate) fn int_json(value: i128) -> Json {
    match (i64::try_from(value), u64::try_from(value)) {
        (Ok(value), _) => value.into(),
        (_, Ok(value)) => value.into(),
        _ => Json::String(value.to_string()),
    }
}

/// Text in double quotes, without anything a terminal would act on, and not longer than a line.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", cut(text))
}

fn shortened(text: &str) -> String {
    cut(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(value: Value) -> Node {
        Node::new(value, Origin::builder())
    }

    #[test]
    fn what_was_found_is_told_in_one_line_and_never_when_hidden() {
        assert_eq!(node(Value::Text("8o80".into())).found(false), "text \"8o80\"");
        assert_eq!(node(Value::Raw("a\u{1b}[2J\nb".into())).found(false), "\"a\\u{1b}[2J\\nb\"");
        assert_eq!(node(Value::Int(7)).spelled("0o7").found(false), "0o7");
        assert_eq!(node(Value::Text("hunter2".into())).found(true), "a value that is not shown here");
        assert!(node(Value::Text("x".repeat(1000).into())).found(false).chars().count() < 80);
    }

    #[test]
    fn debug_shows_no_value() {
        let map = Map::from([("password".to_owned(), node(Value::Text("hunter2".into())))]);
        assert_eq!(format!("{:?}", node(Value::Map(map))), "{\"password\": … at builder}");
    }
}
