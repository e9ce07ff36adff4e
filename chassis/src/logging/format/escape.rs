//! What keeps a record on one line and a terminal out of its reach.

use std::fmt;

use super::head;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends text as the inside of a JSON string, which is what logfmt reads inside quotes too.
#[inline]
pub(super) fn quoted(buf: &mut Vec<u8>, text: &str) {
    match Short::plain(text.as_bytes()) {
        Some(short) => head(buf, &short.0, text.len()),
        None => escape(buf, text, true),
    }
}

/// Appends text as people read it: only what is not text is escaped.
pub(super) fn bare(buf: &mut Vec<u8>, text: &str) {
    escape(buf, text, false);
}

/// Takes what `fmt` writes and escapes it on the way; cannot fail.
pub(super) struct Escaping<'a> {
    pub(super) buf: &'a mut Vec<u8>,
    pub(super) is_quoted: bool,
}

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        escape(self.buf, text, self.is_quoted);
        Ok(())
    }
}

#[inline(never)]
fn escape(buf: &mut Vec<u8>, text: &str, is_quoted: bool) {
    if is_plain(text.as_bytes()) {
        buf.extend_from_slice(text.as_bytes());
    } else {
        escape_each(buf, text, is_quoted);
    }
}

#[inline(never)]
fn escape_each(buf: &mut Vec<u8>, text: &str, is_quoted: bool) {
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (at, character) in text.char_indices() {
        let needs_escape = match character {
            '"' | '\\' => is_quoted,
            character => is_unreadable(character),
        };
        if needs_escape {
            buf.extend_from_slice(&bytes[copied..at]);
            write(buf, character);
            copied = at + character.len_utf8();
        }
    }
    buf.extend_from_slice(&bytes[copied..]);
}

/// Text of at most 16 bytes, followed by zeros: most text in logs is short, and neither looked at nor copied in a loop.
struct Short([u8; 16]);

impl Short {
    /// The text, if it is short, and nothing in it needs an escape.
    #[inline(always)]
    fn plain(text: &[u8]) -> Option<Self> {
        let (first, rest, found) = match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) if text.len() <= 16 => {
                let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
                (first, last.unbounded_shr(8 * (16 - text.len() as u32)), special(first) | special(last))
            }
            (None, _) => {
                let word = Self::word(text);
                (word, 0, special(word | SPACES.unbounded_shl(8 * text.len() as u32)))
            }
            _ => return None,
        };
        let block = u128::from(rest) << 64 | u128::from(first);
        (found == 0).then_some(Self(block.to_le_bytes()))
    }

    /// Less than eight bytes as a number, the first one lowest.
    #[inline]
    fn word(text: &[u8]) -> u64 {
        let length = text.len();
        if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
            return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << (8 * (length - 4));
        }
        // Of three bytes at most, these are all.
        let [Some(first), Some(middle), Some(last)] = [text.first(), text.get(length / 2), text.last()] else {
            return 0;
        };
        u64::from(*first) | u64::from(*middle) << (8 * (length / 2)) | u64::from(*last) << (8 * (length - 1))
    }
}

/// Whether there is nothing but visible ASCII without quotes and backslashes, as in nearly all text.
///
/// Eight bytes are looked at at once; the last eight may overlap those before.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return Short::plain(text).is_some() };
    let (chunks, _) = text.as_chunks();
    let special = |chunk: &[u8; 8]| special(u64::from_le_bytes(*chunk));
    chunks.iter().fold(special(last), |found, chunk| found | special(chunk)) == 0
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const SPACES: u64 = u64::from_ne_bytes([b' '; 8]);

/// Not zero if one of the bytes is a control character, a quote, a backslash or beyond ASCII.
///
/// Per byte, the high bit tells; a borrow or carry between bytes comes only from one that has told already.
#[inline]
fn special(eight: u64) -> u64 {
    let is_control = eight.wrapping_sub(SPACES) | eight.wrapping_add(ONES);
    let is_quote = (eight ^ (ONES * 0x22)).wrapping_sub(ONES);
    let is_backslash = (eight ^ (ONES * 0x5c)).wrapping_sub(ONES);
    (eight | is_control | is_quote | is_backslash) & (ONES * 0x80)
}

fn write(buf: &mut Vec<u8>, character: char) {
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => ascii(buf, byte),
        _ => code(buf, character as u32),
    }
}

fn ascii(buf: &mut Vec<u8>, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => return code(buf, u32::from(byte)),
    };
    buf.extend_from_slice(&[b'\\', letter]);
}

/// `\u00e9`; all that is escaped lies in the first plane.
fn code(buf: &mut Vec<u8>, code: u32) {
    let digit = |shift: u32| HEX[(code >> shift & 15) as usize];
    buf.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

/// Whether a screen would not show it as text: control characters (those of C1 include terminal escapes), line and
/// paragraph separators, what changes the direction of writing, the byte order mark.
fn is_unreadable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[test]
    fn one_byte_among_others_is_noticed_wherever_it_stands() {
        for length in 1..40 {
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let is_visible = (b' '..0x7f).contains(&byte) && byte != b'"' && byte != b'\\';
                    assert_eq!(is_plain(&bytes), is_visible, "{byte:#x} at {at} of {length}");
                    let short = Short::plain(&bytes);
                    assert_eq!(short.is_some(), is_visible && length <= 16, "{byte:#x} at {at} of {length}");
                    assert!(short.is_none_or(|short| short.0[..length] == bytes));
                }
            }
        }
    }

    fn check(text: &str, expected_quoted: &str, expected_bare: &str) {
        let (mut in_quotes, mut outside) = (Vec::new(), Vec::new());
        quoted(&mut in_quotes, text);
        bare(&mut outside, text);
        assert_eq!(String::from_utf8(in_quotes).unwrap(), expected_quoted);
        assert_eq!(String::from_utf8(outside).unwrap(), expected_bare);
    }

    #[test]
    fn text_stays_as_it_is() {
        check("", "", "");
        check("Größe: 3 € — 日本 🦀 £ ‰", "Größe: 3 € — 日本 🦀 £ ‰", "Größe: 3 € — 日本 🦀 £ ‰");
    }

    #[test]
    fn newlines_and_terminal_escapes_are_written_out() {
        check("a\r\nb\tc", r"a\r\nb\tc", r"a\r\nb\tc");
        check("\x1b[31mred\x7f\0", r"\u001b[31mred\u007f\u0000", r"\u001b[31mred\u007f\u0000");
        check("\u{9b}2J", r"\u009b2J", r"\u009b2J");
    }

    #[test]
    fn what_turns_text_around_is_written_out() {
        check("a\u{202e}b\u{2028}c\u{2066}\u{feff}", r"a\u202eb\u2028c\u2066\ufeff", r"a\u202eb\u2028c\u2066\ufeff");
    }

    #[test]
    fn quotes_and_backslashes_are_escaped_inside_quotes_only() {
        check(r#"say "hi" to C:\x"#, r#"say \"hi\" to C:\\x"#, r#"say "hi" to C:\x"#);
    }
}
