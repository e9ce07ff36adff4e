//! How a resource says that it is well.

use std::fmt;

/// The answer of [`Resource::health`](crate::Resource::health).
///
/// The words are those of `application/health+json` (draft-inadarei-api-health-check).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    status: HealthStatus,
    output: Option<String>,
}

/// The three grades of health, worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HealthStatus {
    /// Works.
    Pass,
    /// Works, but somebody should look.
    Warn,
    /// Does not work.
    Fail,
}

impl Health {
    /// Works.
    pub fn pass() -> Self {
        Self { status: HealthStatus::Pass, output: None }
    }

    /// Works, but somebody should look; says why.
    pub fn warn(output: impl fmt::Display) -> Self {
        Self { status: HealthStatus::Warn, output: Some(output.to_string()) }
    }

    /// Does not work; says why.
    pub fn fail(output: impl fmt::Display) -> Self {
        Self { status: HealthStatus::Fail, output: Some(output.to_string()) }
    }

    /// The grade.
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// Why it is not `pass`.
    pub fn output(&self) -> Option<&str> {
        self.output.as_deref()
    }
}

impl HealthStatus {
    /// The word for it in `application/health+json`.
    pub fn as_str(self) -> &'static str {
        match self {
            HealthStatus::Pass => "pass",
            HealthStatus::Warn => "warn",
            HealthStatus::Fail => "fail",
        }
    }
}

impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
