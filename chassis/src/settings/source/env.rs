//! Settings in the environment: `CHASSIS__RESOURCES__HTTP__PORT=9090` is `system.resources.http.port`.

use std::ffi::OsString;

use super::{Layer, Source};
use crate::settings::{
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    problem::{Problem, Problems},
};

/// What the variables of settings begin with.
const PREFIX: &str = "CHASSIS__";

/// Variables of the environment; two underscores go one level down, and names are lower case.
#[derive(Clone)]
pub struct Env {
    variables: Vec<(OsString, OsString)>,
}

impl Env {
    /// The environment of this process, as it is now.
    pub fn from_process() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    /// These variables instead of the process's.
    pub fn from_variables<K: Into<OsString>, V: Into<OsString>>(variables: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut variables: Vec<(OsString, OsString)> =
            variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        variables.retain(|(name, _)| name.to_string_lossy().starts_with(PREFIX));
        variables.sort();
        Self { variables }
    }
}

impl Source for Env {
    fn name(&self) -> String {
        "environment".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        let mut layer = Layer::empty();
        for (name, value) in &self.variables {
            let shown = name.to_string_lossy();
            let origin = Origin::named(shown.escape_debug().to_string());
            let Some(path) = name.to_str().and_then(path) else {
                let what = "is not the name of a setting: two underscores stand between names, and nowhere else";
                problems.push(Problem::of_source(origin, what).help("write it like `CHASSIS__RESOURCES__HTTP__PORT`"));
                continue;
            };
            let Some(text) = value.to_str() else {
                problems.push(Problem::at(path, "the value is not UTF-8").origin(origin));
                continue;
            };
            layer.insert_at(&path, Node::new(Value::Raw(text.into()), origin), problems);
        }
        layer
    }
}

/// Values may be secrets, and so may names that are none of ours.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Env({})", self.variables.len())
    }
}

fn path(name: &str) -> Option<KeyPath> {
    let mut steps: Vec<Box<str>> =
        name.strip_prefix(PREFIX)?.split("__").map(|step| step.to_lowercase().into()).collect();
    if steps.iter().any(|step| step.is_empty()) {
        return None;
    }
    if steps.len() > 1 && steps[0].as_ref() == crate::settings::path::ROOT {
        steps.remove(0);
    }
    Some(KeyPath::from_steps(steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_underscores_nest_and_one_does_not() {
        let path = |name| path(name).map(|path| path.to_string());
        assert_eq!(
            path("CHASSIS__RESOURCES__ORDERS_DB__MAX_SIZE").as_deref(),
            Some("system.resources.orders_db.max_size")
        );
        assert_eq!(path("CHASSIS__SYSTEM__DEPLOY_NAME").as_deref(), Some("system.deploy_name"));
        assert_eq!(path("CHASSIS__"), None);
        assert_eq!(path("CHASSIS__A____B"), None);
        assert_eq!(path("CHASSIS_SETTINGS_FILE"), None);
    }
}
