//! Settings in the environment: `CHASSIS__RESOURCES__HTTP__PORT=9090` is `system.resources.http.port`.

use std::ffi::OsString;

use super::{Layer, Source};
use crate::settings::{
    node::{Node, Value},
    origin::Origin,
    path::KeyPath,
    problem::{Problem, Problems},
    source::etcd::variables as etcd,
    suggestion::nearest,
};

/// What the variables of settings begin with.
const PREFIX: &str = "CHASSIS__";

/// The variable that names settings files.
const FILES: &str = "CHASSIS_SETTINGS_FILE";

/// Variables of the environment; two underscores go one level down, and names are lower case.
#[derive(Clone)]
pub struct Env {
    variables: Vec<(OsString, OsString)>,
    /// Names that were nearly right.
    misspelt: Vec<(String, String)>,
    /// Names that say something of etcd while none says where it is.
    pointless: Vec<String>,
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
        let misspelt = variables.iter().filter_map(|(name, _)| {
            let name = name.to_str()?;
            Some((name.to_owned(), meant(name)?))
        });
        let mut misspelt: Vec<_> = misspelt.collect();
        misspelt.sort();
        let is_set = |wanted: &str| variables.iter().any(|(name, value)| name == wanted && !value.is_empty());
        let pointless = etcd::ALL.into_iter().filter(|name| etcd::said_by(is_set).is_none() && is_set(name));
        let pointless = pointless.map(str::to_owned).collect();
        variables.retain(|(name, _)| name.to_string_lossy().starts_with(PREFIX));
        variables.sort();
        Self { variables, misspelt, pointless }
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
        for (name, meant) in &self.misspelt {
            let warning = Problem::of_source(Origin::named(name.as_str()), "is a variable that nobody reads");
            problems.warn(warning.help(format!("did you mean `{meant}`?")));
        }
        for name in &self.pointless {
            let what = format!("means nothing without `{}`, which is not set", etcd::ENDPOINTS);
            problems.warn(Problem::of_source(Origin::named(name.as_str()), what));
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

/// The variable that was probably meant: single underscores are taken for double ones more often than not.
fn meant(name: &str) -> Option<String> {
    const SECTIONS: [&str; 5] = ["resources", "microservices", "logging", "lifecycle", "system"];
    if name == FILES || etcd::ALL.contains(&name) {
        return None;
    }
    if name.starts_with("CHASSIS_ETCD_") {
        return Some(nearest(name, etcd::ALL).unwrap_or(etcd::ENDPOINTS).to_owned());
    }
    if name.starts_with("CHASSIS_SETTING") {
        return Some(FILES.to_owned());
    }
    let rest = name.strip_prefix("CHASSIS_")?;
    let is_nested = rest.starts_with('_');
    let rest = rest.trim_start_matches('_');
    let (section, below) = rest.split_once('_')?;
    if !SECTIONS.contains(&section.to_lowercase().as_str()) || is_nested && below.starts_with('_') {
        return None;
    }
    let below = below.trim_start_matches('_');
    let below = if below.contains("__") { below.to_owned() } else { below.replace('_', "__") };
    Some(format!("{PREFIX}{section}__{below}"))
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

    #[test]
    fn names_that_are_nearly_right_are_told() {
        for (name, right) in [
            ("CHASSIS_RESOURCES_HTTP_PORT", "CHASSIS__RESOURCES__HTTP__PORT"),
            ("CHASSIS__RESOURCES_HTTP_PORT", "CHASSIS__RESOURCES__HTTP__PORT"),
            ("CHASSIS_RESOURCES__MY_DB__PORT", "CHASSIS__RESOURCES__MY_DB__PORT"),
            ("CHASSIS_SETTING_FILE", "CHASSIS_SETTINGS_FILE"),
            ("CHASSIS_ETCD_ENDPOINT", "CHASSIS_ETCD_ENDPOINTS"),
            ("CHASSIS_ETCD_HOST", "CHASSIS_ETCD_ENDPOINTS"),
            ("CHASSIS_ETCD_CERTFILE", "CHASSIS_ETCD_CERT_FILE"),
        ] {
            assert_eq!(meant(name).as_deref(), Some(right));
            let mut problems = Problems::new();
            Env::from_variables([(name, "x")]).load(&mut problems);
            assert_eq!(problems.warnings().count(), 1, "{name}");
        }
        for name in
            ["CHASSIS__RESOURCES__HTTP__PORT", "CHASSIS_SETTINGS_FILE", "CHASSIS_COLOR", "CHASSIS__MINE", "PATH"]
        {
            assert_eq!(meant(name), None);
        }
    }

    #[test]
    fn what_is_said_of_etcd_is_pointless_without_saying_where_it_is() {
        let warnings = |variables: &[(&str, &str)]| {
            let mut problems = Problems::new();
            Env::from_variables(variables.iter().copied()).load(&mut problems);
            problems.warnings().count()
        };
        assert_eq!(warnings(&[("CHASSIS_ETCD_USER", "x"), ("CHASSIS_ETCD_PASSWORD", "y")]), 2);
        assert_eq!(warnings(&[("CHASSIS_ETCD_USER", "x"), ("CHASSIS_ETCD_ENDPOINTS", "http://a:1")]), 0);
        assert_eq!(warnings(&[("CHASSIS_ETCD_PREFIX", "x"), ("TAMARCO_ETCD_HOST", "a")]), 0);
    }
}
