//! Settings files; the ending of the name says the format.

use std::path::PathBuf;

use super::{Layer, Source};
use crate::settings::problem::Problems;

/// A settings file: `.yml` and `.yaml`, `.toml`, `.json`.
#[derive(Debug, Clone)]
pub struct File {
    path: PathBuf,
}

impl File {
    /// The file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The files that `CHASSIS_SETTINGS_FILE` lists, separated by colons.
    pub fn of_environment() -> Vec<Self> {
        let files = std::env::var_os("CHASSIS_SETTINGS_FILE").unwrap_or_default();
        std::env::split_paths(&files).filter(|path| !path.as_os_str().is_empty()).map(Self::new).collect()
    }
}

impl Source for File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn load(&self, _problems: &mut Problems) -> Layer {
        Layer::empty()
    }
}
