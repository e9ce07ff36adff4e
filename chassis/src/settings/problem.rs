//! What is wrong with the settings: everything at once, each with its key, its origin and the way out.

use std::{collections::BTreeSet, fmt};

use super::{
    origin::Origin,
    path::KeyPath,
    tree::{Section, Tree},
};
use crate::{Cause, Error, Result};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// `None` where a source as a whole is at fault.
    key: Option<KeyPath>,
    origin: Option<Origin>,
    /// What is wrong, without the key and the origin.
    what: String,
    /// The way out, if there is an obvious one.
    help: Vec<String>,
    /// Nothing is wrong with what is set: the place it is read from cannot be reached.
    is_unavailable: bool,
    /// Only a warning where the service does not read the key.
    is_if_read: bool,
}

impl Problem {
    /// A problem of a source as a whole: a file that is missing or malformed.
    pub fn of_source(origin: Origin, what: impl Into<String>) -> Self {
        Self {
            key: None,
            origin: Some(origin),
            what: clean(what.into()),
            help: Vec::new(),
            is_unavailable: false,
            is_if_read: false,
        }
    }

    /// A problem of the service itself: of what its code declares.
    pub(crate) fn of_service(what: impl Into<String>) -> Self {
        Self {
            key: None,
            origin: None,
            what: clean(what.into()),
            help: Vec::new(),
            is_unavailable: false,
            is_if_read: false,
        }
    }

    /// A problem of the key at `path`, such as `resources.http.port`.
    pub fn of_key(path: &str, what: impl Into<String>) -> Self {
        Self::at(KeyPath::lenient(path), what)
    }

    pub(crate) fn at(key: KeyPath, what: impl Into<String>) -> Self {
        Self {
            key: Some(key),
            origin: None,
            what: clean(what.into()),
            help: Vec::new(),
            is_unavailable: false,
            is_if_read: false,
        }
    }

    /// Says where it was written.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Says that nothing is set wrongly: the place the settings are read from cannot be reached at the moment.
    #[must_use]
    pub fn unavailable(mut self) -> Self {
        self.is_unavailable = true;
        self
    }

    /// Says that the source serves many services: where this one does not read the key, it is only a warning.
    #[must_use]
    pub fn if_read(mut self) -> Self {
        self.is_if_read = true;
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(clean(help.into()));
        self
    }

    /// The key it is about, beginning with `system`; `None` where a source as a whole is at fault.
    pub fn key(&self) -> Option<String> {
        self.key.as_ref().map(KeyPath::to_string)
    }

    /// Where it was written; `None` for what is missing.
    pub fn written_at(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }
}

/// Without what a terminal would act on, and not endless: keys and messages hold what is written in files.
fn clean(mut text: String) -> String {
    const LONGEST: usize = 600;
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
}

/// In one line: `system.resources.http.port: expected …, found … (at settings.yml:12:9); help`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.key, &self.origin) {
            (Some(key), Some(origin)) => write!(f, "`{key}`: {} (at {origin})", self.what)?,
            (Some(key), None) => write!(f, "`{key}`: {}", self.what)?,
            (None, Some(origin)) => write!(f, "{origin}: {}", self.what)?,
            (None, None) => f.write_str(&self.what)?,
        }
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

/// Everything that is wrong with the settings, collected while they are read.
///
/// Besides problems, which keep a service from starting, it collects warnings (what is probably a mistake) and
/// notices (what is accepted, but means nothing here). The same thing is told once, however often it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    problems: BTreeSet<Problem>,
    warnings: BTreeSet<Problem>,
    notices: BTreeSet<String>,
}

impl Problems {
    /// Nothing is wrong yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what keeps the service from starting.
    pub fn push(&mut self, problem: Problem) {
        self.problems.insert(problem);
    }

    /// Adds a problem of the key at `path`, such as `resources.http`, in words of one's own.
    pub fn add(&mut self, path: &str, what: impl Into<String>) {
        self.push(Problem::of_key(path, what));
    }

    /// Adds what is probably a mistake, but stands in nobody's way.
    pub fn warn(&mut self, warning: Problem) {
        self.warnings.insert(warning);
    }

    /// Adds what is accepted and should be known once.
    pub fn notice(&mut self, notice: impl Into<String>) {
        self.notices.insert(notice.into());
    }

    /// What an error says: key by key where it is a [report](Self::into_result), and as one problem otherwise.
    pub fn of_error(error: &Error) -> Self {
        match error.find::<Report>() {
            Some(report) => report.problems().clone(),
            None => Self { problems: [Problem::of_service(format!("{error:#}"))].into(), ..Self::default() },
        }
    }

    /// The same problems, of keys that are below `section`: what looked at a part of the settings does not know where
    /// that part stands.
    #[must_use]
    pub fn below(&self, section: &str) -> Self {
        let section = KeyPath::lenient(section);
        let moved = |problem: &Problem| {
            let key = section.join(problem.key.as_ref().unwrap_or(&KeyPath::default()));
            Problem { key: Some(key), ..problem.clone() }
        };
        let Problems { problems, warnings, notices } = self;
        Self {
            problems: problems.iter().map(moved).collect(),
            warnings: warnings.iter().map(moved).collect(),
            notices: notices.clone(),
        }
    }

    /// Says of each problem where its key was written, if it was.
    #[must_use]
    pub(crate) fn placed_by(self, tree: &Tree) -> Self {
        let placed = |problem: Problem| {
            let section = problem.key.clone().map(|key| tree.section_at(key)).filter(Section::is_present);
            let origin = problem.origin.clone().or_else(|| section.map(|section| section.origin()));
            Problem { origin, ..problem }
        };
        Self { problems: self.problems.into_iter().map(placed).collect(), ..self }
    }

