//! What is to be done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What, in a few words.
    pub title: String,
    /// What, in more words.
    #[serde(default)]
    pub description: String,
    /// How pressing it is.
    #[serde(default)]
    pub priority: Priority,
    /// Whether it is done.
    #[serde(default)]
    pub completed: bool,
    /// When it is due, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number")]
    #[schemars(with = "f64")]
    pub due_date: Option<f64>,
}

/// How pressing a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Now.
    Urgent,
    /// Soon.
    High,
    /// Some day.
    #[default]
    Normal,
    /// When there is nothing else.
    Low,
    /// Never mind.
    None,
}

/// A due date that is given is a number, never `null`.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}
