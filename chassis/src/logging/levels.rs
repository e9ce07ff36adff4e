//! Which targets are logged from which level on.
//!
//! Pure: the front ends ask, the settings and `/loggers` decide.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Serialize, Serializer};
use tracing_core::{Level, LevelFilter};

use crate::settings::SettingsSchema;

/// What stands for all targets that no other name covers.
pub const ROOT: &str = "root";

/// Libraries that say at debug what only their authors want to know.
const NOISY: [&str; 8] = ["h2", "hyper", "hyper_util", "mio", "rustls", "tokio_util", "tower", "want"];

/// Libraries whose every failure is told by the resource that uses them, once and without what messages say.
const TOLD_BY_OTHERS: [&str; 1] = ["lapin"];

/// From how much on a target is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, SettingsSchema)]
pub enum LogLevel {
    /// Nothing.
    #[setting(alias = "none")]
    Off,
    /// What failed.
    #[setting(alias = ["critical", "fatal"])]
    Error,
    /// What should be looked at.
    #[setting(alias = "warning")]
    Warn,
    /// What happens, one line per unit of work.
    Info,
    /// What a developer wants to see.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The name in settings and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            LogLevel::Off => "off",
            LogLevel::Error => "error",
            LogLevel::Warn => "warn",
            LogLevel::Info => "info",
            LogLevel::Debug => "debug",
            LogLevel::Trace => "trace",
        }
    }

    pub(crate) fn filter(self) -> LevelFilter {
        match self {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        }
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// In any case of letters; `warning`, `critical` and `fatal` are what other frameworks call them.
impl FromStr for LogLevel {
    type Err = UnknownLevel;

    fn from_str(text: &str) -> Result<Self, UnknownLevel> {
        match text.to_ascii_lowercase().as_str() {
            "off" | "none" => Ok(LogLevel::Off),
            "error" | "critical" | "fatal" => Ok(LogLevel::Error),
            "warn" | "warning" => Ok(LogLevel::Warn),
            "info" => Ok(LogLevel::Info),
            "debug" => Ok(LogLevel::Debug),
            "trace" => Ok(LogLevel::Trace),
            _ => Err(UnknownLevel(text.into())),
        }
    }
}

/// A word that is no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownLevel(Box<str>);

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected off, error, warn, info, debug or trace, found `{}`", self.0)
    }
}

impl std::error::Error for UnknownLevel {}

impl Serialize for LogLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The levels of one service: one for everything, and others for what begins with a name.
#[derive(Debug, Clone)]
pub(crate) struct Levels {
    root: LevelFilter,
    /// Longer names first, so that the first one that fits is the one that says most.
    rules: Vec<(Box<str>, LogLevel)>,
    /// With which letters those names begin: most targets begin with another one, and are not compared with any.
    first_letters: Letters,
    /// Nothing beyond this is logged from anywhere, and up to the other everything from everywhere.
    most: LevelFilter,
    least: LevelFilter,
    /// As given, for those who ask.
    named: BTreeMap<String, LogLevel>,
}

impl Levels {
    /// `root` for what no name covers; the later of two equal names wins.
    pub(crate) fn new<'a>(root: LogLevel, named: impl IntoIterator<Item = (&'a str, LogLevel)>) -> Self {
        let named: Vec<(&str, LogLevel)> = named.into_iter().collect();
        let is_root = |name: &str| name.is_empty() || name == ROOT;
        let root = named.iter().rfind(|(name, _)| is_root(name)).map_or(root, |(_, level)| *level);
        let noisy = NOISY.iter().map(|name| (*name, root.min(LogLevel::Warn)));
        let silent = TOLD_BY_OTHERS.iter().map(|name| (*name, LogLevel::Off));
        let mut levels: BTreeMap<String, LogLevel> = BTreeMap::from([(ROOT.into(), root)]);
        for (name, level) in noisy.chain(silent).chain(named.into_iter().filter(|(name, _)| !is_root(name))) {
            levels.insert(name.into(), level);
        }
        let mut rules: Vec<(Box<str>, LogLevel)> = levels
            .iter()
            .filter(|(name, _)| *name != ROOT)
            .map(|(name, level)| (name.as_str().into(), *level))
            .collect();
        rules.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        let most = levels.values().copied().max().unwrap_or(root).filter();
        let least = levels.values().copied().min().unwrap_or(root).filter();
        let first_letters = rules.iter().fold(Letters::default(), |letters, (name, _)| letters.with(name));
        Self { root: root.filter(), rules, first_letters, most, least, named: levels }
    }

    /// Whether a target is logged at a level.
    pub(crate) fn is_enabled(&self, level: Level, target: &str) -> bool {
        level <= self.most && (level <= self.least || level <= self.of(target))
    }

    /// Nothing beyond this is logged.
    pub(crate) fn most(&self) -> LevelFilter {
        self.most
    }

    /// By name, `root` among them.
    pub(crate) fn named(&self) -> &BTreeMap<String, LogLevel> {
        &self.named
    }

    /// From how much on a target is logged.
    pub(super) fn of(&self, target: &str) -> LevelFilter {
        if !self.first_letters.may_have(target) {
            return self.root;
        }
        let covers =
            |name: &str| target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        let rule = self.rules.iter().find(|(name, _)| covers(name));
        rule.map_or(self.root, |(_, level)| level.filter())
    }
}

