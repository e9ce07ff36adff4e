//! The headers that chassis writes and understands.

/// Which attempt to handle the message the next one is, as a decimal number.
pub const ATTEMPT: &str = "x-attempt";
/// Until when somebody wants it handled: milliseconds since 1970, as a decimal number.
pub const DEADLINE: &str = "x-deadline";
/// The request id of the work that sent it.
pub const REQUEST_ID: &str = "x-request-id";
/// The place in the trace of the work that sent it, W3C Trace Context.
pub const TRACE: &str = "traceparent";
/// The id by which all calls that come of one call are found, where the wire has such; it stands on every line of the work.
pub const WORKFLOW_ID: &str = "x-workflow-id";
/// On an answer: it tells of a failure; the value is its cause, the body `{"error": "…"}`.
pub const ERROR: &str = "x-error";
/// On a dead letter: why it is one: `exhausted`, `rejected`, `undecodable`, `expired`, `too_large`.
pub const DEAD_REASON: &str = "x-dead-reason";
/// On a dead letter: what the last attempt failed with, the whole chain.
pub const DEAD_ERROR: &str = "x-dead-error";
/// On a dead letter: how many attempts there were.
pub const DEAD_ATTEMPTS: &str = "x-dead-attempts";
/// On a dead letter: the service that gave it up.
pub const DEAD_SERVICE: &str = "x-dead-service";
/// On a dead letter: pattern and name that it came by, as in `push_pull emails`.
pub const DEAD_SOURCE: &str = "x-dead-source";
/// On a dead letter: when it was given up, RFC 3339.
pub const DEAD_TIME: &str = "x-dead-time";
