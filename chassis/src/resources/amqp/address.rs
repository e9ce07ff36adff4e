//! Where a broker is, and who asks.

use std::{fmt, time::Duration};

use lapin::uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo};

use super::settings::AmqpSettings;
use crate::{Error, Result};

/// Where one broker is, and who asks; shown without the password.
#[derive(Clone)]
pub(super) struct Address(AMQPUri);

impl Address {
    /// Those of the settings, in the order in which they are tried.
    ///
    /// # Errors
    /// A URL that is none, by its number: it may hold a password.
    pub(super) fn all(settings: &AmqpSettings) -> Result<Vec<Self>> {
        let heartbeat = seconds(settings.heartbeat);
        if settings.urls.is_empty() {
            return Ok(vec![Self::of(settings, heartbeat)]);
        }
        let read = |(number, url): (usize, &crate::settings::Secret<String>)| {
            let uri = url.expose().trim().parse::<AMQPUri>();
            let mut uri = uri.map_err(|_| {
                let how = "write it like `amqp://user:password@host:5672/vhost`, or `amqps://…`";
                Error::misconfigured(Error::msg(format!("`urls`: number {number} is no URL of a broker; {how}")))
            })?;
            // Nobody has a virtual host without a name.
            if uri.vhost.is_empty() {
                uri.vhost = "/".to_owned();
            }
            uri.query.heartbeat.get_or_insert(heartbeat);
            Ok(Self(uri))
        };
        (1..).zip(&settings.urls).map(read).collect()
    }

    fn of(settings: &AmqpSettings, heartbeat: u16) -> Self {
        let (scheme, usual) = match settings.tls {
            Some(_) => (AMQPScheme::AMQPS, 5671),
            None => (AMQPScheme::AMQP, 5672),
        };
        let userinfo = AMQPUserInfo { username: settings.user.clone(), password: settings.password.expose().clone() };
        let authority = AMQPAuthority { userinfo, host: settings.host.clone(), port: settings.port.unwrap_or(usual) };
        let query = AMQPQueryString { heartbeat: Some(heartbeat), ..AMQPQueryString::default() };
        Self(AMQPUri { scheme, authority, vhost: settings.vhost.clone(), query })
    }

    pub(super) fn uri(&self) -> AMQPUri {
        self.0.clone()
    }
}

/// As the protocol says it.
fn seconds(time: Duration) -> u16 {
    u16::try_from(time.as_secs().max(1)).unwrap_or(u16::MAX)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.0;
        write!(f, "{scheme}://{}@{}:{} ({vhost})", authority.userinfo.username, authority.host, authority.port)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::settings::Secret;

    #[test]
    fn single_settings_are_an_address() {
        let settings = AmqpSettings { vhost: "shop".to_owned(), ..AmqpSettings::default() };
        let all = Address::all(&settings).unwrap();
        assert_eq!(all[0].to_string(), "amqp://guest@127.0.0.1:5672 (shop)");
        assert_eq!(all[0].0.query.heartbeat, Some(10));
    }

    #[test]
    fn urls_are_used_instead_and_a_bad_one_is_told_without_its_password() {
        let urls = ["amqp://me:secret@10.0.0.1/", "amqps://me:secret@b/shop"];
        let urls = urls.map(|url| Secret::new(url.to_owned())).to_vec();
        let all = Address::all(&AmqpSettings { urls, ..AmqpSettings::default() }).unwrap();
        let all: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(all, ["amqp://me@10.0.0.1:5672 (/)", "amqps://me@b:5671 (shop)"]);
        let urls = vec![Secret::new("http://me:secret@b".to_owned())];
        let error = Address::all(&AmqpSettings { urls, ..AmqpSettings::default() }).err().unwrap();
        assert!(error.is_misconfigured());
        assert!(!format!("{error:#}").contains("secret"), "{error:#}");
    }
}
