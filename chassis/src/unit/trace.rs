//! Where a unit of work stands in a W3C trace.

use std::fmt;

/// Trace id, span id, parent and flags; what the header `traceparent` carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    parent_id: Option<u64>,
    flags: u8,
}

impl TraceContext {
    /// A trace that begins here.
    pub fn new() -> Self {
        Self { trace_id: random_u128(), span_id: random_u64(), parent_id: None, flags: 0 }
    }

    /// Reads a `traceparent`; what it names is the caller's span, so [`child`](Self::child) is what to work under.
    ///
    /// Versions to come may be longer, as the specification wants; anything malformed is `None`.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let bytes = traceparent.as_bytes();
        let (head, rest) = bytes.split_at_checked(55)?;
        let version = hex(&head[..2])?;
        let has_dashes = head[2] == b'-' && head[35] == b'-' && head[52] == b'-';
        let is_known_length = rest.is_empty() || (version != 0 && rest[0] == b'-');
        if version == 0xff || !has_dashes || !is_known_length {
            return None;
        }
        let (trace_id, span_id, flags) = (hex(&head[3..35])?, hex(&head[36..52])?, hex(&head[53..])?);
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self { trace_id, span_id: span_id as u64, parent_id: None, flags: flags as u8 })
    }

    /// A span of the same trace, below this one.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: random_u64(), parent_id: Some(self.span_id), ..*self }
    }

    /// Written as 32 hexadecimal digits in logs and headers.
    pub fn trace_id(&self) -> u128 {
        self.trace_id
    }

    /// Written as 16 hexadecimal digits.
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// The span this one is below of, unless the trace began here.
    pub fn parent_id(&self) -> Option<u64> {
        self.parent_id
    }

    /// Whether the caller recorded its span and wants this one recorded too.
    pub fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// The header for an outgoing call, as 55 ASCII characters.
    pub fn traceparent(&self) -> [u8; 55] {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        digits(&mut text[3..35], self.trace_id);
        digits(&mut text[36..52], self.span_id.into());
        digits(&mut text[53..], self.flags.into());
        text
    }
}

impl Default for TraceContext {
    fn default() -> Self {
        Self::new()
    }
}

/// The `traceparent` header.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

/// Zero is not a legal id.
fn random_u64() -> u64 {
    fastrand::u64(1..)
}

fn random_u128() -> u128 {
    u128::from(random_u64()) << 64 | u128::from(random_u64())
}

/// Lower-case digits only, as the specification has it.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

/// Fills the whole slice, of an even length up to 32, with the last digits of the number.
pub(super) fn digits(text: &mut [u8], number: u128) {
    // Arithmetic instead of a table: sixteen of them are done at once.
    let digit = |value: u8| value + if value < 10 { b'0' } else { b'a' - 10 };
    let mut all = [0; 32];
    for (pair, byte) in all.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    let length = text.len().min(all.len());
    text[..length].copy_from_slice(&all[all.len() - length..]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_header_is_read_and_written_again() {
        let trace = TraceContext::parse(HEADER).unwrap();
        assert!(trace.is_sampled());
        assert_eq!(trace.span_id(), 0xb7ad_6b71_6920_3331);
        assert_eq!(trace.to_string(), HEADER);
        assert_eq!(&trace.traceparent(), HEADER.as_bytes());
    }

    #[test]
    fn a_child_keeps_the_trace_and_names_its_parent() {
        let caller = TraceContext::parse(HEADER).unwrap();
        let child = caller.child();
        assert_eq!(child.trace_id(), caller.trace_id());
        assert_eq!(child.parent_id(), Some(caller.span_id()));
        assert_ne!(child.span_id(), caller.span_id());
        assert!(child.is_sampled());
    }

    #[test]
    fn a_malformed_header_is_none() {
        for header in [
            "",
            "00",
            "é0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0é",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331-01",
        ] {
            assert_eq!(TraceContext::parse(header), None, "{header}");
        }
    }

    #[test]
    fn a_later_version_may_be_longer() {
        let later = format!("cc{}-more", &HEADER[2..]);
        assert_eq!(TraceContext::parse(&later).unwrap().to_string(), HEADER);
    }
}
