//! A running service as an operator sees it: what the status server, and a resource like it, may know.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use crate::{
    diagram::{Diagram, Node},
    json::object,
    lifecycle::{Core, Event, EventStream, Stage, StopReason},
    metrics::Metrics,
    process,
    resource::{Health, HealthStatus, Resource, State},
    scope::Scope,
    settings::Settings,
    tasks::TaskRow,
};

/// A view of a service: states, health, tasks, events. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    core: Arc<Core>,
}

/// One resource of a service, as it is now.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ResourceView {
    /// The field of the service, or the name of a part of the chassis.
    pub name: &'static str,
    /// What the field's documentation says.
    pub about: &'static str,
    /// Where it is in its life.
    pub state: State,
    /// Since when.
    pub since: SystemTime,
    /// How it was when it was last asked.
    pub health: Health,
    /// Whether the service is not ready without it.
    pub is_critical: bool,
    /// Whether it is a part of the chassis and not a field of the service.
    pub is_builtin: bool,
    /// How often it was restarted.
    pub restarts: u64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// The resources it is started after.
    pub after: Vec<&'static str>,
    /// Its recent states.
    pub history: Vec<(SystemTime, State)>,
}

/// How far a service as a whole is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It starts; nothing is taken in yet.
    Starting,
    /// It works.
    Running,
    /// It stops; nothing is taken in any more.
    Stopping,
    /// It is stopped.
    Stopped,
}

