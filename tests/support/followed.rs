//! A source of settings that is read again whenever somebody looks.

use std::{
    thread,
    time::{Duration, Instant},
};

use chassis::settings::{Problems, Source, Tree};

/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(30);

/// The settings of one source, as they are at the moment.
pub struct Followed {
    sources: Vec<Box<dyn Source>>,
}

impl Followed {
    /// Begins to follow the source.
    pub fn begin(source: impl Source) -> Self {
        Self { sources: vec![Box::new(source)] }
    }

    /// All of it, and what is wrong with it.
    pub fn tree(&self) -> (Tree, Problems) {
        let mut problems = Problems::new();
        let tree = Tree::merge(&self.sources, "orders", &mut problems);
        (tree, problems)
    }

    /// A number and where it was written.
    ///
    /// # Panics
    ///
    /// When something is wrong with the settings.
    pub fn number(&self, section: &str, key: &str) -> Option<(u64, String)> {
        let (tree, mut problems) = self.tree();
        let origin = tree.section(section).section(key).origin().to_string();
        let value = tree.section(section).setting::<Option<u64>>(key, Some(|| None), &mut problems).flatten();
        assert!(problems.is_empty(), "{problems}");
        value.map(|value| (value, origin))
    }

    /// A number.
    pub fn value(&self, section: &str, key: &str) -> Option<u64> {
        self.number(section, key).map(|(value, _)| value)
    }

    /// Waits until the number is that.
    ///
    /// # Panics
    ///
    /// When it is not after 30 s.
    pub fn becomes(&self, section: &str, key: &str, value: Option<u64>) {
        let seen = || self.value(section, key);
        let deadline = Instant::now() + PATIENCE;
        while seen() != value {
            assert!(Instant::now() < deadline, "{section}.{key} is {:?}, not {value:?}", seen());
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What the source says of itself; nothing while it is well.
    pub fn complaint(&self) -> Option<String> {
        self.sources[0].health().output().map(str::to_owned)
    }

    /// Waits until the source says that it is well, or that it is not.
    ///
    /// # Panics
    ///
    /// When it does not within 30 s.
    pub fn is_well(&self, wanted: bool) {
        let deadline = Instant::now() + PATIENCE;
        while self.complaint().is_none() != wanted {
            assert!(Instant::now() < deadline, "{:?}", self.complaint());
            thread::sleep(Duration::from_millis(5));
        }
    }
}
