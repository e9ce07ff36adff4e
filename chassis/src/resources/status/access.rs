//! Who may see the settings and change something: who knows the token, and people on the machine itself. Pure.

use std::net::IpAddr;

use http::{HeaderMap, header};

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no token, so nobody from elsewhere may.
    NoToken,
    /// A token is asked for and was not sent.
    Missing,
    /// Another one was sent.
    Wrong,
}

/// Whether a request may see or change what is not for everybody.
///
/// # Errors
/// Why not.
pub(super) fn check(peer: IpAddr, headers: &HeaderMap, token: Option<&str>) -> Result<(), Refusal> {
    if is_from_this_machine(peer, headers) {
        return Ok(());
    }
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Err(Refusal::NoToken) };
    match bearer(headers) {
        None => Err(Refusal::Missing),
        Some(sent) if is_same(sent.as_bytes(), token.as_bytes()) => Ok(()),
        Some(_) => Err(Refusal::Wrong),
    }
}

impl Refusal {
    /// The way out, for the answer.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Refusal::NoToken => {
                "only for requests from the machine itself: `system.resources.status.token` is not set; set it and send \
                 `Authorization: Bearer <token>`"
            }
            Refusal::Missing => "send `Authorization: Bearer <token>`, the value of `system.resources.status.token`",
            Refusal::Wrong => "the token is not that of `system.resources.status.token`",
        }
    }
}

/// Whether a person or program on the machine asks for itself.
///
/// A proxy on the machine asks for others, and says so. A page of another site that a browser on the machine shows may
/// have its name resolve to this machine, but cannot hide that name.
fn is_from_this_machine(peer: IpAddr, headers: &HeaderMap) -> bool {
    const ADDED_BY_PROXIES: [&str; 4] = ["forwarded", "via", "x-forwarded-for", "x-real-ip"];
    let is_forwarded = ADDED_BY_PROXIES.iter().any(|name| headers.contains_key(*name));
    peer.to_canonical().is_loopback() && !is_forwarded && headers.get(header::HOST).is_none_or(names_this_machine)
}

fn names_this_machine(host: &header::HeaderValue) -> bool {
    let host = host.to_str().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares all of both, so that the time it takes says nothing of how much was right.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let longest = one.len().max(other.len());
    let at = |bytes: &[u8], index: usize| bytes.get(index).copied().unwrap_or_default();
    let difference = (0..longest).fold(one.len() ^ other.len(), |difference, index| {
        std::hint::black_box(difference | usize::from(at(one, index) ^ at(other, index)))
    });
    difference == 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const NEAR: &str = "127.0.0.1";
    const FAR: &str = "10.1.2.3";

    fn check(peer: &str, headers: &[(&'static str, &str)], token: Option<&str>) -> Result<(), Refusal> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        super::check(peer.parse().unwrap(), &headers.collect(), token)
    }

    #[test]
    fn the_machine_itself_needs_no_token() {
        for peer in [NEAR, "::1", "::ffff:127.0.0.1"] {
            assert_eq!(check(peer, &[("host", "localhost:5747")], Some("s3cret")), Ok(()), "{peer}");
        }
        assert_eq!(check(NEAR, &[("host", "[::1]:5747")], None), Ok(()));
    }

    #[test]
    fn a_proxy_on_the_machine_is_not_the_machine() {
        assert_eq!(check(NEAR, &[("x-forwarded-for", FAR)], None), Err(Refusal::NoToken));
        assert_eq!(check(NEAR, &[("Via", "1.1 proxy")], Some("s3cret")), Err(Refusal::Missing));
    }

    #[test]
    fn a_name_that_was_bent_to_this_machine_is_not_the_machine() {
        assert_eq!(check(NEAR, &[("host", "evil.example:5747")], None), Err(Refusal::NoToken));
        assert_eq!(check(NEAR, &[("host", "localhost.evil.example")], None), Err(Refusal::NoToken));
    }

    #[test]
    fn others_need_the_token() {
        assert_eq!(check(FAR, &[], None), Err(Refusal::NoToken));
        assert_eq!(check(FAR, &[("authorization", "Bearer ")], Some("")), Err(Refusal::NoToken));
        assert_eq!(check(FAR, &[], Some("s3cret")), Err(Refusal::Missing));
        assert_eq!(check(FAR, &[("authorization", "Basic s3cret")], Some("s3cret")), Err(Refusal::Missing));
        for wrong in ["Bearer s3cre", "Bearer s3crets", "Bearer S3cret", "Bearer s3cret\u{9}x"] {
            assert_eq!(check(FAR, &[("authorization", wrong)], Some("s3cret")), Err(Refusal::Wrong), "{wrong}");
        }
        assert_eq!(check(FAR, &[("authorization", "bearer s3cret")], Some("s3cret")), Ok(()));
    }
}
