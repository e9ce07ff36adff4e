//! Where etcd is, who asks, and by which certificates.

use std::{path::PathBuf, time::Duration};

use etcd_client::ConnectOptions;

use super::{certificates::Certificates, failure::Failure};
use crate::settings::{Origin, Problem, Problems, Secret};

/// Where etcd is, who asks, and by which certificates.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) endpoints: Vec<String>,
    user: Option<(String, Secret<String>)>,
    pub(crate) ca_file: Option<PathBuf>,
    /// A certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// What was wrong with the way it was told.
    pub(crate) problems: Problems,
}

/// How long an endpoint may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How often a connection is tried that says nothing, and how long the answer may take. etcd takes more than one such
/// question in 5 s for an attack.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(6), Duration::from_secs(4));

impl Options {
    pub(crate) fn new(endpoints: Vec<String>) -> Self {
        Self {
            endpoints: endpoints.iter().map(|endpoint| endpoint.trim().trim_end_matches('/').to_owned()).collect(),
            user: None,
            ca_file: None,
            identity: None,
            problems: Problems::new(),
        }
    }

    pub(crate) fn set_user(&mut self, name: String, password: String) {
        self.user = Some((name, Secret::new(password)));
    }

    /// Tells what cannot be meant; whether it is worth a connection.
    pub(crate) fn check(&self, problems: &mut Problems) -> bool {
        problems.append(self.problems.clone());
        let mut is_good = !self.endpoints.is_empty() && self.problems.is_empty();
        if self.endpoints.is_empty() {
            let problem = Problem::of_source(Origin::named("etcd"), "no endpoint is given");
            problems.push(problem.help("write it like `http://10.0.0.1:2379`"));
        }
        for (number, endpoint) in (1..).zip(&self.endpoints) {
            if let Err(why) = check_endpoint(endpoint) {
                is_good = false;
                // What was written may hold a password.
                let problem = Problem::of_source(Origin::named("etcd"), format!("endpoint {number} {why}"));
                problems.push(problem.help("write it like `http://10.0.0.1:2379`"));
            }
        }
        is_good
    }

    /// What a connection is made with.
    pub(crate) fn connect(&self, certificates: Option<&Certificates>, with_user: bool) -> ConnectOptions {
        let mut options = ConnectOptions::new()
            .with_connect_timeout(CONNECT)
            .with_keep_alive(KEEP_ALIVE.0, KEEP_ALIVE.1)
            .with_keep_alive_while_idle(false)
            .with_require_leader(true)
            .with_auto_token_refresh(true);
        if let Some((name, password)) = self.user.as_ref().filter(|_| with_user) {
            options = options.with_user(name, password.expose());
        }
        if let Some(certificates) = certificates {
            options = options.with_tls(certificates.options());
        }
        options
    }

    /// What a connection to this endpoint needs, if it is one by TLS.
    ///
    /// # Errors
    /// The file that cannot be used.
    pub(crate) fn certificates(&self, endpoint: &str) -> Result<Option<Certificates>, Failure> {
        let read = || Certificates::read(self.ca_file.as_ref(), self.identity.as_ref());
        endpoint.starts_with("https://").then(read).transpose()
    }
}

/// What is wrong with an endpoint, in words that go on from its name.
fn check_endpoint(endpoint: &str) -> Result<(), &'static str> {
    let Some(authority) = endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://")) else {
        return Err("does not begin with `http://` or `https://`");
    };
    if authority.contains('@') {
        return Err("has a user in it, which is given apart from it");
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._[]:%".contains(c);
    if host.is_empty() || !host.chars().all(is_host) {
        return Err("is no address");
    }
    match port.map(str::parse::<u16>) {
        Some(Ok(1..)) => Ok(()),
        Some(_) => Err("has no port between 1 and 65535"),
        None => Err("has no port"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_a_host_and_a_port() {
        for good in ["http://a:1", "https://10.0.0.1:2379", "http://[::1]:2379"] {
            assert_eq!(check_endpoint(good), Ok(()), "{good}");
        }
        for bad in [
            "a:1",
            "http://:1",
            "http://a",
            "http://a:0",
            "http://a:70000",
            "http://u:p@a:1",
            "http://a b:1",
            "http://a/b:1",
            "http://[::1]",
        ] {
            assert!(check_endpoint(bad).is_err(), "{bad}");
        }
    }
}
