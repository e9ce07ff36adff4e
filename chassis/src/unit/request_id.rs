//! The id by which a unit of work is found in the logs of every service it passed through.

use std::fmt;

use super::trace::digits;

/// Up to 64 visible ASCII characters, taken over from the caller or made here.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    length: u8,
    text: [u8; Self::MAX],
}

impl RequestId {
    /// The longest id that is taken over.
    pub const MAX: usize = 64;

    /// An id of 32 hexadecimal digits.
    pub fn new() -> Self {
        let mut text = [0; Self::MAX];
        text[..16].copy_from_slice(&digits(fastrand::u64(..)));
        text[16..32].copy_from_slice(&digits(fastrand::u64(..)));
        Self { length: 32, text }
    }

    /// Takes over an id that somebody sent: letters, digits and `-._~+/=:@,` only, because it is sent on and written
    /// to logs as it is.
    pub fn parse(id: &str) -> Option<Self> {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:@,".contains(&byte);
        if id.is_empty() || id.len() > Self::MAX || !id.bytes().all(is_fit) {
            return None;
        }
        let mut text = [0; Self::MAX];
        text[..id.len()].copy_from_slice(id.as_bytes());
        Some(Self { length: id.len() as u8, text })
    }

    /// The id itself.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in, so there is always text to give back.
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as bytes, for a header.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The id with what follows it, and its length.
    pub(crate) fn padded(&self) -> (&[u8; Self::MAX], usize) {
        (&self.text, usize::from(self.length))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn new_ids_differ_and_can_be_sent() {
        let (one, other) = (RequestId::new(), RequestId::new());
        assert_ne!(one, other);
        assert_eq!(one.as_str().len(), 32);
        assert_eq!(RequestId::parse(one.as_str()), Some(one));
    }

    #[test]
    fn an_id_that_could_do_harm_in_a_header_or_a_log_is_refused() {
        let long = "x".repeat(65);
        for id in ["", "a b", "a\nb", "a\"b", "a\\b", "é", "a;b", "<b>", &long] {
            assert_eq!(RequestId::parse(id), None, "{id}");
        }
        assert_eq!(RequestId::parse("Root=1-67891233:a/b+c").unwrap().to_string(), "Root=1-67891233:a/b+c");
    }
}
