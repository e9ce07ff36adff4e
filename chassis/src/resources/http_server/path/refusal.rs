//! Why captures are not what a handler asks for.

use std::{any::type_name, fmt};

use super::{super::problem::Problem, deserializer::Capture};
use crate::Error;

/// The reason, and whose mistake it is.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The client's: a capture that cannot be used, and why.
    Client { name: Option<Box<str>>, why: String },
    /// The service's: a type that fits no path, or not this one.
    Service { why: String },
}

impl Refusal {
    pub(super) fn not_utf8(name: &str) -> Self {
        Self::Client { name: Some(name.into()), why: format!("expected UTF-8 for `{name}`") }
    }

    /// The text is no `expected`.
    pub(super) fn not_a(expected: &str, capture: &Capture<'_>) -> Self {
        let Capture { name, value } = capture;
        Self::Client { name: Some((*name).into()), why: format!("expected {expected} for `{name}`, found `{value}`") }
    }

    pub(super) fn wrong_count(expected: usize, found: usize) -> Self {
        Self::Service { why: format!("`Path` takes {expected} of the path's captures, and the route has {found}") }
    }

    pub(super) fn unsupported<T>() -> Self {
        Self::Service { why: format!("`{}` cannot be made of one capture of a path", type_name::<T>()) }
    }

    /// The same, of this capture.
    pub(super) fn of(self, capture: &Capture<'_>) -> Self {
        let Capture { name, value } = capture;
        match self {
            Self::Client { name: None, why } => {
                Self::Client { name: Some((*name).into()), why: format!("`{name}` cannot be `{value}`: {why}") }
            }
            other => other,
        }
    }
}

impl serde::de::Error for Refusal {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self::Client { name: None, why: why.to_string() }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Client { name, why } => {
                let problem = Self::bad_request(format!("the path of the URL cannot be used: {why}"));
                match name {
                    Some(name) => problem.with("parameter", name),
                    None => problem,
                }
            }
            Refusal::Service { why } => Self::internal().because(Error::msg(why)),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Client { why, .. } | Self::Service { why }) = self;
        f.write_str(why)
    }
}

impl std::error::Error for Refusal {}
