//! TOML. The parser goes on after a mistake, so that all of them are told at once.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Parsed, Text};
use crate::settings::{
    map::Map,
    node::{Node, Value},
    problem::{Problem, Problems},
};

/// More than this are not told: they follow from each other.
const MOST_MISTAKES: usize = 10;

pub(super) fn parse(text: &Text<'_>, problems: &mut Problems) -> Parsed {
    let (table, mistakes) = DeTable::parse_recoverable(text.text);
    let is_partial = !mistakes.is_empty();
    for mistake in mistakes.into_iter().take(MOST_MISTAKES) {
        let at = text.at(mistake.span().map_or(0, |span| span.start));
        // The message names keys and tokens, never a value.
        problems.push(Problem::of_source(at, format!("not TOML: {}", mistake.message())));
    }
    let mut root = Node::empty_map(text.at(0));
    root.value = Value::Map(map(text, table.into_inner()));
    Parsed { root: Some(root), is_partial }
}

fn map(text: &Text<'_>, table: DeTable<'_>) -> Map {
    table
        .into_iter()
        .map(|(key, value)| {
            let key_origin = text.at(key.span().start);
            let mut node = node(text, value);
            node.key_origin = Some(key_origin);
            (key.into_inner().into_owned(), node)
        })
        .collect()
}

fn node(text: &Text<'_>, value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let origin = text.at(span.start);
    let spelling = text.text.get(span).unwrap_or_default();
    let number = |digits: &str, radix| i128::from_str_radix(&digits.replace('_', ""), radix);
    match value.into_inner() {
        DeValue::String(text) => Node::new(Value::Text(text.into()), origin),
        DeValue::Boolean(value) => Node::new(Value::Bool(value), origin).spelled(spelling),
        DeValue::Integer(digits) => match number(digits.as_str(), digits.radix()) {
            Ok(value) => Node::new(Value::Int(value), origin).spelled(spelling),
            Err(_) => Node::new(Value::Text(spelling.into()), origin),
        },
        DeValue::Float(float) => {
            Node::new(Value::Float(float.as_str().parse().unwrap_or(f64::NAN)), origin).spelled(spelling)
        }
        DeValue::Datetime(date) => Node::new(Value::Text(date.to_string().into()), origin),
        DeValue::Array(items) => {
            Node::new(Value::List(items.into_iter().map(|item| node(text, item)).collect()), origin)
        }
        DeValue::Table(table) => Node::new(Value::Map(map(text, table)), origin),
    }
}
