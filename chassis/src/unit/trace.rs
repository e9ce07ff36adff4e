//! Where a unit of work stands in a W3C trace.

use std::{
    fmt,
    num::{NonZeroU64, NonZeroU128},
    ops::Range,
};

/// Trace id, span id, parent and flags; what the header `traceparent` carries.
///
/// Kept as it is written: that happens with every request and every line, while hardly anybody wants the numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    text: [u8; LENGTH],
    parent_id: Option<u64>,
}

/// `00-`, the trace id, `-`, the span id, `-`, the flags.
const LENGTH: usize = 55;
const VERSION: Range<usize> = 0..2;
const TRACE_ID: Range<usize> = 3..35;
const SPAN_ID: Range<usize> = 36..52;
const FLAGS: Range<usize> = 53..55;

impl TraceContext {
    /// A trace that begins here.
    pub fn new() -> Self {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let [high, low, span_id] = [(); 3].map(|()| digits(random_id()));
        text[3..19].copy_from_slice(&high);
        text[19..35].copy_from_slice(&low);
        text[SPAN_ID].copy_from_slice(&span_id);
        Self { text, parent_id: None }
    }

    /// A span that somebody has told of by other means than a `traceparent`.
    pub fn of_span(trace_id: NonZeroU128, span_id: NonZeroU64) -> Self {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        let trace_id = trace_id.get();
        text[3..19].copy_from_slice(&digits((trace_id >> 64) as u64));
        text[19..35].copy_from_slice(&digits(trace_id as u64));
        text[SPAN_ID].copy_from_slice(&digits(span_id.get()));
        Self { text, parent_id: None }
    }

    /// Reads a `traceparent`; what it names is the caller's span, so [`child`](Self::child) is what to work under.
    ///
    /// Versions to come may be longer, as the specification wants; anything malformed is `None`.
    pub fn parse(traceparent: &str) -> Option<Self> {
        let (head, rest) = traceparent.as_bytes().split_first_chunk::<LENGTH>()?;
        let version = hex(&head[VERSION])?;
        let has_dashes = head[2] == b'-' && head[35] == b'-' && head[52] == b'-';
        let is_known_length = rest.is_empty() || (version != 0 && rest[0] == b'-');
        if version == 0xff || !has_dashes || !is_known_length {
            return None;
        }
        let (trace_id, span_id) = (hex(&head[TRACE_ID])?, hex(&head[SPAN_ID])?);
        hex(&head[FLAGS])?;
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        let mut text = *head;
        text[VERSION].copy_from_slice(b"00");
        Some(Self { text, parent_id: None })
    }

    /// A span of the same trace, below this one.
    #[must_use]
    pub fn child(&self) -> Self {
        let mut text = self.text;
        text[SPAN_ID].copy_from_slice(&digits(random_id()));
        Self { text, parent_id: Some(self.span_id()) }
    }

    /// Written as 32 hexadecimal digits in logs and headers.
    pub fn trace_id(&self) -> u128 {
        self.number(TRACE_ID)
    }

    /// The trace id as it is written.
    pub(crate) fn trace_id_text(&self) -> &[u8; 32] {
        let [_, _, _, id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = &self.text;
        id
    }

    /// Written as 16 hexadecimal digits.
    pub fn span_id(&self) -> u64 {
        self.number(SPAN_ID) as u64
    }

    /// The span this one is below of, unless the trace began here.
    pub fn parent_id(&self) -> Option<u64> {
        self.parent_id
    }

    /// Whether the caller recorded its span and wants this one recorded too.
    pub fn is_sampled(&self) -> bool {
        self.number(FLAGS) & 1 == 1
    }

    /// The header for an outgoing call, as 55 ASCII characters.
    pub fn traceparent(&self) -> [u8; 55] {
        self.text
    }

    /// Nothing but digits gets in, so there is always a number to give back.
    fn number(&self, place: Range<usize>) -> u128 {
        hex(&self.text[place]).unwrap_or_default()
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
        f.write_str(str::from_utf8(&self.text).unwrap_or_default())
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self}")?;
        self.parent_id.map_or(Ok(()), |parent_id| write!(f, " below {parent_id:016x}"))?;
        f.write_str(")")
    }
}

/// Zero is not a legal id.
fn random_id() -> u64 {
    fastrand::u64(..).max(1)
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

/// The two digits of every byte.
const PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < pairs.len() {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// A number as 16 hexadecimal digits.
#[inline]
pub(crate) fn digits(number: u64) -> [u8; 16] {
    let mut digits = [0; 16];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(number.to_be_bytes()) {
        [pair[0], pair[1]] = PAIRS[usize::from(byte)];
    }
    digits
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
