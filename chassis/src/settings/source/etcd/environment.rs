//! What the environment says of etcd.

use std::ffi::OsString;

use super::{
    Etcd,
    options::Options,
    variables::{
        self, CA_FILE, CACHE_FILE, CACHE_SECRETS, CERT_FILE, CHECK_KEY, ENDPOINTS, KEY_FILE, OLDER_HOST, PASSWORD,
        PREFIX, START_TIMEOUT, USER,
    },
};
use crate::settings::{
    origin::Origin,
    problem::{Problem, Problems},
    rules::Unit,
    source::Source,
    value::parse_duration,
};

/// What an older framework calls the port, and the key that is waited for.
const OLDER_PORT: &str = "TAMARCO_ETCD_PORT";
const OLDER_CHECK_KEY: &str = "ETCD_CHECK_KEY";

/// The source that the environment asks for, if it does.
pub(crate) fn of_environment() -> Option<Box<dyn Source>> {
    Etcd::of_environment().map(|source| Box::new(source) as Box<dyn Source>)
}

impl Etcd {
    /// The etcd that the variables `CHASSIS_ETCD_…` of the environment name; `None` where none is named.
    ///
    /// What is wrong with a variable is told when the settings are loaded.
    pub fn of_environment() -> Option<Self> {
        options(variables::of_process).map(Self::with)
    }
}

fn options(variable: impl Fn(&str) -> Option<OsString>) -> Option<Options> {
    let mut read = Read { variable, problems: Problems::new() };
    let mut options = match read.text(ENDPOINTS) {
        Some(endpoints) => {
            let endpoints = endpoints.split(',').map(str::trim).filter(|endpoint| !endpoint.is_empty());
            Options::new(endpoints.map(str::to_owned).collect())
        }
        None => {
            let host = read.text(OLDER_HOST)?;
            read.older(OLDER_HOST, ENDPOINTS);
            let port = read.text(OLDER_PORT).unwrap_or_else(|| "2379".to_owned());
            Options::new(vec![format!("http://{host}:{port}")])
        }
    };
    options.check_key = read.text(CHECK_KEY).or_else(|| {
        let key = read.text(OLDER_CHECK_KEY)?;
        read.older(OLDER_CHECK_KEY, CHECK_KEY);
        Some(key)
    });
    if let Some(prefix) = read.text(PREFIX) {
        options.set_prefix(prefix);
    }
    if let Some((name, password)) = read.pair(USER, PASSWORD) {
        options.etcd.set_user(name, password);
    }
    options.etcd.ca_file = (read.variable)(CA_FILE).map(Into::into);
    options.etcd.identity = read.pair(CERT_FILE, KEY_FILE).map(|(certificate, key)| (certificate.into(), key.into()));
    if let Some(timeout) = read.text(START_TIMEOUT) {
        match parse_duration(&timeout, Unit::Seconds) {
            Ok(timeout) => options.start_timeout = timeout,
            Err(()) => read.wrong(START_TIMEOUT, "expected a duration, such as `10s` or a number of seconds"),
        }
    }
    options.cache_file = (read.variable)(CACHE_FILE).map(Into::into);
    match read.text(CACHE_SECRETS).map(|text| text.to_ascii_lowercase()).as_deref() {
        Some("true" | "yes" | "on" | "1") => options.cache_secrets = true,
        None | Some("false" | "no" | "off" | "0") => {}
        Some(_) => read.wrong(CACHE_SECRETS, "expected `true` or `false`"),
    }
    options.etcd.problems = read.problems;
    Some(options)
}

/// Variables, and what is wrong with them.
struct Read<F> {
    variable: F,
    problems: Problems,
}

impl<F: Fn(&str) -> Option<OsString>> Read<F> {
    fn text(&mut self, name: &'static str) -> Option<String> {
        let text = (self.variable)(name)?.into_string();
        // It may be a password.
        text.inspect_err(|_| self.wrong(name, "the value is not UTF-8")).ok()
    }

    /// Two that mean nothing without each other.
    fn pair(&mut self, one: &'static str, other: &'static str) -> Option<(String, String)> {
        match (self.text(one), self.text(other)) {
            (Some(one), Some(other)) => Some((one, other)),
            (None, None) => None,
            (Some(_), None) => self.lonely(one, other),
            (None, Some(_)) => self.lonely(other, one),
        }
    }

    fn lonely<T>(&mut self, is_set: &'static str, is_missing: &'static str) -> Option<T> {
        self.wrong(is_set, &format!("means nothing without `{is_missing}`, which is not set"));
        None
    }

    fn wrong(&mut self, name: &'static str, what: &str) {
        self.problems.push(Problem::of_source(Origin::named(name), what));
    }

    fn older(&mut self, name: &str, today: &str) {
        self.problems.notice(format!("`{name}` is what an older framework calls it; the variable is `{today}` here"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Option<Options> {
        options(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_variables_name_endpoints_and_how_to_reach_them() {
        assert!(read(&[]).is_none());
        let options = read(&[
            ("CHASSIS_ETCD_ENDPOINTS", "http://a:1, https://b:2/,"),
            ("CHASSIS_ETCD_PREFIX", "prod/"),
            ("CHASSIS_ETCD_START_TIMEOUT", "1m"),
            ("ETCD_CHECK_KEY", "/ready"),
        ])
        .unwrap();
        assert_eq!(options.etcd.endpoints, ["http://a:1", "https://b:2"]);
        assert_eq!((options.prefix.as_str(), options.check_key.as_deref()), ("/prod", Some("/ready")));
        assert_eq!(options.start_timeout.as_secs(), 60);
        assert_eq!(options.etcd.problems.notices().count(), 1);
    }

    #[test]
    fn the_older_names_are_taken_where_there_are_no_others() {
        let options = read(&[("TAMARCO_ETCD_HOST", "etcd"), ("TAMARCO_ETCD_PORT", "4001")]).unwrap();
        assert_eq!(options.etcd.endpoints, ["http://etcd:4001"]);
        assert_eq!(options.etcd.problems.notices().count(), 1);
        let options = read(&[("TAMARCO_ETCD_HOST", "etcd"), ("CHASSIS_ETCD_ENDPOINTS", "http://a:1")]).unwrap();
        assert_eq!(
            (options.etcd.endpoints, options.etcd.problems.notices().count()),
            (vec!["http://a:1".to_owned()], 0)
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_variable_and_without_passwords() {
        let options = read(&[
            ("CHASSIS_ETCD_ENDPOINTS", "http://u:hunter2@a:1,b:2"),
            ("CHASSIS_ETCD_PASSWORD", "hunter2"),
            ("CHASSIS_ETCD_CERT_FILE", "x.pem"),
            ("CHASSIS_ETCD_START_TIMEOUT", "soon"),
            ("CHASSIS_ETCD_CACHE_SECRETS", "maybe"),
        ]);
        let mut problems = Problems::new();
        assert!(!options.unwrap().etcd.check(&mut problems));
        assert_eq!(problems.len(), 6, "{problems}");
        assert!(!problems.to_string().contains("hunter2"));
    }
}
