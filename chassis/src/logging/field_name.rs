//! The names of fields.

use std::fmt;

/// The name of a field of a [`Line`](super::Line), checked and put in form once, so that a line copies it:
///
/// ```
/// # use chassis::logging::FieldName;
/// const STATUS: FieldName = FieldName::new("status");
/// ```
#[derive(Clone, Copy)]
pub struct FieldName {
    json: Block,
    logfmt: Block,
}

/// A name with what stands around it, followed by a quote that belongs to a value.
#[derive(Clone, Copy)]
struct Block {
    bytes: [u8; Self::SIZE],
    length: usize,
}

impl FieldName {
    /// The longest name.
    pub const MAX: usize = Block::SIZE - 5;

    /// A name of letters, digits, `_`, `.` and `-`, and none that every line has.
    ///
    /// # Panics
    /// If the name is another one; the compiler says so of a constant.
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= Self::MAX, "the name of a field has 1 to 27 characters");
        assert!(is_plain(name.as_bytes()), "the name of a field consists of letters, digits, `_`, `.` and `-`");
        assert!(!is_taken(name), "every line has a key of that name already");
        Self { json: Block::new(b",\"", name, b"\":", b"\""), logfmt: Block::new(b" ", name, b"=", b"\"") }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let name = self.logfmt.bytes.get(1..self.logfmt.length - 1).unwrap_or_default();
        str::from_utf8(name).unwrap_or_default()
    }

    /// `,"name":` in a block, and its length; a quote stands behind it.
    pub(super) fn json(&self) -> (&[u8; Block::SIZE], usize) {
        (&self.json.bytes, self.json.length)
    }

    /// ` name=` in a block, and its length; a quote stands behind it.
    pub(super) fn logfmt(&self) -> (&[u8; Block::SIZE], usize) {
        (&self.logfmt.bytes, self.logfmt.length)
    }
}

impl fmt::Debug for FieldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Block {
    const SIZE: usize = 32;

    const fn new(before: &[u8], name: &str, after: &[u8], quote: &[u8]) -> Self {
        let mut block = Self { bytes: [0; Self::SIZE], length: 0 };
        block.append(before);
        block.append(name.as_bytes());
        block.append(after);
        block.append(quote);
        block.length -= quote.len();
        block
    }

    const fn append(&mut self, bytes: &[u8]) {
        let (_, room) = self.bytes.split_at_mut(self.length);
        let (room, _) = room.split_at_mut(bytes.len());
        room.copy_from_slice(bytes);
        self.length += bytes.len();
    }
}

/// The name of a field of any record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// Fit to be written as it is, and no key of every line.
    Known(&'a FieldName),
    Any(&'a str),
}

/// Whether every line has a key of that name already; a field of that name is written with `field_` in front.
pub(super) const fn is_taken(name: &str) -> bool {
    matches!(
        name.as_bytes(),
        b"time" | b"level" | b"target" | b"message" | b"service_name" | b"deploy_name" | b"req_id" | b"trace_id"
    )
}

/// Whether a name needs no escape in any format.
const fn is_plain(name: &[u8]) -> bool {
    match name {
        [] => true,
        [letter, rest @ ..] => {
            (letter.is_ascii_alphanumeric() || matches!(*letter, b'_' | b'.' | b'-')) && is_plain(rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_name_stands_ready_for_both_forms() {
        let name = FieldName::new("http.status-code_2");
        assert_eq!(name.as_str(), "http.status-code_2");
        let text =
            |(block, length): (&[u8; Block::SIZE], usize)| String::from_utf8_lossy(&block[..length]).into_owned();
        assert_eq!(text(name.json()), r#","http.status-code_2":"#);
        assert_eq!(text(name.logfmt()), " http.status-code_2=");
    }

    #[test]
    fn a_name_that_would_break_a_line_or_hide_a_key_is_refused() {
        for name in ["", "a b", "a\"", "a=", "é", "level", "req_id", "a_name_of_twenty-eight_chars"] {
            assert!(catch_unwind(|| FieldName::new(name)).is_err(), "{name}");
        }
        let longest = "a_name_of_twenty8__characters";
        assert_eq!(FieldName::new(&longest[..FieldName::MAX]).as_str().len(), FieldName::MAX);
    }
}