    /// Takes over everything that was collected elsewhere.
    pub fn append(&mut self, other: Problems) {
        let Problems { problems, warnings, notices } = other;
        self.problems.extend(problems);
        self.warnings.extend(warnings);
        self.notices.extend(notices);
    }

    /// Makes warnings of what is said of keys that nobody here reads, in sources that serve many services.
    pub(crate) fn relax(&mut self, is_read: impl Fn(&KeyPath) -> bool) {
        let is_elsewhere = |problem: &Problem| problem.is_if_read && !problem.key.as_ref().is_some_and(&is_read);
        let (warnings, problems) = std::mem::take(&mut self.problems).into_iter().partition(is_elsewhere);
        self.problems = problems;
        self.warnings.extend::<BTreeSet<Problem>>(warnings);
    }

    /// Forgets the problems of keys that are not at `path`, below it or above it; those of whole sources stay.
    pub(crate) fn keep_near(&mut self, path: &KeyPath) {
        let is_near = |key: &KeyPath| key.starts_with(path) || path.starts_with(key);
        self.problems.retain(|problem| problem.key.as_ref().is_none_or(is_near));
        self.warnings.retain(|problem| problem.key.as_ref().is_none_or(is_near));
    }

    /// Whether nothing keeps the service from starting.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// How many things keep the service from starting.
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// What keeps the service from starting, by source and key.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter()
    }

    /// What is probably a mistake.
    pub fn warnings(&self) -> impl Iterator<Item = &Problem> {
        self.warnings.iter()
    }

    /// What is accepted and should be known once.
    pub fn notices(&self) -> impl Iterator<Item = &str> {
        self.notices.iter().map(String::as_str)
    }

    /// The report as an error, unless nothing is wrong.
    ///
    /// # Errors
    /// An error with all of it as its message. Its cause is [`Misconfigured`](crate::Cause::Misconfigured), or
    /// [`Unavailable`](crate::Cause::Unavailable) where [nothing else](Problem::unavailable) is the matter.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let is_unavailable = self.problems.iter().all(|problem| problem.is_unavailable);
        let cause = if is_unavailable { Cause::Unavailable } else { Cause::Misconfigured };
        Err(Error::from(Report(self)).with_cause(cause))
    }
}

/// One block for a person: numbered, sorted, a line for what is wrong, and where, and what to do.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "settings: {count} problem{}", if count == 1 { "" } else { "s" })?;
        let width = count.to_string().len();
        for (number, problem) in (1..).zip(&self.problems) {
            let Problem { key, origin, what, help, .. } = problem;
            write!(f, "\n{number:>width$}. ")?;
            match (key, origin) {
                (Some(key), _) => write!(f, "`{key}`: {what}")?,
                (None, Some(origin)) => write!(f, "{origin}: {what}")?,
                (None, None) => f.write_str(what)?,
            }
            let at = origin.iter().filter(|_| key.is_some()).map(|origin| format!("at {origin}"));
            for line in at.chain(help.iter().cloned()) {
                write!(f, "\n{:width$}    {line}", "")?;
            }
        }
        Ok(())
    }
}

/// The report in an error's chain; found again by [`Error::find`](crate::Error::find).
#[derive(Debug, Clone)]
pub struct Report(Problems);

impl Report {
    /// What was wrong.
    pub fn problems(&self) -> &Problems {
        &self.0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Report {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems() -> Problems {
        let mut problems = Problems::new();
        problems.push(
            Problem::of_key("resources.http.port", "expected a whole number, found text \"8o80\"")
                .origin(Origin::file("settings.yml", 12, 9)),
        );
        problems.push(Problem::of_key("deploy_name", "required, but not set").help("set it"));
        problems.push(Problem::of_source(Origin::file("more.yml", 3, 1), "a tab indents this line"));
        problems
    }

    #[test]
    fn the_report_is_one_numbered_block() {
        let expected = "settings: 3 problems\n\
                        1. more.yml:3:1: a tab indents this line\n\
                        2. `system.deploy_name`: required, but not set\n     set it\n\
                        3. `system.resources.http.port`: expected a whole number, found text \"8o80\"\n     \
                        at settings.yml:12:9";
        assert_eq!(problems().to_string(), expected);
    }

    #[test]
    fn the_same_problem_is_told_once() {
        let mut twice = problems();
        twice.append(problems());
        assert_eq!(twice.len(), 3);
    }

    #[test]
    fn the_error_is_misconfigured_and_has_the_problems_inside() {
        let Err(error) = problems().into_result() else { panic!("no error") };
        assert!(error.is_misconfigured());
        assert_eq!(error.find::<Report>().map(|report| report.problems().len()), Some(3));
        assert!(Problems::new().into_result().is_ok());
    }

    #[test]
    fn problems_of_a_part_are_told_by_their_whole_keys() {
        let mut problems = Problems::new();
        problems.add("handlers.snd", "no handler has this name");
        problems.push(Problem::of_service("two handlers take the same"));
        let whole = problems.below("resources.broker");
        let whole: Vec<_> = whole.iter().map(ToString::to_string).collect();
        assert_eq!(
            whole,
            [
                "`system.resources.broker`: two handlers take the same",
                "`system.resources.broker.handlers.snd`: no handler has this name"
            ]
        );
    }

    #[test]
    fn a_source_that_is_away_is_unavailable_unless_something_is_wrong_besides() {
        let away = Problem::of_source(Origin::named("etcd"), "connection refused").unavailable();
        let mut problems = Problems::new();
        problems.push(away.clone());
        assert!(problems.into_result().is_err_and(|error| error.is_unavailable()));
        let mut problems = self::problems();
        problems.push(away);
        assert!(problems.into_result().is_err_and(|error| error.is_misconfigured()));
    }
}