/// A set of first letters; some share a place.
#[derive(Debug, Clone, Copy, Default)]
struct Letters(u64);

impl Letters {
    fn with(self, name: &str) -> Self {
        Self(self.0 | Self::place(name))
    }

    fn may_have(self, name: &str) -> bool {
        self.0 & Self::place(name) != 0
    }

    fn place(name: &str) -> u64 {
        name.as_bytes().first().map_or(0, |letter| 1 << (letter % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_that_covers_a_target_decides() {
        let levels = Levels::new(
            LogLevel::Info,
            [("orders", LogLevel::Debug), ("orders::db", LogLevel::Error), ("stock", LogLevel::Off)],
        );
        let check =
            |target, level, expected| assert_eq!(levels.is_enabled(level, target), expected, "{target} {level}");
        check("orders", Level::DEBUG, true);
        check("orders::http", Level::DEBUG, true);
        check("orders::http", Level::TRACE, false);
        check("orders::db", Level::WARN, false);
        check("orders::db::pool", Level::ERROR, true);
        check("orders_extra", Level::DEBUG, false);
        check("stock", Level::ERROR, false);
        check("other", Level::INFO, true);
        check("other", Level::DEBUG, false);
    }

    #[test]
    fn noisy_libraries_speak_from_warn_on_unless_named() {
        let levels = Levels::new(LogLevel::Debug, [("h2", LogLevel::Debug)]);
        assert!(!levels.is_enabled(Level::INFO, "hyper::proto::h1"));
        assert!(levels.is_enabled(Level::WARN, "hyper"));
        assert!(levels.is_enabled(Level::DEBUG, "h2::codec"));
        assert!(levels.is_enabled(Level::DEBUG, "hyperspace"));
    }

    #[test]
    fn libraries_that_others_tell_of_are_silent_unless_named() {
        assert!(!Levels::new(LogLevel::Trace, []).is_enabled(Level::ERROR, "lapin::channels"));
        let levels = Levels::new(LogLevel::Info, [("lapin", LogLevel::Error)]);
        assert!(levels.is_enabled(Level::ERROR, "lapin::channels"));
    }

    #[test]
    fn a_quiet_root_keeps_noisy_libraries_quiet_too() {
        let levels = Levels::new(LogLevel::Error, []);
        assert!(!levels.is_enabled(Level::WARN, "hyper"));
        assert_eq!(levels.most(), LevelFilter::ERROR);
    }

    #[test]
    fn the_root_can_be_named() {
        for root in ["", ROOT] {
            let levels = Levels::new(LogLevel::Info, [(root, LogLevel::Trace)]);
            assert!(levels.is_enabled(Level::TRACE, "orders"));
            assert_eq!(levels.named().get(ROOT), Some(&LogLevel::Trace));
        }
    }

    #[test]
    fn levels_are_read_in_any_case_and_by_the_names_of_other_frameworks() {
        for (text, level) in [("INFO", LogLevel::Info), ("Warning", LogLevel::Warn), ("critical", LogLevel::Error)] {
            assert_eq!(text.parse(), Ok(level));
        }
        let error = "loud".parse::<LogLevel>().unwrap_err();
        assert_eq!(error.to_string(), "expected off, error, warn, info, debug or trace, found `loud`");
    }
}
