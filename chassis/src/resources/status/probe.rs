//! The answers to probes, in the words of `application/health+json` (draft-inadarei-api-health-check-06).
//!
//! All of them come from memory: no resource is asked, however often an orchestrator asks.

use serde_json::{Map, Value, json};

use crate::{
    Health, HealthStatus, State,
    json::object,
    logging::timestamp,
    service::{ResourceView, Service},
};

/// Whether the process answers; it never looks outside of it, or a peer that is away would have it killed.
pub(super) fn liveness(service: &Service) -> (HealthStatus, Value) {
    answer(service, &Health::pass(), None)
}

/// Whether the start has succeeded.
pub(super) fn startup(service: &Service) -> (HealthStatus, Value) {
    let health = if service.has_started() { Health::pass() } else { Health::fail("not started yet") };
    answer(service, &health, None)
}

/// Whether it should be given work.
pub(super) fn readiness(service: &Service) -> (HealthStatus, Value) {
    let resources = service.resources().into_iter().filter(|resource| !resource.is_builtin);
    let checks = resources.map(|resource| (format!("{}:state", resource.name), json!([check(resource)])));
    // Only a source that has something to say: most of them are files and variables.
    let ill = service.sources().filter(|(_, health)| health.status() != HealthStatus::Pass);
    let ill = ill.map(|(name, health)| (format!("{name}:settings"), json!([source(&name, &health)])));
    answer(service, &service.readiness(), Some(object(checks.chain(ill))))
}

fn answer(service: &Service, health: &Health, checks: Option<Map<String, Value>>) -> (HealthStatus, Value) {
    let mut body = json!({
        "status": health.status().as_str(),
        "serviceId": service.instance(),
        "releaseId": service.version(),
        "description": format!("health of {}", service.name()),
    });
    if let Value::Object(members) = &mut body {
        members.extend(health.output().map(|output| ("output".to_owned(), output.into())));
        members.extend(checks.map(|checks| ("checks".to_owned(), checks.into())));
    }
    (health.status(), body)
}

fn source(name: &str, health: &Health) -> Value {
    json!({
        "componentId": name,
        "componentType": "datastore",
        // Whatever it says, the service has settings to go on with.
        "status": HealthStatus::Warn.as_str(),
        "output": health.output(),
    })
}

fn check(resource: ResourceView) -> Value {
    let ResourceView { name, state, since, health, last_error, .. } = resource;
    let status = if state == State::Started { health.status() } else { HealthStatus::Fail };
    let mut check = json!({
        "componentId": name,
        "componentType": "component",
        "observedValue": state.as_str(),
        "status": status.as_str(),
        "time": timestamp(since),
    });
    let output = health.output().map(str::to_owned).or(last_error.filter(|_| status == HealthStatus::Fail));
    if let (Some(output), Value::Object(members)) = (output, &mut check) {
        members.insert("output".to_owned(), output.into());
    }
    check
}
