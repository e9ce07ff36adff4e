//! Events in words for people, and as data for programs.

use std::{fmt, time::Duration};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use super::{Event, EventKind};
use crate::{lifecycle::for_people, logging::timestamp};

impl EventKind {
    /// The kind's name in data.
    pub fn as_str(&self) -> &'static str {
        match self {
            EventKind::Phase { .. } => "phase",
            EventKind::Step { .. } => "step",
            EventKind::Hook { .. } => "hook",
            EventKind::State { .. } => "state",
            EventKind::Failed { .. } => "failed",
            EventKind::Restarting { .. } => "restarting",
            EventKind::Health { .. } => "health",
            EventKind::TaskStarted { .. } => "task_started",
            EventKind::TaskEnded { .. } => "task_ended",
            EventKind::TaskRestarting { .. } => "task_restarting",
            EventKind::Elected { .. } => "elected",
            EventKind::LeadershipLost { .. } => "leadership_lost",
            EventKind::GaveUp { .. } => "gave_up",
            EventKind::SettingsChanged { .. } => "settings_changed",
            EventKind::SettingsRefused { .. } => "settings_refused",
            EventKind::Running { .. } => "running",
            EventKind::Stopping { .. } => "stopping",
            EventKind::Stopped { .. } => "stopped",
        }
    }

    /// Whether it is bad news.
    pub fn is_failure(&self) -> bool {
        match self {
            EventKind::Phase { failed, .. } => *failed > 0,
            EventKind::Step { error, .. } | EventKind::Hook { error, .. } | EventKind::TaskEnded { error, .. } => {
                error.is_some()
            }
            EventKind::State { to, .. } => *to == crate::State::Failed,
            EventKind::Health { status, .. } => *status != crate::HealthStatus::Pass,
            EventKind::Failed { .. } | EventKind::GaveUp { .. } | EventKind::SettingsRefused { .. } => true,
            EventKind::Stopped { code, .. } => *code != 0,
            EventKind::Restarting { .. }
            | EventKind::TaskStarted { .. }
            | EventKind::TaskRestarting { .. }
            | EventKind::Elected { .. }
            | EventKind::LeadershipLost { .. }
            | EventKind::SettingsChanged { .. }
            | EventKind::Running { .. }
            | EventKind::Stopping { .. } => false,
        }
    }

    /// What it carries, by name.
    fn members(&self) -> Map<String, Value> {
        let value = match self {
            EventKind::Phase { phase, took, failed } => {
                json!({ "phase": phase.as_str(), "took_ms": millis(*took), "failed": failed })
            }
            EventKind::Step { resource, phase, took, error } => {
                json!({ "resource": resource, "phase": phase.as_str(), "took_ms": millis(*took), "error": error })
            }
            EventKind::Hook { hook, took, error } => json!({ "hook": hook, "took_ms": millis(*took), "error": error }),
            EventKind::State { resource, from, to } => {
                json!({ "resource": resource, "from": from.as_str(), "to": to.as_str() })
            }
            EventKind::Failed { resource, cause, error } => {
                json!({ "resource": resource, "cause": cause.as_str(), "error": error })
            }
            EventKind::Restarting { resource, restarts, delay } => {
                json!({ "resource": resource, "restarts": restarts, "delay_ms": millis(*delay) })
            }
            EventKind::Health { resource, status, output } => {
                json!({ "resource": resource, "status": status.as_str(), "output": output })
            }
            EventKind::TaskStarted { task } => json!({ "task": task }),
            EventKind::TaskEnded { task, error } => json!({ "task": task, "error": error }),
            EventKind::TaskRestarting { task, restarts, delay } => {
                json!({ "task": task, "restarts": restarts, "delay_ms": millis(*delay) })
            }
            EventKind::Elected { task, token } => json!({ "task": task, "token": token }),
            EventKind::LeadershipLost { task, token, why } => json!({ "task": task, "token": token, "why": why }),
            EventKind::GaveUp { what } => json!({ "what": what }),
            EventKind::SettingsChanged { keys } => json!({ "keys": keys }),
            EventKind::SettingsRefused { why } => json!({ "why": why }),
            EventKind::Running { took } => json!({ "took_ms": millis(*took) }),
            EventKind::Stopping { reason } => json!({ "reason": reason }),
            EventKind::Stopped { code, took } => json!({ "code": code, "took_ms": millis(*took) }),
        };
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// One object: `at`, `uptime_ms`, `event` (the kind's name), `text`, and what the kind carries.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event { at, uptime, kind } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("at", &timestamp(*at))?;
        map.serialize_entry("uptime_ms", &millis(*uptime))?;
        map.serialize_entry("event", kind.as_str())?;
        map.serialize_entry("text", &kind.to_string())?;
        for (name, value) in kind.members().iter().filter(|(_, value)| !value.is_null()) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EventKind::Phase { phase, took, failed: 0 } => write!(f, "phase {phase} done in {}", for_people(*took)),
            EventKind::Phase { phase, took, failed } => {
                write!(f, "phase {phase} ended after {} with {failed} failed", for_people(*took))
            }
            EventKind::Step { resource, phase, took, error: None } => {
                write!(f, "resource `{resource}`: {phase} done in {}", for_people(*took))
            }
            EventKind::Step { resource, phase, took, error: Some(error) } => {
                write!(f, "resource `{resource}` failed in `{phase}` after {}: {error}", for_people(*took))
            }
            EventKind::Hook { hook, took, error: None } => write!(f, "hook `{hook}` done in {}", for_people(*took)),
            EventKind::Hook { hook, took, error: Some(error) } => {
                write!(f, "hook `{hook}` failed after {}: {error}", for_people(*took))
            }
            EventKind::State { resource, from, to } => write!(f, "resource `{resource}`: {from} -> {to}"),
            EventKind::Failed { resource, cause, error } => write!(f, "resource `{resource}` {cause}: {error}"),
            EventKind::Restarting { resource, restarts, delay } => {
                write!(f, "resource `{resource}`: restart {restarts} in {}", for_people(*delay))
            }
            EventKind::Health { resource, status, output } => match output {
                Some(output) => write!(f, "resource `{resource}` is at {status}: {output}"),
                None => write!(f, "resource `{resource}` is at {status}"),
            },
            EventKind::TaskStarted { task } => write!(f, "`{task}` started"),
            EventKind::TaskEnded { task, error: None } => write!(f, "`{task}` ended"),
            EventKind::TaskEnded { task, error: Some(error) } => write!(f, "`{task}` failed: {error}"),
            EventKind::TaskRestarting { task, restarts, delay } => {
                write!(f, "`{task}`: restart {restarts} in {}", for_people(*delay))
            }
            EventKind::Elected { task, token } => write!(f, "`{task}`: this replica is leader (token {token})"),
            EventKind::LeadershipLost { task, token, why } => {
                write!(f, "`{task}`: this replica is not leader any more (token {token}): {why}")
            }
            EventKind::GaveUp { what } => write!(f, "`{what}` is not restarted any more"),
            EventKind::SettingsChanged { keys } => write!(f, "settings changed: {}", keys.join(", ")),
            EventKind::SettingsRefused { why } => write!(f, "changed settings are refused: {why}"),
            EventKind::Running { took } => write!(f, "running, started in {}", for_people(*took)),
            EventKind::Stopping { reason } => write!(f, "stopping: {reason}"),
            EventKind::Stopped { code, took } => write!(f, "stopped in {}, exit code {code}", for_people(*took)),
        }
    }
}

/// Milliseconds to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::lifecycle::Phase;

    #[test]
    fn an_event_is_one_flat_object_without_what_is_not_known() {
        let took = Duration::from_micros(1500);
        let kind = EventKind::Step { resource: "db", phase: Phase::Start, took, error: None };
        let event = Event { at: UNIX_EPOCH, uptime: Duration::from_millis(2), kind };
        let expected = json!({
            "at": "1970-01-01T00:00:00.000000Z", "uptime_ms": 2.0, "event": "step",
            "text": "resource `db`: start done in 1ms", "resource": "db", "phase": "start", "took_ms": 1.5,
        });
        assert_eq!(serde_json::to_value(&event).ok(), Some(expected));
    }

    #[test]
    fn failures_are_told_apart() {
        assert!(EventKind::Stopped { code: 70, took: Duration::ZERO }.is_failure());
        assert!(!EventKind::Stopped { code: 0, took: Duration::ZERO }.is_failure());
        assert!(EventKind::GaveUp { what: "tick" }.is_failure());
    }
}
