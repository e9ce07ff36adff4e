//! Keys of the settings tree: `resources.http.port`, with or without the root `system`.

use std::fmt::{self, Write as _};

/// The name of the tree's root.
pub(crate) const ROOT: &str = "system";

/// The path of a key below `system`; `Display` begins with `system`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct KeyPath(Vec<Box<str>>);

impl KeyPath {
    /// Reads `resources.http.port`, also with `system.` before it. A step that contains a dot is written in double
    /// quotes: `logging.levels."my.target"`.
    ///
    /// # Errors
    /// In words, when a step is empty or a quote is not closed.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut steps: Vec<Box<str>> = Vec::new();
        let mut rest = text;
        loop {
            let (step, after) = match rest.strip_prefix('"') {
                Some(quoted) => {
                    let end = quoted.find('"').ok_or("a quote is not closed")?;
                    (&quoted[..end], &quoted[end + 1..])
                }
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            if step.is_empty() {
                return Err("a name between two dots is missing");
            }
            steps.push(Box::from(step));
            rest = match after.strip_prefix('.') {
                Some(rest) => rest,
                None if after.is_empty() => break,
                None => return Err("a dot is missing after a quote"),
            };
        }
        if steps.len() > 1 && steps[0].as_ref() == ROOT {
            steps.remove(0);
        }
        Ok(Self(steps))
    }

    /// Reads a path written in code, where a malformed one is simply the path of nothing.
    pub(crate) fn lenient(text: &str) -> Self {
        if text.is_empty() || text == ROOT {
            return Self::default();
        }
        Self::parse(text).unwrap_or_else(|_| Self(vec![Box::from(text)]))
    }

    pub(crate) fn from_steps(steps: Vec<Box<str>>) -> Self {
        Self(steps)
    }

    pub(crate) fn steps(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.0.iter().map(AsRef::as_ref)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn starts_with(&self, prefix: &KeyPath) -> bool {
        self.0.starts_with(&prefix.0)
    }

    pub(crate) fn push(&mut self, step: &str) {
        self.0.push(Box::from(step));
    }

    pub(crate) fn pop(&mut self) -> Option<Box<str>> {
        self.0.pop()
    }

    #[must_use]
    pub(crate) fn child(&self, step: &str) -> Self {
        let mut path = self.clone();
        path.push(step);
        path
    }

    #[must_use]
    pub(crate) fn join(&self, below: &KeyPath) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }

    /// The variable of the environment that sets this key, if there can be one.
    pub(crate) fn variable(&self) -> Option<String> {
        let plain = |step: &&str| {
            let letters = step.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            letters && !step.contains("__") && !step.starts_with('_') && !step.ends_with('_')
        };
        if self.is_root() || !self.steps().all(|step| plain(&step)) {
            return None;
        }
        Some(self.steps().fold("CHASSIS".to_owned(), |name, step| name + "__" + &step.to_ascii_uppercase()))
    }

    /// The path as it is written after `--set`: without the root.
    pub(crate) fn below_root(&self) -> String {
        let mut text = String::new();
        for step in self.steps() {
            if !text.is_empty() {
                text.push('.');
            }
            // A string takes whatever is written to it.
            let _ = write_step(&mut text, step);
        }
        text
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(ROOT)?;
        for step in self.steps() {
            f.write_char('.')?;
            write_step(f, step)?;
        }
        Ok(())
    }
}

/// Writes a step, in quotes if it would be misread, and without anything a terminal would act on.
fn write_step(out: &mut impl fmt::Write, step: &str) -> fmt::Result {
    const LONGEST: usize = 80;
    let (step, is_cut) = match step.char_indices().nth(LONGEST) {
        Some((end, _)) => (&step[..end], true),
        None => (step, false),
    };
    if step.is_empty() || step.contains(['.', '"']) || step.contains(char::is_control) {
        write!(out, "{step:?}")?;
    } else {
        out.write_str(step)?;
    }
    if is_cut { out.write_char('…') } else { Ok(()) }
}

/// The way from the root to the value being read, as a list that lives on the stack: a path costs nothing until
/// there is something to tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trail<'a> {
    parent: Option<&'a Trail<'a>>,
    step: Step<'a>,
}

/// One step of a [`Trail`].
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    /// Where the reading began.
    Base(&'a KeyPath),
    Key(&'a str),
    Index(usize),
}

impl<'a> Trail<'a> {
    pub(crate) fn base(path: &'a KeyPath) -> Self {
        Self { parent: None, step: Step::Base(path) }
    }

    pub(crate) fn below(parent: &'a Trail<'a>, step: Step<'a>) -> Self {
        Self { parent: Some(parent), step }
    }

    pub(crate) fn path(&self) -> KeyPath {
        let mut path = self.parent.map_or_else(KeyPath::default, Trail::path);
        match self.step {
            Step::Base(base) => path = base.clone(),
            Step::Key(key) => path.push(key),
            Step::Index(index) => path.push(&index.to_string()),
        }
        path
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    fn steps(text: &str) -> Vec<String> {
        KeyPath::parse(text).unwrap().steps().map(str::to_owned).collect()
    }

    #[test]
    fn the_root_may_be_written_or_not() {
        assert_eq!(steps("system.resources.http"), ["resources", "http"]);
        assert_eq!(steps("resources.http"), ["resources", "http"]);
        assert_eq!(steps("system"), ["system"]);
    }

    #[test]
    fn a_step_with_a_dot_is_quoted() {
        assert_eq!(steps(r#"logging.levels."a.b""#), ["logging", "levels", "a.b"]);
        assert_eq!(KeyPath::parse(r#"logging.levels."a.b""#).unwrap().to_string(), r#"system.logging.levels."a.b""#);
    }

    #[test]
    fn malformed_paths_are_told() {
        for text in ["", ".", "a..b", ".a", "a.", "\"a", "\"a\"b"] {
            assert!(KeyPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_knows_its_variable() {
        let variable = |text| KeyPath::parse(text).unwrap().variable();
        assert_eq!(variable("resources.http.port").as_deref(), Some("CHASSIS__RESOURCES__HTTP__PORT"));
        assert_eq!(variable("deploy_name").as_deref(), Some("CHASSIS__DEPLOY_NAME"));
        assert_eq!(variable("microservices.my-orders.size"), None);
    }

    #[test]
    fn a_trail_becomes_a_path() {
        let base = KeyPath::parse("resources").unwrap();
        let base = Trail::base(&base);
        let key = Trail::below(&base, Step::Key("http"));
        let index = Trail::below(&key, Step::Index(3));
        assert_eq!(index.path().to_string(), "system.resources.http.3");
    }
}
