//! One of several names: what an enum that derives `SettingsSchema` is read with.

use serde_json::Value as Json;

use crate::settings::{input::Input, shape::Choice, suggestion::nearest};

/// The number of the choice that is written, in any case.
pub fn choose(input: &mut Input<'_>, choices: &[Choice]) -> Option<usize> {
    let text = input.text().unwrap_or_default();
    let text = text.trim();
    let exact = choices.iter().position(|choice| choice.is_called(|name| name == text));
    let found =
        exact.or_else(|| choices.iter().position(|choice| choice.is_called(|name| name.eq_ignore_ascii_case(text))));
    if found.is_none() {
        let names: Vec<String> = choices.iter().map(|choice| format!("`{}`", choice.name)).collect();
        let nearest = nearest(text, choices.iter().map(|choice| choice.name)).filter(|_| !input.is_hidden);
        let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
        let expected = match names.as_slice() {
            [name] => name.clone(),
            names => format!("one of {}", names.join(", ")),
        };
        input.mismatch_with(expected, help);
    }
    found
}

/// A choice by its number, as it is written.
pub fn show_choice(choices: &[Choice], number: usize) -> Json {
    choices.get(number).map_or(Json::Null, |choice| Json::String(choice.name.to_owned()))
}

impl Choice {
    fn is_called(&self, mut is: impl FnMut(&str) -> bool) -> bool {
        is(self.name) || self.aliases.iter().any(|alias| is(alias))
    }
}
