//! YAML 1.2, with the merge key of 1.1. Aliases are repeated up to a limit; text of 1.1 that meant true or false is
//! text, and is read as that where a boolean is declared.

use std::{collections::HashMap, iter::Peekable};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::{DEEPEST, MOST_VALUES, Parsed, Text, too_deep, too_many, twice};
use crate::settings::{
    map::Map,
    node::{Node, Value},
    origin::Origin,
    problem::{Problem, Problems},
};

pub(super) fn parse(text: &Text<'_>, problems: &mut Problems) -> Parsed {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: DEEPEST,
        block_nesting_limit: DEEPEST,
    };
    let events = Parser::new_from_str_with_options(text.text, options).peekable();
    let mut composer = Composer { text, problems, events, anchors: HashMap::new(), values: 0, is_partial: false };
    let root = composer.document();
    Parsed { root, is_partial: composer.is_partial }
}

struct Composer<'a, 't> {
    text: &'a Text<'t>,
    problems: &'a mut Problems,
    events: Peekable<Parser<'t, StrInput<'t>>>,
    /// What aliases stand for, with the number of values in it.
    anchors: HashMap<usize, (Node, usize)>,
    values: usize,
    is_partial: bool,
}

/// Nothing more can be read; why is told.
struct Broken;

type Step<T> = Result<T, Broken>;

