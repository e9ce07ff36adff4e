//! Text and what is written as text.

use std::path::PathBuf;

use serde_json::Value as Json;

use super::{SettingValue, plain};
use crate::settings::{input::Input, shape::Shape};

impl SettingValue for String {
    plain!();

    /// Any scalar becomes text, as it was spelled.
    fn read(input: &mut Input<'_>) -> Option<Self> {
        let text = input.text();
        if text.is_none() {
            input.mismatch("text");
        }
        text
    }

    fn shape() -> Shape {
        Shape::text()
    }

    fn show(&self) -> Json {
        Json::String(self.clone())
    }
}

impl SettingValue for PathBuf {
    plain!();

    fn read(input: &mut Input<'_>) -> Option<Self> {
        let text = input.text().filter(|text| !text.is_empty() && !text.contains('\0'));
        if text.is_none() {
            input.mismatch("a path");
        }
        text.map(Self::from)
    }

    fn shape() -> Shape {
        Shape::text_like("a path", "")
    }

    fn show(&self) -> Json {
        Json::String(self.to_string_lossy().into_owned())
    }
}
