//! The formats of settings files: each turns text into a tree that knows its places.

mod json;
#[cfg(feature = "toml")]
mod toml;
#[cfg(not(feature = "toml"))]
#[path = "disabled.rs"]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;
#[cfg(not(feature = "yaml"))]
#[path = "disabled.rs"]
mod yaml;

use std::sync::Arc;

use crate::settings::{
    node::Node,
    origin::Origin,
    problem::{Problem, Problems},
};

/// How deep lists and maps may be nested.
const DEEPEST: usize = 64;

/// How many values a file may have, those that aliases repeat included.
const MOST_VALUES: usize = 250_000;

/// What was understood of a file.
pub(super) struct Parsed {
    /// `None` for an empty file.
    pub(super) root: Option<Node>,
    /// Something is missing, because it was not understood.
    pub(super) is_partial: bool,
}

/// The function that reads files of this ending.
pub(super) fn by_ending(ending: &str) -> Option<fn(&Text<'_>, &mut Problems) -> Parsed> {
    match ending.to_ascii_lowercase().as_str() {
        "yml" | "yaml" => Some(yaml::parse),
        "toml" => Some(toml::parse),
        "json" => Some(json::parse),
        _ => None,
    }
}

/// The text of a file and its name.
pub(super) struct Text<'t> {
    pub(super) name: Arc<str>,
    pub(super) text: &'t str,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
}

impl<'t> Text<'t> {
    pub(super) fn new(name: Arc<str>, text: &'t str) -> Self {
        let lines = [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { name, text, lines }
    }

    /// The place of a byte.
    fn at(&self, byte: usize) -> Origin {
        let line = self.lines.partition_point(|begin| *begin <= byte);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(begin..byte).map_or(0, |before| before.chars().count()) + 1;
        self.place(line, column)
    }

    /// The place behind the last character.
    pub(super) fn end(&self) -> Origin {
        self.at(self.text.len())
    }

    /// A place by its line and column, both from 1.
    fn place(&self, line: usize, column: usize) -> Origin {
        let narrow = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Origin::file(Arc::clone(&self.name), narrow(line), narrow(column))
    }
}

/// A key that a map has twice.
fn twice(key: &str, first: &Origin, again: Origin) -> Problem {
    let key = crate::settings::node::quoted(key);
    Problem::of_source(again, format!("the key {key} is there twice, first at {first}")).help("remove one of them")
}

fn too_deep(at: Origin) -> Problem {
    Problem::of_source(at, format!("lists and maps are nested more than {DEEPEST} deep"))
}

fn too_many(at: Origin) -> Problem {
    Problem::of_source(at, format!("there are more than {MOST_VALUES} values"))
}
