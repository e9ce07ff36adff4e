//! When certificates expire, and what that means for the health of their server.
//!
//! Pure: the caller brings the time.

use std::time::Duration;

use rustls::pki_types::CertificateDer;
use x509_parser::{parse_x509_certificate, time::ASN1Time};

use crate::{Error, Health, Result};

const DAY: i64 = 24 * 60 * 60;

/// The time within which a chain of certificates is valid, as seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Validity {
    from: i64,
    until: i64,
}

impl Validity {
    /// That of the whole chain: it is as good as its weakest part.
    pub(super) fn of(chain: &[CertificateDer<'_>]) -> Result<Self> {
        let mut validity = Self { from: i64::MIN, until: i64::MAX };
        for certificate in chain {
            let (_, certificate) = parse_x509_certificate(certificate)
                .map_err(|error| Error::msg(format!("a certificate cannot be read: {error}")))?;
            let times = certificate.validity();
            validity.from = validity.from.max(times.not_before.timestamp());
            validity.until = validity.until.min(times.not_after.timestamp());
        }
        Ok(validity)
    }

    /// How a server with this certificate is at `now`.
    pub(super) fn health(self, now: i64, warn_before: Duration) -> Health {
        let left = self.until.saturating_sub(now);
        if left <= 0 {
            return Health::fail(format!("the certificate expired on {}", date(self.until)));
        }
        if now < self.from {
            return Health::fail(format!("the certificate is not valid before {}", date(self.from)));
        }
        if left.unsigned_abs() < warn_before.as_secs() {
            return Health::warn(format!("the certificate expires in {} days, on {}", left / DAY, date(self.until)));
        }
        Health::pass()
    }

    /// The day it ends.
    pub(super) fn until(self) -> String {
        date(self.until)
    }
}

fn date(timestamp: i64) -> String {
    ASN1Time::from_timestamp(timestamp).map_or_else(|_| timestamp.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HealthStatus::{Fail, Pass, Warn};

    #[test]
    fn the_health_follows_the_time_that_is_left() {
        let validity = Validity { from: 10 * DAY, until: 100 * DAY };
        let at = |day: i64| validity.health(day * DAY, Duration::from_secs(14 * 24 * 60 * 60));
        let statuses = [9, 10, 86, 87, 99, 100, 101].map(|day| at(day).status());
        assert_eq!(statuses, [Fail, Pass, Pass, Warn, Warn, Fail, Fail]);
        assert_eq!(at(97).output(), Some("the certificate expires in 3 days, on Apr 11 00:00:00 1970 +00:00"),);
    }
}
