//! The settings at `system.logging`.

use std::collections::BTreeMap;

use serde::Serialize;
use tracing_core::Level;

use super::levels::LogLevel;
use crate::settings::SettingsSchema;

/// What is logged, in which form, and where to.
#[derive(Debug, Clone, SettingsSchema)]
#[settings(default)]
pub struct LoggingSettings {
    /// What the service runs for: `DEVELOP` logs from debug on, `PRODUCTION` from info on.
    #[setting(live)]
    pub profile: Profile,
    /// The form of a line: `auto`, `text`, `logfmt` or `json`; `auto` is text on a terminal and otherwise JSON.
    #[setting(live)]
    pub format: LogFormat,
    /// Whether lines go to standard output.
    #[setting(live)]
    pub stdout: bool,
    /// Other levels for what begins with a name, such as `{orders::db: debug}`; `root` is everything else.
    #[setting(live)]
    pub levels: BTreeMap<String, LogLevel>,
}

impl Default for LoggingSettings {
    fn default() -> Self {
        Self { profile: Profile::default(), format: LogFormat::default(), stdout: true, levels: BTreeMap::new() }
    }
}

/// What a service runs for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, SettingsSchema)]
#[serde(rename_all = "UPPERCASE")]
#[settings(rename_all = "UPPERCASE")]
pub enum Profile {
    /// On a developer's machine: debug lines, each with its place in the code.
    Develop,
    /// Where it does its work.
    #[default]
    Production,
}

impl Profile {
    /// The level of what no name covers.
    pub fn level(self) -> LogLevel {
        match self {
            Profile::Develop => LogLevel::Debug,
            Profile::Production => LogLevel::Info,
        }
    }

    /// Lines of this level and worse say where in the code they come from.
    pub(super) fn placed(self) -> Level {
        match self {
            Profile::Develop => Level::TRACE,
            Profile::Production => Level::WARN,
        }
    }
}

/// The form of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, SettingsSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, otherwise JSON.
    #[default]
    Auto,
    /// For people.
    Text,
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object per line.
    Json,
}
