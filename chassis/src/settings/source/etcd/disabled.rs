//! What the environment says of etcd where the feature is not compiled in: that has to be told.

use crate::settings::{
    origin::Origin,
    problem::{Problem, Problems},
    source::{Layer, Source},
};

/// Settings that are said to be in etcd, and cannot be read.
struct NotCompiledIn {
    variable: &'static str,
}

/// The source that the environment asks for, if it does.
#[cfg(not(feature = "etcd"))]
pub(crate) fn of_environment() -> Option<Box<dyn Source>> {
    from_variables(|name| super::variables::of_process(name).is_some())
}

fn from_variables(is_set: impl Fn(&str) -> bool) -> Option<Box<dyn Source>> {
    let variable = super::variables::said_by(is_set)?;
    Some(Box::new(NotCompiledIn { variable }))
}

impl Source for NotCompiledIn {
    fn name(&self) -> String {
        "etcd".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        let what = "settings in etcd are not compiled into this program";
        let problem = Problem::of_source(Origin::named(self.variable), what);
        problems.push(problem.help("enable the feature `etcd` of `chassis`, or take the variable away"));
        Layer::unreadable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_asks_for_etcd_is_a_problem_that_names_the_feature() {
        assert!(from_variables(|_| false).is_none());
        let source = from_variables(|name| name == "CHASSIS_ETCD_ENDPOINTS").unwrap();
        let mut problems = Problems::new();
        source.load(&mut problems);
        let told = problems.to_string();
        assert!(told.contains("CHASSIS_ETCD_ENDPOINTS") && told.contains("feature `etcd`"), "{told}");
        assert!(problems.into_result().is_err_and(|error| error.is_misconfigured()));
    }
}
