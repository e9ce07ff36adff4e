//! A settings file with everything in it: what is required is there to be filled in, every default is a comment.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{
    declared::Declared,
    outline::{Content, Entry, Section},
    path::ROOT,
    shape::{Choice, Field, Kind, Shape},
    value::expected_int,
};

/// A commented settings file in YAML. Words are behind `# `; a line that begins with `#` and a key is a setting with
/// its default, and takes effect once the `#` is taken away.
pub fn sample(declared: &[Declared], service: &str) -> String {
    let mut text = format!(
        "# Settings of `{service}`.\n\
         #\n\
         # Lines such as `#port: 8080` are defaults: take the `#` away to change them; `null` is a setting that is not\n\
         # there, or whose default is not shown. What is required has to be filled in.\n\
         {ROOT}:\n"
    );
    entries(&mut text, &Section::of(declared), 1, false);
    text
}

fn entries(text: &mut String, section: &Section, depth: usize, is_off: bool) {
    for (place, entry) in section.entries.iter().enumerate() {
        if place > 0 && (depth < 4 || matches!(entry.content, Content::Section(_))) {
            text.push('\n');
        }
        write_entry(text, entry, depth, is_off);
    }
}

fn write_entry(text: &mut String, entry: &Entry, depth: usize, is_off: bool) {
    let Entry { name, about, owner, content } = entry;
    let heading = match (owner.as_str(), about.as_str()) {
        ("", about) => about.to_owned(),
        (owner, "") => format!("Read by {owner}."),
        (owner, about) => format!("{about}\nRead by {owner}."),
    };
    let key = key(name);
    match content {
        Content::Section(section) => {
            prose(text, &heading, depth);
            let is_off = is_off || section.is_optional;
            line(text, depth, is_off, &format!("{key}:"));
            entries(text, section, depth + 1, is_off);
        }
        Content::Value(field) => {
            let facts = facts(field);
            prose(text, &[heading.as_str(), &facts].join("\n"), depth);
            let is_required = field.is_required();
            let value = match &field.default {
                Some(default) if !default.is_null() && !field.shape.has_secret() => flow(default),
                // Whoever takes the `#` away changes nothing yet.
                _ if !is_required => "null".to_owned(),
                _ => example(&field.shape, field),
            };
            line(text, depth, is_off || !is_required, &format!("{key}: {value}"));
        }
    }
}

/// What may be written, and whether it has to be.
fn facts(field: &Field) -> String {
    let mut facts = match &field.shape.plain().0 {
        // The value that is shown says it.
        Kind::Text { is: "text", .. } | Kind::Bool => String::new(),
        Kind::Choice(choices) if choices.iter().any(|choice| !choice.about.is_empty()) => {
            choices.iter().fold("One of".to_owned(), |facts, choice| facts + "\n- " + &described(choice))
        }
        _ => accepted(&field.shape, field),
    };
    if let Some(first) = facts.get_mut(..1) {
        first.make_ascii_uppercase();
        facts.push('.');
    }
    match &field.default {
        None if field.is_required() => facts.push_str(" REQUIRED."),
        Some(Json::Null) if !field.shape.is_optional() => facts.push_str(" Its default is in the code."),
        None | Some(Json::Null) => facts.push_str(" Optional."),
        Some(_) => {}
    }
    facts
}

pub(super) fn accepted(shape: &Shape, field: &Field) -> String {
    match &shape.0 {
        Kind::Bool => "`true` or `false`".to_owned(),
        Kind::Int { min, max } => {
            let bound = |bound: Option<super::rules::Bound>| bound.and_then(super::rules::Bound::int);
            expected_int(bound(field.rules.min).unwrap_or(*min), bound(field.rules.max).unwrap_or(*max))
        }
        Kind::Float => format!("a number{}", limits(field)),
        Kind::Text { is, example: "" } => (*is).to_owned(),
        Kind::Text { is, example } => format!("{is}, such as `{example}`"),
        Kind::Duration => {
            let unit = field.rules.unit.word();
            format!("a duration, such as `500ms`; a bare number is {unit}{}", limits(field))
        }
        Kind::ByteSize => format!("an amount of bytes, such as `64KiB`{}", limits(field)),
        Kind::Choice(choices) => {
            let names: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice.name)).collect();
            format!("one of {}", names.join(", "))
        }
        Kind::Names => "a list of names, one name, or `all`".to_owned(),
        Kind::List(items) => format!("a list; each item is {}", accepted(items, field)),
        Kind::Map(items) => format!("a map; each value is {}", accepted(items, field)),
        Kind::Group(_) => "a map".to_owned(),
        Kind::Optional(inner) => accepted(inner, field),
        Kind::Live(inner) => format!("{}; followed while the service runs", accepted(inner, field)),
        Kind::Secret(inner) => format!("{}; a secret, better given in the environment", accepted(inner, field)),
        Kind::Schema(_) => "see the schema".to_owned(),
    }
}

