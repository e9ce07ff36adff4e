//! A format whose feature is not compiled in.

use super::{Parsed, Text};
use crate::settings::{
    origin::Origin,
    problem::{Problem, Problems},
};

pub(super) fn parse(text: &Text<'_>, problems: &mut Problems) -> Parsed {
    let origin = Origin::file(std::sync::Arc::clone(&text.name), 0, 0);
    let problem = Problem::of_source(origin, "files of this format are not compiled in");
    problems.push(problem.help("enable the feature `yaml` or `toml` of `chassis`, or write the file as JSON"));
    Parsed { root: None, is_partial: true }
}
