//! What a resource wants for itself alone.

use std::{borrow::Cow, net::SocketAddr};

/// A TCP address that a resource is going to listen on, and the key that set it.
///
/// Resources say what they claim in [`Resource::claims`](crate::Resource::claims); where two of one service claim the
/// same, the service does not start, and names both keys.
///
/// ```
/// # use chassis::Claim;
/// let mine = Claim::tcp(([0, 0, 0, 0], 8080).into(), "port");
/// let yours = Claim::tcp(([127, 0, 0, 1], 8080).into(), "port");
/// assert!(mine.excludes(&yours));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    address: SocketAddr,
    key: Cow<'static, str>,
}

impl Claim {
    /// An address; `key` is what would have to change, below the resource's own section: `port`.
    pub fn tcp(address: SocketAddr, key: impl Into<Cow<'static, str>>) -> Self {
        Self { address, key: key.into() }
    }

    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key that set it, below the section of the resource.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the two cannot be had at the same time. All interfaces are each of them; port 0 is any that is free.
    pub fn excludes(&self, other: &Claim) -> bool {
        let (one, two) = (self.address, other.address);
        let is_same_host = one.ip().is_unspecified() || two.ip().is_unspecified() || one.ip() == two.ip();
        one.port() != 0 && one.port() == two.port() && is_same_host
    }
}

#[cfg(test)]
mod tests {
    use super::Claim;

    #[track_caller]
    fn check(one: &str, two: &str, is_conflict: bool) {
        let claim = |address: &str| address.parse().map(|address| Claim::tcp(address, "port"));
        let (Ok(one), Ok(two)) = (claim(one), claim(two)) else { panic!("no addresses: {one}, {two}") };
        assert_eq!((one.excludes(&two), two.excludes(&one)), (is_conflict, is_conflict));
    }

    #[test]
    fn one_address_is_for_one_resource() {
        check("127.0.0.1:80", "127.0.0.1:80", true);
        check("127.0.0.1:80", "127.0.0.1:81", false);
        check("127.0.0.1:80", "127.0.0.2:80", false);
    }

    #[test]
    fn all_interfaces_are_each_of_them() {
        check("0.0.0.0:80", "127.0.0.1:80", true);
        check("[::]:80", "0.0.0.0:80", true);
        check("[::]:80", "[::1]:81", false);
    }

    #[test]
    fn any_free_port_is_in_nobodys_way() {
        check("127.0.0.1:0", "127.0.0.1:0", false);
    }
}
