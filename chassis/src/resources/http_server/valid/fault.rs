//! What is wrong with a body, and where.

use http::StatusCode;
use serde::Serialize;

use super::super::problem::Problem;

/// More than this many faults help nobody; how many there were is said.
const MOST: usize = 50;

/// One thing that is wrong with a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// A JSON Pointer (RFC 6901) to the place in the body.
    pub pointer: String,
    /// What is wrong there.
    pub detail: String,
}

/// Everything that is wrong with a body.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    /// Found in all, also those that are not listed any more.
    found: usize,
}

/// Rules of a body that its JSON Schema cannot say; see [`Checked`](super::Checked).
///
/// ```
/// # use chassis::http_server::{Check, Faults};
/// struct Booking { from: u32, to: u32 }
///
/// impl Check for Booking {
///     fn check(&self, faults: &mut Faults) {
///         if self.to < self.from {
///             faults.add("/to", "must not be before `from`");
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rules to be checked by",
    label = "`Checked` needs `impl Check for {Self}`; `Valid` checks by the JSON Schema alone"
)]
pub trait Check {
    /// Adds what is wrong.
    fn check(&self, faults: &mut Faults);
}

impl Faults {
    /// Adds one, by its JSON Pointer; the empty pointer is the whole body.
    pub fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.found += 1;
        if self.faults.len() < MOST {
            self.faults.push(Fault { pointer: pointer.into(), detail: detail.into() });
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults that were kept, in the order they were found.
    pub fn list(&self) -> &[Fault] {
        &self.faults
    }

    /// Nothing, or the problem document.
    ///
    /// # Errors
    /// A 422 with all faults.
    pub fn into_result(self) -> Result<(), Problem> {
        if self.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    /// The problem document: a 422 with `errors`.
    pub(crate) fn into_problem(self) -> Problem {
        let detail = match self.found {
            1 => "the body has a fault".to_owned(),
            found if found > MOST => format!("the body has {found} faults; the first {MOST} are listed"),
            found => format!("the body has {found} faults"),
        };
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY).detail(detail).with("errors", self.faults)
    }

    pub(super) fn extend(&mut self, other: Faults) {
        self.found += other.found - other.faults.len();
        for fault in other.faults {
            self.add(fault.pointer, fault.detail);
        }
    }

    pub(super) fn found(&self) -> usize {
        self.found
    }
}

/// The JSON Pointer of where serde was.
pub(in super::super) fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push_token(&mut pointer, &index.to_string()),
            Segment::Map { key } => push_token(&mut pointer, key),
            Segment::Enum { variant } => push_token(&mut pointer, variant),
            Segment::Unknown => break,
        }
    }
    pointer
}

/// Appends a reference token, escaped.
pub(super) fn push_token(pointer: &mut String, token: &str) {
    pointer.push('/');
    for character in token.chars() {
        match character {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_escaped() {
        let mut pointer = String::from("/a");
        push_token(&mut pointer, "m~n/o");
        assert_eq!(pointer, "/a/m~0n~1o");
    }

    #[test]
    fn a_flood_of_faults_is_cut_and_counted() {
        let mut faults = Faults::default();
        for nth in 0..1000 {
            faults.add(format!("/{nth}"), "is wrong");
        }
        assert_eq!(faults.list().len(), MOST);
        let problem = faults.into_problem();
        assert_eq!(problem.explanation(), Some("the body has 1000 faults; the first 50 are listed"));
    }
}
