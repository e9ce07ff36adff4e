//! JSON, by a scanner that knows where it is; what a string or a number means is left to `serde_json`.

use super::{DEEPEST, MOST_VALUES, Parsed, Text, too_deep, too_many, twice};
use crate::settings::{
    map::Map,
    node::{Node, Value},
    problem::{Problem, Problems},
};

pub(super) fn parse(text: &Text<'_>, problems: &mut Problems) -> Parsed {
    let mut scanner = Scanner { text, problems, at: 0, values: 0, is_partial: false };
    scanner.skip_space();
    if scanner.rest().is_empty() {
        return Parsed { root: None, is_partial: false };
    }
    let root = scanner.value(0);
    scanner.skip_space();
    if !scanner.is_partial && !scanner.rest().is_empty() {
        scanner.expected::<()>("the end of the file");
    }
    Parsed { root, is_partial: scanner.is_partial }
}

struct Scanner<'a, 't> {
    text: &'a Text<'t>,
    problems: &'a mut Problems,
    /// The next byte.
    at: usize,
    values: usize,
    is_partial: bool,
}

impl<'t> Scanner<'_, 't> {
    /// The next value; `None` once a mistake is told.
    fn value(&mut self, depth: usize) -> Option<Node> {
        self.skip_space();
        let origin = self.text.at(self.at);
        self.values += 1;
        if depth > DEEPEST || self.values > MOST_VALUES {
            return self.broken(if depth > DEEPEST { too_deep(origin) } else { too_many(origin) });
        }
        match self.rest().as_bytes().first() {
            Some(b'{') => {
                let map = self.map(depth);
                Some(Node::new(Value::Map(map), origin))
            }
            Some(b'[') => {
                let list = self.list(depth);
                Some(Node::new(Value::List(list), origin))
            }
            Some(b'"') => self.string().map(|text| Node::new(Value::Text(text.into()), origin)),
            _ => {
                let end = self.rest().find(|c: char| !c.is_alphanumeric() && !"+-.".contains(c));
                let word = &self.rest()[..end.unwrap_or(self.rest().len())];
                let Some(value) = scalar(word) else { return self.expected("a value") };
                self.at += word.len();
                Some(Node::new(value, origin).spelled(word))
            }
        }
    }

    fn map(&mut self, depth: usize) -> Map {
        let mut map = Map::new();
        self.at += 1;
        if self.take('}') {
            return map;
        }
        loop {
            self.skip_space();
            let key_origin = self.text.at(self.at);
            if !self.rest().starts_with('"') {
                self.expected::<()>("a key in double quotes");
                return map;
            }
            let Some(key) = self.string() else { return map };
            if !self.take(':') {
                self.expected::<()>("`:`");
                return map;
            }
            let Some(mut node) = self.value(depth + 1) else { return map };
            match map.get(&key).map(Node::named_at) {
                Some(first) => self.problems.push(twice(&key, first, key_origin)),
                None => {
                    node.key_origin = Some(key_origin);
                    map.insert(key, node);
                }
            }
            if self.is_partial || self.take('}') {
                return map;
            }
            if !self.take(',') {
                self.expected::<()>("`,` or `}`");
                return map;
            }
        }
    }

    fn list(&mut self, depth: usize) -> Vec<Node> {
        let mut items = Vec::new();
        self.at += 1;
        if self.take(']') {
            return items;
        }
        loop {
            let Some(node) = self.value(depth + 1) else { return items };
            items.push(node);
            if self.is_partial || self.take(']') {
                return items;
            }
            if !self.take(',') {
                self.expected::<()>("`,` or `]`");
                return items;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut is_escaped = false;
        let end = self.rest().bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        });
        // Both quotes belong to it.
        let quoted = end.and_then(|end| self.rest().get(..end + 2));
        match quoted.and_then(|quoted| Some((quoted.len(), serde_json::from_str(quoted).ok()?))) {
            Some((length, text)) => {
                self.at += length;
                Some(text)
            }
            None if end.is_none() => self.expected("a closing quote for this text"),
            None => self.expected("text without control characters and with known escapes only"),
        }
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len_utf8() } else { 0 };
        found
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn rest(&self) -> &'t str {
        self.text.text.get(self.at..).unwrap_or_default()
    }

    fn expected<T>(&mut self, what: &str) -> Option<T> {
        let found = match self.rest().chars().next() {
            None => "the end of the file".to_owned(),
            Some(found) => format!("`{}`", found.escape_debug()),
        };
        let at = self.text.at(self.at);
        self.broken(Problem::of_source(at, format!("not JSON: expected {what}, found {found}")))
    }

    fn broken<T>(&mut self, problem: Problem) -> Option<T> {
        if !self.is_partial {
            self.problems.push(problem);
        }
        self.is_partial = true;
        None
    }
}

fn scalar(word: &str) -> Option<Value> {
    match serde_json::from_str(word).ok()? {
        serde_json::Value::Null => Some(Value::Null),
        serde_json::Value::Bool(value) => Some(Value::Bool(value)),
        serde_json::Value::Number(_) => match word.parse() {
            Ok(value) => Some(Value::Int(value)),
            Err(_) => word.parse().ok().map(Value::Float),
        },
        _ => None,
    }
}
