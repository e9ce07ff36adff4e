//! The formats of settings files: each turns text into a tree that knows its places.

#[cfg(not(all(feature = "toml", feature = "yaml")))]
mod disabled;
mod json;
#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

use std::sync::Arc;

#[cfg(not(feature = "toml"))]
use self::disabled as toml;
#[cfg(not(feature = "yaml"))]
use self::disabled as yaml;

use crate::settings::{
    node::Node,
    origin::Origin,
    problem::{Problem, Problems},
};

#[cfg(all(test, feature = "yaml", feature = "toml"))]
mod tests;

/// How deep lists and maps may be nested.
const DEEPEST: usize = 64;

/// How many values a file may have, those that aliases repeat included.
const MOST_VALUES: usize = 100_000;

/// What was understood of a file.
pub(super) struct Parsed {
    /// `None` for an empty file.
    pub(super) root: Option<Node>,
    /// Something is missing, because it was not understood.
    pub(super) is_partial: bool,
}

/// Reads a file of one format.
pub(super) type Parse = fn(&Text<'_>, &mut Problems) -> Parsed;

/// The function that reads files of this ending.
pub(super) fn by_ending(ending: &str) -> Option<Parse> {
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
    /// How many characters stand before each block of bytes, so that long lines are not counted again and again.
    characters: Vec<usize>,
}

/// The bytes of a block.
const BLOCK: usize = 256;

impl<'t> Text<'t> {
    pub(super) fn new(name: Arc<str>, text: &'t str) -> Self {
        let lines = [0].into_iter().chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut before = 0;
        let count = |block: &[u8]| block.iter().filter(|byte| begins_character(**byte)).count();
        let characters = text
            .as_bytes()
            .chunks(BLOCK)
            .map(|block| {
                before += count(block);
                before - count(block)
            })
            .collect();
        Self { name, text, lines, characters }
    }

    /// The place of a byte.
    fn at(&self, byte: usize) -> Origin {
        let line = self.lines.partition_point(|begin| *begin <= byte);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        self.place(line, self.characters_before(byte) - self.characters_before(begin) + 1)
    }

    fn characters_before(&self, byte: usize) -> usize {
        let (block, byte) = (byte / BLOCK, byte.min(self.text.len()));
        let whole = self.characters.get(block).or(self.characters.last()).copied().unwrap_or_default();
        let rest = self.text.as_bytes().get(block.min(self.characters.len().saturating_sub(1)) * BLOCK..byte);
        whole + rest.unwrap_or_default().iter().filter(|byte| begins_character(**byte)).count()
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

/// Every byte of UTF-8 but those that go on with a character.
fn begins_character(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
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
