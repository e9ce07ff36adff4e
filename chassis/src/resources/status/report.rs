//! What the server tells as JSON, besides probes.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::{
    HealthStatus, Leader, State,
    json::object,
    logging::timestamp,
    service::{Progress, ResourceView, Service},
    settings::Effective,
    tasks::TaskRow,
};

/// `/status`: the number of every state, and whether all are started. Parts of the chassis are not told; sources of
/// settings are while they have something to say, as what runs and is not well.
pub(super) fn status(service: &Service) -> (bool, Value) {
    let resources: Vec<ResourceView> =
        service.resources().into_iter().filter(|resource| !resource.is_builtin).collect();
    let are_started = resources.iter().all(|resource| resource.state == State::Started);
    let row = |resource: ResourceView| {
        let ResourceView { name, state, since, health, restarts, .. } = resource;
        let row = json!({
            "status": state as u8,
            "status_str": state.as_str(),
            "since": timestamp(since),
            "health": health.status().as_str(),
            "restarts": restarts,
        });
        (name, row)
    };
    let ill = service.sources().filter(|(_, health)| health.status() != HealthStatus::Pass);
    let ill = ill.map(|(name, health)| {
        let row = json!({
            "status": State::Started as u8,
            "status_str": State::Started.as_str(),
            "health": HealthStatus::Warn.as_str(),
            "output": health.output(),
        });
        (format!("{name}:settings"), row)
    });
    let rows = resources.into_iter().map(row).map(|(name, row)| (name.to_owned(), row));
    (are_started, object(rows.chain(ill)).into())
}

/// `/resources`: all there is to know of each, parts of the chassis included.
pub(super) fn resources(service: &Service) -> Value {
    let row = |resource: ResourceView| {
        let info = service.resource_info(resource.name);
        let ResourceView {
            name,
            about,
            state,
            since,
            health,
            is_critical,
            is_builtin,
            restarts,
            last_error,
            after,
            history,
        } = resource;
        let history = history.iter().map(|(at, state)| json!({ "at": timestamp(*at), "state": state.as_str() }));
        let row = json!({
            "about": about,
            "status": state as u8,
            "state": state.as_str(),
            "since": timestamp(since),
            "health": { "status": health.status().as_str(), "output": health.output() },
            "critical": is_critical,
            "builtin": is_builtin,
            "restarts": restarts,
            "last_error": last_error,
            "after": after,
            "info": info,
            "history": history.collect::<Vec<_>>(),
        });
        (name, row)
    };
    object(service.resources().into_iter().map(row)).into()
}

/// `/tasks`: tasks, timers and threads.
pub(super) fn tasks(service: &Service) -> Value {
    let row = |(name, row): (&'static str, TaskRow)| {
        let TaskRow { kind, state, runs, failures, restarts, skipped, last, next, last_error, leader } = row;
        let mut row = json!({
            "kind": kind,
            "state": state.as_str(),
            "runs": runs,
            "failures": failures,
            "restarts": restarts,
            "skipped": skipped,
            "last": last.map(timestamp),
            "next": next.map(timestamp),
            "last_error": last_error,
        });
        if let Some(Leader { token, instance, host, since }) = leader {
            row["leader"] = json!({ "token": token, "instance": instance, "host": host, "since": since });
        }
        (name, row)
    };
    object(service.tasks().into_iter().map(row)).into()
}

/// `/events`: the recent ones, oldest first.
pub(super) fn events(service: &Service) -> Value {
    json!(service.events().iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// `/info`: which program this is and for how long it has been running.
pub(super) fn info(service: &Service) -> Value {
    json!({
        "name": service.name(),
        "version": service.version(),
        "about": service.about(),
        "deploy_name": service.deploy_name(),
        "instance": service.instance(),
        "state": progress(service),
        "started": timestamp(service.started()),
        "now": timestamp(SystemTime::now()),
        "uptime_seconds": service.uptime().as_secs_f64(),
        "process": { "id": std::process::id(), "running": service.running() },
        "build": {
            "chassis": env!("CARGO_PKG_VERSION"),
            "profile": if cfg!(debug_assertions) { "debug" } else { "release" },
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
        },
    })
}

/// `/loggers`: the level of each name that has one; `root` is everything else.
pub(super) fn loggers(service: &Service) -> Value {
    let levels = service.scope().logs().levels();
    object(levels.into_iter().map(|(name, level)| (name, json!({ "level": level.as_str() })))).into()
}

/// `/settings`: every setting in force with its origin; secrets are masked.
pub(super) fn settings(service: &Service) -> Value {
    let row = |Effective { key, value, origin }| (key, json!({ "value": value, "origin": origin.to_string() }));
    object(service.settings().effective().into_iter().map(row)).into()
}

/// The word for how far the service is.
pub(super) fn progress(service: &Service) -> &'static str {
    match service.progress() {
        Progress::Starting => "starting",
        Progress::Running => "running",
        Progress::Stopping => "stopping",
        Progress::Stopped => "stopped",
    }
}