/// The least and the greatest value, where the type's own words do not say them.
fn limits(field: &Field) -> String {
    let word = |word: &str, bound: Option<super::rules::Bound>| {
        bound.map_or_else(String::new, |bound| format!("; {word} {}", flow(&bound.json())))
    };
    word("at least", field.rules.min) + &word("at most", field.rules.max)
}

fn described(choice: &Choice) -> String {
    let about = choice.about.lines().next().unwrap_or_default().trim_end_matches('.');
    if about.is_empty() { format!("`{}`", choice.name) } else { format!("`{}`: {about}", choice.name) }
}

/// A value that can be read, where there is no default to show.
fn example(shape: &Shape, field: &Field) -> String {
    match &shape.0 {
        Kind::Bool => "false".to_owned(),
        Kind::Int { min, max } => {
            let bound = |bound: Option<super::rules::Bound>| bound.and_then(super::rules::Bound::int);
            let (min, max) = (bound(field.rules.min).unwrap_or(*min), bound(field.rules.max).unwrap_or(*max));
            1.clamp(min, max.max(min)).to_string()
        }
        Kind::Float => match (field.rules.min.and_then(super::rules::Bound::float), field.rules.max) {
            (Some(min), _) => min.to_string(),
            (None, Some(max)) => max.float().unwrap_or_default().to_string(),
            (None, None) => "1.0".to_owned(),
        },
        Kind::Text { is: "a path", .. } => "/change/me".to_owned(),
        Kind::Text { example: "", .. } => "change me".to_owned(),
        Kind::Text { example, .. } => flow(&Json::String((*example).to_owned())),
        Kind::Duration => match field.rules.min.or(field.rules.max) {
            Some(bound) => flow(&bound.json()),
            None => "10s".to_owned(),
        },
        Kind::ByteSize => match field.rules.min.or(field.rules.max) {
            Some(bound) => flow(&bound.json()),
            None => "64KiB".to_owned(),
        },
        Kind::Choice(choices) => {
            choices.first().map_or_else(String::new, |choice| flow(&Json::String(choice.name.to_owned())))
        }
        Kind::Names | Kind::List(_) => "[]".to_owned(),
        Kind::Map(_) | Kind::Group(_) => "{}".to_owned(),
        Kind::Optional(inner) | Kind::Live(inner) | Kind::Secret(inner) => example(inner, field),
        Kind::Schema(_) => String::new(),
    }
}

fn prose(text: &mut String, words: &str, depth: usize) {
    for paragraph in words.lines().map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        line(text, depth, false, &format!("# {paragraph}"));
    }
}

fn line(text: &mut String, depth: usize, is_off: bool, content: &str) {
    let indent = depth * 2;
    let off = if is_off { "#" } else { "" };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{off}{}", "", content.trim_end());
}

/// A value on one line.
pub(super) fn flow(value: &Json) -> String {
    match value {
        Json::String(text) if is_plain(text) => text.clone(),
        value => value.to_string(),
    }
}

pub(super) fn key(name: &str) -> String {
    if is_plain(name) { name.to_owned() } else { Json::String(name.to_owned()).to_string() }
}

/// Whether text means the same without quotes.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let is_duration_or_size = text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(|c: char| c.is_ascii_alphabetic())
        && !text.contains(['x', 'o', 'e', 'E', '.']);
    (text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') || is_duration_or_size)
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-/.".contains(c))
        && !words.contains(&text.to_ascii_lowercase().as_str())
}
