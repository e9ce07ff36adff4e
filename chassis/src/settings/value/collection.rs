//! Optional values, lists and maps. In the environment and on the command line they are written as JSON.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::json::object;
use crate::settings::{
    input::Input,
    map::Map,
    node::{Node, Value},
    path::Step,
    shape::{Kind, Shape},
};

impl<T: SettingValue> SettingValue for Option<T> {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        match input.node.map(|node| &node.value) {
            None | Some(Value::Null) => Some(None),
            // The way to take back a lower source's value: `--set resources.http.tls=null`.
            Some(Value::Raw(text)) if text.as_ref() == "null" => Some(None),
            Some(_) => T::read(input).map(Some),
        }
    }

    fn read_absent(_input: &mut Input<'_>) -> Option<Self> {
        Some(None)
    }

    fn shape() -> Shape {
        Shape(Kind::Optional(Box::new(T::shape())))
    }

    fn show(&self) -> Json {
        self.as_ref().map_or(Json::Null, SettingValue::show)
    }
}

impl<T: SettingValue> SettingValue for Vec<T> {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let Some(Written::List(items)) = written::<T>(input, "a list", r#"["a", "b"]"#) else { return None };
        let items: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| input.inside(Step::Index(index), Some(item), T::read))
            .collect();
        items.into_iter().collect()
    }

    fn shape() -> Shape {
        Shape(Kind::List(Box::new(T::shape())))
    }

    fn show(&self) -> Json {
        Json::Array(self.iter().map(SettingValue::show).collect())
    }
}

/// The items of a map, all of them read before the first one is missed.
fn read_items<T: SettingValue>(input: &mut Input<'_>) -> Option<Vec<Option<(String, T)>>> {
    let Some(Written::Map(map)) = written::<T>(input, "a map", r#"{"a": …}"#) else { return None };
    let items = map
        .iter()
        .map(|(key, item)| {
            input
                .inside(Step::Key(key), Some(item), |input| match item.value {
                    Value::Null => T::read_absent(input),
                    _ => T::read(input),
                })
                .map(|item| (key.clone(), item))
        })
        .collect();
    Some(items)
}

macro_rules! maps {
    ($($map:ident)*) => {$(
        impl<T: SettingValue> SettingValue for $map<String, T> {
            plain!();

            fn read(input: &mut Input<'_>) -> Option<Self> {
                let mut map = Self::new();
                for item in read_items::<T>(input)? {
                    let (key, value) = item?;
                    map.insert(key, value);
                }
                Some(map)
            }

            fn shape() -> Shape {
                Shape(Kind::Map(Box::new(T::shape())))
            }

            fn show(&self) -> Json {
                Json::Object(object(self.iter().map(|(key, value)| (key, value.show()))))
            }
        }
    )*};
}

maps!(BTreeMap HashMap);

/// A list or a map, wherever it was written.
enum Written {
    List(Vec<Node>),
    Map(Map),
}

fn written<T: SettingValue>(input: &mut Input<'_>, expected: &str, example: &str) -> Option<Written> {
    let wants_list = expected == "a list";
    let node = input.node?;
    let (value, is_raw) = match node.parsed() {
        Ok(Some(parsed)) => (parsed.value, true),
        Ok(None) => (node.value.clone(), false),
        Err(_) => (Value::Null, true),
    };
    match value {
        Value::List(items) if wants_list => Some(Written::List(items)),
        Value::Map(map) if !wants_list => Some(Written::Map(map)),
        _ => {
            input.is_hidden |= T::shape().has_secret();
            if is_raw {
                input.mismatch(format!("{expected} written as JSON, such as `{example}`"));
            } else {
                input.mismatch(expected);
            }
            None
        }
    }
}

/// A list of names, one name alone, or `all`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OneOrMany {
    names: Vec<String>,
    is_all: bool,
}

impl OneOrMany {
    /// Whether this name is in the list itself; `all` is not asked.
    pub fn names(&self, name: &str) -> bool {
        self.names.iter().any(|listed| listed == name)
    }

    /// Whether it says `all`.
    pub fn is_all(&self) -> bool {
        self.is_all
    }

    /// The names in the list.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn of(names: Vec<String>) -> Self {
        let is_all = names.iter().any(|name| name == "all");
        Self { names: names.into_iter().filter(|name| name != "all").collect(), is_all }
    }
}

impl<S: Into<String>> FromIterator<S> for OneOrMany {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self::of(names.into_iter().map(Into::into).collect())
    }
}

impl SettingValue for OneOrMany {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        match input.node.map(|node| &node.value) {
            Some(Value::Text(text)) => Some(Self::of(vec![text.to_string()])),
            Some(Value::Raw(text)) if !text.trim_start().starts_with('[') => Some(Self::of(vec![text.to_string()])),
            Some(Value::Map(_) | Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
                input.mismatch("a list of names, one name, or `all`");
                None
            }
            _ => Vec::read(input).map(Self::of),
        }
    }

    fn shape() -> Shape {
        Shape(Kind::Names)
    }

    fn show(&self) -> Json {
        if self.is_all {
            return Json::String("all".to_owned());
        }
        self.names.show()
    }
}