impl Service {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The name of the service.
    pub fn name(&self) -> &'static str {
        self.core.about.name
    }

    /// The version of the service's package.
    pub fn version(&self) -> &'static str {
        self.core.about.version
    }

    /// What the service is for.
    pub fn about(&self) -> &'static str {
        self.core.about.about
    }

    /// What tells this instance from others of the same service.
    pub fn instance(&self) -> &str {
        &self.core.about.instance
    }

    /// The name of the deployment.
    pub fn deploy_name(&self) -> &str {
        self.core.scope.deploy_name()
    }

    /// When it began to start.
    pub fn started(&self) -> SystemTime {
        self.core.about.started
    }

    /// For how long it has been alive.
    pub fn uptime(&self) -> Duration {
        self.core.events.uptime()
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        match self.core.stage() {
            // From the first moment of a stop, although the start may still be under way.
            Stage::Starting | Stage::Running if self.core.stop_asked.is_triggered() => Progress::Stopping,
            Stage::Starting => Progress::Starting,
            Stage::Running => Progress::Running,
            Stage::Stopping => Progress::Stopping,
            Stage::Stopped => Progress::Stopped,
        }
    }

    /// Whether its start has succeeded, also when it stops by now.
    pub fn has_started(&self) -> bool {
        self.core.has_run()
    }

    /// Whether it should be given work, and how well it is: fail before `open`, from the first moment of a stop, and
    /// while a critical resource is down; warn while any other one is, or a source of settings.
    pub fn readiness(&self) -> Health {
        match self.progress() {
            Progress::Starting => return Health::fail("starting"),
            Progress::Stopping => return Health::fail("stopping"),
            Progress::Stopped => return Health::fail("stopped"),
            Progress::Running => {}
        }
        let mut readiness = Health::pass();
        for cell in &self.core.resources {
            let health = cell.health();
            let is_down = health.status() == HealthStatus::Fail || cell.state() != State::Started;
            let why = match health.output() {
                Some(output) => format!("resource `{}`: {output}", cell.name),
                None => format!("resource `{}` is {}", cell.name, cell.state().as_str()),
            };
            if is_down && cell.is_critical {
                return Health::fail(why);
            }
            if is_down || health.status() == HealthStatus::Warn {
                readiness = Health::warn(why);
            }
        }
        if readiness.status() == HealthStatus::Pass {
            let ill = self.sources().find(|(_, health)| health.status() != HealthStatus::Pass);
            let warn = |(name, health): (String, Health)| {
                Health::warn(format!("settings of `{name}`: {}", health.output().unwrap_or("no reason given")))
            };
            readiness = ill.map_or(readiness, warn);
        }
        if readiness.status() == HealthStatus::Pass
            && let Some(why) = self.core.refused()
        {
            readiness = Health::warn(format!("changed settings are refused: {why}"));
        }
        if readiness.status() == HealthStatus::Pass
            && let Some(name) = self.core.tasks.failed()
        {
            readiness = Health::warn(format!("task `{name}` has failed and is not restarted"));
        }
        readiness
    }

    /// The resources that are fields of the service, as a picture with the state of each.
    pub fn diagram(&self) -> Diagram {
        let mut diagram = Diagram::new(self.name());
        for resource in self.resources().into_iter().filter(|resource| !resource.is_builtin) {
            let ResourceView { name, about, after, is_critical, state, health, .. } = resource;
            let node = Node::new(name).about(about).after(after).critical(is_critical);
            diagram.add(node.condition(state, health.status()));
        }
        diagram
    }

    /// The sources of the settings, lowest first, and how they are.
    pub fn sources(&self) -> impl Iterator<Item = (String, Health)> {
        self.core.sources.iter().map(|source| (source.name(), source.health()))
    }

    /// The resources, in the order of the struct.
    pub fn resources(&self) -> Vec<ResourceView> {
        let view = |(at, cell): (usize, &crate::lifecycle::ResourceCell)| ResourceView {
            name: cell.name,
            about: cell.about,
            state: cell.state(),
            since: cell.since(),
            health: cell.health(),
            is_critical: cell.is_critical,
            is_builtin: cell.is_builtin,
            restarts: cell.restarts.load(Ordering::Relaxed),
            last_error: cell.last_error(),
            after: self.core.graph.dependencies(at).iter().map(|&at| self.core.graph.name(at)).collect(),
            history: cell.history(),
        };
        self.core.resources.iter().enumerate().map(view).collect()
    }

    /// What a resource tells about itself.
    pub fn resource_info(&self, name: &str) -> serde_json::Map<String, serde_json::Value> {
        let Some(resource) = self.core.erased(name) else { return serde_json::Map::new() };
        process::catch(|| resource.info()).unwrap_or_else(|panic| {
            tracing::error!("resource `{name}`, asked for its `info`, {panic}");
            object([("error", panic.to_string().into())])
        })
    }

    /// Calls `visit` with the resource of this name, if there is one and it is of this type.
    #[cfg_attr(not(feature = "_http"), expect(dead_code, reason = "servers are found so"))]
    pub(crate) fn visit<R: Resource, T>(&self, name: &str, visit: impl FnOnce(&R) -> T) -> Option<T> {
        let resource = self.core.erased(name)?;
        resource.as_any().downcast_ref().map(visit)
    }

    /// The tasks, timers and threads.
    pub fn tasks(&self) -> BTreeMap<&'static str, TaskRow> {
        let mut rows = self.core.tasks.rows();
        for (method, row) in &mut rows {
            row.leader = self.core.offices.get(method).and_then(|office| office.leader());
        }
        rows
    }

    /// The recent events, oldest first.
    pub fn events(&self) -> Vec<Arc<Event>> {
        self.core.events.recent()
    }

    /// The recent events and every further one.
    pub fn event_stream(&self) -> EventStream {
        self.core.events.subscribe()
    }

    /// The settings in effect.
    pub fn settings(&self) -> &Settings {
        &self.core.settings
    }

    /// The meters.
    pub fn metrics(&self) -> &Metrics {
        &self.core.metrics
    }

    /// The logs and their levels.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.core.scope
    }

    /// What is at work right now and would be named by a forced exit.
    pub fn running(&self) -> Vec<String> {
        self.core.running.names()
    }

    /// Asks the service to stop gracefully.
    pub fn stop_gracefully(&self) {
        self.core.stop(StopReason::Asked);
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Service({})", self.name())
    }
}
