//! `--log-level`: a source of settings with one key.

use crate::{
    logging::{LogLevel, ROOT},
    settings::{Layer, Origin, Problems, Source},
};

/// The level given on the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct LevelOption {
    level: LogLevel,
}

impl LevelOption {
    /// Understands the option's value.
    ///
    /// # Errors
    /// What is expected, in one line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let level = text.parse().map_err(|error| format!("`--log-level`: {error}"))?;
        Ok(Self { level })
    }
}

impl Source for LevelOption {
    fn name(&self) -> String {
        "--log-level".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        let mut layer = Layer::empty();
        let key = format!("logging.levels.{ROOT}");
        layer.insert_text(&key, self.level.as_str(), Origin::named(self.name()), problems);
        layer
    }
}
