//! What a type of settings is given to read itself from.

use std::fmt;

use super::{
    node::{Node, Value},
    origin::Origin,
    path::{Step, Trail},
    problem::{Problem, Problems},
    rules::Rules,
    setting::Cells,
};

/// A value of the tree, and the way to tell what is wrong with it.
pub struct Input<'a> {
    pub(crate) node: Option<&'a Node>,
    pub(crate) trail: &'a Trail<'a>,
    /// The section or list it stands in.
    pub(crate) around: Option<&'a Node>,
    pub(crate) rules: Rules,
    pub(crate) cells: Option<&'a Cells>,
    /// Never shown: a secret, or something that holds one.
    pub(crate) is_hidden: bool,
    /// A source could not be read, so what seems to be missing may be written there: not told.
    pub(crate) is_partial: bool,
    pub(crate) problems: &'a mut Problems,
}

impl<'a> Input<'a> {
    /// A value that stands in nothing, and that no setting follows.
    pub(crate) fn alone(node: Option<&'a Node>, trail: &'a Trail<'a>, problems: &'a mut Problems) -> Self {
        let rules = Rules::default();
        Self { node, trail, around: None, rules, cells: None, is_hidden: false, is_partial: false, problems }
    }

    /// The value as text: any scalar, as it was spelled. `None` for lists, maps and nothing.
    pub fn text(&self) -> Option<String> {
        let node = self.node?;
        let text = match &node.value {
            // The spelling of text in a file differs from the text by its quotes only.
            Value::Text(text) | Value::Raw(text) => text.to_string(),
            Value::Null | Value::List(_) | Value::Map(_) => return None,
            Value::Bool(_) | Value::Int(_) | Value::Float(_) if node.spelling.is_some() => {
                node.spelling.as_deref().unwrap_or_default().to_owned()
            }
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
        };
        Some(text)
    }

    /// The value as JSON; text of the environment and the command line that is JSON becomes what it says.
    pub fn json(&self) -> Option<serde_json::Value> {
        let node = self.node?;
        match &node.value {
            Value::Raw(text) => Some(serde_json::from_str(text).unwrap_or_else(|_| node.to_json())),
            _ => Some(node.to_json()),
        }
    }

    /// Says what should have been here, and shows what is.
    pub fn mismatch(&mut self, expected: impl fmt::Display) {
        self.mismatch_with(expected, None);
    }

    /// Says what should have been here, shows what is, and adds what to do.
    pub fn mismatch_with(&mut self, expected: impl fmt::Display, help: Option<String>) {
        let Some(node) = self.node else {
            return self.missing();
        };
        let found = node.found(self.is_hidden);
        let problem = Problem::at(self.trail.path(), format!("expected {expected}, found {found}"));
        let hides = node.hides.as_ref().map(|origin| format!("it replaces what is set at {origin}"));
        self.push(help.into_iter().chain(hides).fold(problem, Problem::help));
    }

    /// Says what is wrong in words of one's own; keep secrets out of them.
    pub fn wrong(&mut self, what: impl Into<String>) {
        let problem = Problem::at(self.trail.path(), what);
        self.push(problem);
    }

    /// Says that there has to be a value.
    pub fn missing(&mut self) {
        if self.is_partial {
            return;
        }
        let path = self.trail.path();
        let key = path.below_root();
        let mut ways = vec!["set it in a settings file".to_owned()];
        ways.extend(path.variable().map(|variable| format!("as `{variable}` in the environment")));
        ways.push(format!("with `--set {key}=…`"));
        let (last, first) = (ways.pop().unwrap_or_default(), ways.join(", "));
        let problem = Problem::at(path, "required, but not set").help(format!("{first} or {last}"));
        match self.around {
            Some(around) if !around.origin.is_default() => {
                let problem = problem.help(format!("its section is at {}", around.named_at()));
                self.problems.push(problem);
            }
            _ => self.problems.push(problem),
        }
    }

    /// Where the value was written; [`Origin::default_value`] when there is none.
    pub fn origin(&self) -> Origin {
        self.node.map_or_else(Origin::default_value, |node| node.origin.clone())
    }

    /// From here on, reports do not show what was found.
    pub fn hide(&mut self) {
        self.is_hidden = true;
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        let origin = self.node.or(self.around).map(|node| node.origin.clone());
        self.problems.push(match origin {
            Some(origin) => problem.origin(origin),
            None => problem,
        });
    }

    /// Reads something inside of this value.
    pub(crate) fn inside<R>(
        &mut self,
        step: Step<'_>,
        node: Option<&Node>,
        read: impl FnOnce(&mut Input<'_>) -> R,
    ) -> R {
        let trail = Trail::below(self.trail, step);
        read(&mut Input {
            node,
            trail: &trail,
            around: self.node.or(self.around),
            rules: self.rules,
            cells: self.cells,
            is_hidden: self.is_hidden,
            is_partial: self.is_partial,
            problems: self.problems,
        })
    }
}

impl fmt::Debug for Input<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input({})", self.trail.path())
    }
}
