//! What time it is for a service.

use std::time::SystemTime;

use tokio::time::Instant;

/// The time of day, following the runtime's clock where a test has set it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clock {
    /// A time of day and the instant it belongs to; `None` is the system's clock.
    base: Option<(SystemTime, Instant)>,
}

impl Clock {
    /// A clock that shows `time` now and goes on with the runtime's clock, which a test may pause and advance.
    pub(crate) fn starting_at(time: SystemTime) -> Self {
        Self { base: Some((time, Instant::now())) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        match self.base {
            None => SystemTime::now(),
            Some((time, instant)) => time + instant.elapsed(),
        }
    }
}
