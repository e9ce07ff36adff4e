//! Every key as tables for people to look things up in, written as Markdown.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{
    declared::Declared,
    known::{Content, Effect, Known, known, shown_default},
    path::KeyPath,
    sample::{accepted, flow},
    secret::MASK,
    shape::{Choice, Field, Kind},
};

/// All keys as Markdown: a heading and a table for each section that somebody reads.
pub fn reference(declared: &[Declared]) -> String {
    let mut text = String::new();
    let mut group: Option<KeyPath> = None;
    for known in known(declared) {
        let root = root(declared, &known);
        if group.as_ref() != Some(&root) {
            heading(&mut text, &root, &known);
            group = Some(root.clone());
        }
        if known.path != root {
            row(&mut text, &root, &known);
        }
    }
    text
}

/// The section in whose table the key stands.
fn root(declared: &[Declared], known: &Known) -> KeyPath {
    let is_section = |declared: &&Declared| matches!(declared.field.shape.plain().0, Kind::Group(_));
    let above = declared.iter().filter(is_section).map(|declared| &declared.path);
    let section = above.filter(|path| known.path.starts_with(path)).max_by_key(|path| path.steps().len());
    section.cloned().unwrap_or_else(|| {
        let mut path = known.path.clone();
        path.pop();
        path
    })
}

fn heading(text: &mut String, root: &KeyPath, first: &Known) {
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## `{root}`\n");
    if first.path == *root && !first.about.is_empty() {
        let _ = write!(text, "\n{}\n", first.about.trim());
    }
    if !first.owner.is_empty() {
        let _ = write!(text, "\nRead by: {}.\n", first.owner);
    }
    text.push_str("\n| key | type | default | change | |\n| --- | --- | --- | --- | --- |\n");
}

fn row(text: &mut String, root: &KeyPath, known: &Known) {
    let key = KeyPath::from_steps(known.path.steps().skip(root.steps().len()).map(Box::from).collect()).below_root();
    let (kind, default, change) = match &known.content {
        Content::Section => ("section".to_owned(), String::new(), ""),
        Content::Value(field, effect) => (kind(field), default(field), Effect::word(effect)),
    };
    let about: Vec<&str> = known.about.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let cells = [format!("`{key}`"), kind, default, change.to_owned(), about.join(" ")];
    let cells = cells.map(|cell| cell.replace('|', "\\|"));
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

fn kind(field: &Field) -> String {
    let shape = field.shape.plain();
    if let Kind::Choice(choices) = &shape.0
        && choices.iter().any(|choice| !choice.about.is_empty())
    {
        return choices.iter().map(described).collect::<Vec<_>>().join(", ");
    }
    accepted(shape, field)
}

fn described(choice: &Choice) -> String {
    let about = choice.about.lines().next().unwrap_or_default().trim_end_matches('.');
    if about.is_empty() { format!("`{}`", choice.name) } else { format!("`{}` ({about})", choice.name) }
}

fn default(field: &Field) -> String {
    match shown_default(field) {
        None => "required".to_owned(),
        Some(Json::Null) if field.default.is_some() && !field.shape.is_optional() => "in the code".to_owned(),
        Some(Json::Null) => "none".to_owned(),
        Some(Json::String(mask)) if mask == MASK => format!("`{MASK}`"),
        Some(default) => format!("`{}`", flow(&default)),
    }
}
