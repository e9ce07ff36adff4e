//! What keeps a record on one line and a terminal out of its reach.

use std::fmt;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Bytes that are copied as they are.
const PLAIN: u8 = 0;
/// Bytes that are always escaped: control characters.
const CONTROL: u8 = 1;
/// The quote and the backslash, escaped inside quotes.
const QUOTED: u8 = 2;
/// First bytes of characters beyond ASCII of which some are escaped.
const LEAD: u8 = 3;

const CLASSES: [u8; 256] = {
    let mut classes = [PLAIN; 256];
    let mut byte = 0;
    while byte < 0x20 {
        classes[byte] = CONTROL;
        byte += 1;
    }
    classes[0x7f] = CONTROL;
    classes[b'"' as usize] = QUOTED;
    classes[b'\\' as usize] = QUOTED;
    classes[0xc2] = LEAD;
    classes[0xe2] = LEAD;
    classes[0xef] = LEAD;
    classes
};

/// Appends text as the inside of a JSON string, which is what logfmt reads inside quotes too.
pub(super) fn quoted(buf: &mut Vec<u8>, text: &str) {
    escape(buf, text, true);
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

fn escape(buf: &mut Vec<u8>, text: &str, is_quoted: bool) {
    let bytes = text.as_bytes();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        let length = match CLASSES[usize::from(byte)] {
            PLAIN => {
                at += 1;
                continue;
            }
            QUOTED if !is_quoted => {
                at += 1;
                continue;
            }
            LEAD => match unreadable(&bytes[at..]) {
                Some(character) => {
                    buf.extend_from_slice(&bytes[copied..at]);
                    let length = character.len_utf8();
                    code(buf, character as u32);
                    length
                }
                None => {
                    at += 1;
                    continue;
                }
            },
            _ => {
                buf.extend_from_slice(&bytes[copied..at]);
                ascii(buf, byte);
                1
            }
        };
        at += length;
        copied = at;
    }
    buf.extend_from_slice(&bytes[copied..]);
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

/// The character at the start, if a screen would not show it as text: C1 controls (some are terminal escapes), line
/// and paragraph separators, what changes the direction of writing, the byte order mark.
fn unreadable(bytes: &[u8]) -> Option<char> {
    let code = match *bytes {
        [0xc2, second, ..] => u32::from(second),
        [first @ (0xe2 | 0xef), second, third, ..] => {
            u32::from(first & 0x0f) << 12 | u32::from(second & 0x3f) << 6 | u32::from(third & 0x3f)
        }
        _ => return None,
    };
    let is_unreadable = matches!(code, 0x80..=0x9f | 0x200e..=0x200f | 0x2028..=0x202e | 0x2066..=0x2069 | 0xfeff);
    if is_unreadable { char::from_u32(code) } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

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