impl<'t> Composer<'_, 't> {
    fn document(&mut self) -> Option<Node> {
        let mut root = None;
        loop {
            match self.next() {
                Ok(Some((Event::StreamStart | Event::DocumentEnd, _))) => {}
                Ok(Some((Event::DocumentStart(..), span))) if root.is_some() => {
                    let at = self.place(span.start);
                    let problem = Problem::of_source(at, "a second document begins here; a settings file has one");
                    self.problems.push(problem.help("write one file for each"));
                    self.is_partial = true;
                    return root;
                }
                Ok(Some((Event::DocumentStart(..), _))) => {}
                Ok(Some((Event::StreamEnd, _)) | None) | Err(Broken) => return root,
                Ok(Some((event, span))) => root = Some(self.node(event, &span, 0)),
            }
            if self.is_partial {
                return root;
            }
        }
    }

    /// The next event that stands for something.
    fn next(&mut self) -> Step<Option<(Event<'t>, Span)>> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => {
                self.told(&error);
                Err(Broken)
            }
        }
    }

    fn told(&mut self, error: &ScanError) {
        let at = self.place(*error.marker());
        self.broken(Problem::of_source(at, format!("not YAML: {}", error.kind())));
    }

    /// Tells a problem after which the file is not read on.
    fn broken(&mut self, problem: Problem) {
        // What is found once the reading is broken off follows from that.
        if !self.is_partial {
            self.problems.push(problem);
        }
        self.is_partial = true;
    }

    fn node(&mut self, event: Event<'t>, span: &Span, depth: usize) -> Node {
        let origin = self.place(span.start);
        self.values += 1;
        if self.values > MOST_VALUES {
            self.broken(too_many(origin.clone()));
        } else if depth > DEEPEST {
            self.broken(too_deep(origin.clone()));
        }
        let before = self.values;
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (self.scalar(&text, style, tag.as_deref(), origin), anchor),
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &["seq"], &origin);
                (Node::new(Value::List(self.list(depth)), origin), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), &["map"], &origin);
                (Node::new(Value::Map(self.map(depth)), origin), anchor)
            }
            Event::Alias(id) => return self.alias(id, origin),
            _ => (Node::new(Value::Null, origin), 0),
        };
        if anchor != 0 && !self.is_partial {
            self.anchors.insert(anchor, (node.clone(), self.values - before + 1));
        }
        node
    }

    fn list(&mut self, depth: usize) -> Vec<Node> {
        let mut items = Vec::new();
        while let Ok(Some((event, span))) = self.next() {
            if self.is_partial || matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, &span, depth + 1));
        }
        items
    }

    fn map(&mut self, depth: usize) -> Map {
        let mut map = Map::new();
        let mut merged: Vec<Node> = Vec::new();
        while let Ok(Some((event, span))) = self.next() {
            if self.is_partial || matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, &span, depth + 1);
            let Ok(Some((event, span))) = self.next() else { break };
            let mut value = self.node(event, &span, depth + 1);
            let Some(name) = self.key(&key) else { continue };
            if name == "<<" && key.spelling.is_some() {
                merged.push(value);
                continue;
            }
            if let Some(first) = map.get(&name).map(Node::named_at) {
                self.problems.push(twice(&name, first, key.origin));
                continue;
            }
            value.key_origin = Some(key.origin);
            map.insert(name, value);
        }
        for node in merged {
            self.merge(&mut map, node);
        }
        map
    }

    /// The name of a key: any scalar, as it is spelled.
    fn key(&mut self, key: &Node) -> Option<String> {
        match (&key.value, &key.spelling) {
            (Value::Text(text), _) => Some(text.to_string()),
            (Value::List(_) | Value::Map(_), _) => {
                let problem = Problem::of_source(key.origin.clone(), "a key is a name, not a list or a map");
                self.problems.push(problem);
                None
            }
            (_, spelling) => Some(spelling.as_deref().unwrap_or_default().to_owned()),
        }
    }

    /// `<<: *defaults`: the keys of another map, below those of this one.
    fn merge(&mut self, map: &mut Map, node: Node) {
        match node.value {
            Value::Map(defaults) => {
                for (key, value) in defaults {
                    map.get_or_insert_with(&key, || value);
                }
            }
            Value::List(items) => items.into_iter().for_each(|item| self.merge(map, item)),
            Value::Null if self.is_partial => {}
            _ => {
                let problem = Problem::of_source(node.origin, "`<<` takes a map, or a list of maps");
                self.problems.push(problem);
            }
        }
    }

    fn alias(&mut self, id: usize, origin: Origin) -> Node {
        let Some((node, values)) = self.anchors.get(&id) else {
            self.broken(Problem::of_source(origin.clone(), "this alias stands for something that contains it"));
            return Node::new(Value::Null, origin);
        };
        self.values += values;
        if self.values > MOST_VALUES {
            self.broken(too_many(origin.clone()).help("aliases repeat what they stand for"));
            return Node::new(Value::Null, origin);
        }
        let mut node = node.clone();
        node.origin = origin;
        node
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, origin: Origin) -> Node {
        let known = ["str", "int", "float", "bool", "null"];
        let kind = tag.and_then(Tag::core_suffix);
        self.check_tag(tag, &known, &origin);
        let is_plain = match kind {
            Some("str") => false,
            Some(kind) if known.contains(&kind) => true,
            // `!` alone says that it is text.
            _ if tag.is_some() => false,
            _ => style == ScalarStyle::Plain,
        };
        if is_plain {
            return Node::new(plain(text), origin).spelled(text);
        }
        Node::new(Value::Text(text.into()), origin)
    }

    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&str], origin: &Origin) {
        let Some(tag) = tag else { return };
        // `!` alone only says that the value is text.
        let is_known = tag.core_suffix().is_some_and(|kind| known.contains(&kind)) || tag.original() == "!";
        if !is_known {
            let tag = tag.original();
            self.problems
                .push(Problem::of_source(origin.clone(), format!("the tag `{}` is not known", tag.escape_debug())));
        }
    }

    fn place(&self, mark: Marker) -> Origin {
        self.text.place(mark.line(), mark.col() + 1)
    }
}

/// What text without quotes means in the core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Value::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Value::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Value::Float(f64::NEG_INFINITY),
        _ => {}
    }
    if let Some(value) = whole(text) {
        return Value::Int(value);
    }
    let is_number = text.contains(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | 'e' | 'E'))
        && text.contains(['.', 'e', 'E']);
    match text.parse() {
        Ok(value) if is_number => Value::Float(value),
        _ => Value::Text(text.into()),
    }
}

fn whole(text: &str) -> Option<i128> {
    let digits = |text: &str, radix: u32| {
        let is_digits = !text.is_empty() && text.chars().all(|c| c.is_digit(radix));
        is_digits.then(|| i128::from_str_radix(text, radix).ok()).flatten()
    };
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    match text.strip_prefix('-') {
        Some(negative) => digits(negative, 10).map(|value| -value),
        None => digits(text.strip_prefix('+').unwrap_or(text), 10),
    }
}
