//! MessagePack without values: where one ends, and which parts it has.
//!
//! Bodies are taken apart and put together around what the codec of the handler reads and writes, byte for byte.
//! Nothing here recurses, so that no depth of nesting is a danger.

use bytes::BufMut;

/// How many bytes the first value has; `None` when it is cut off, or is none.
pub(super) fn length(input: &[u8]) -> Option<usize> {
    let mut at = 0_usize;
    let mut left = 1_u64;
    while left > 0 {
        let (head, body, inner) = head(input.get(at..)?)?;
        at = at.checked_add(head)?.checked_add(body)?;
        left = (left - 1).checked_add(inner)?;
        // Each value has a byte at least: a promise of more than there is ends here, not after as many steps.
        if at > input.len() || left > (input.len() - at) as u64 {
            return None;
        }
    }
    Some(at)
}

/// The first value as text, and how many bytes it has.
pub(super) fn text(input: &[u8]) -> Option<(&str, usize)> {
    let (text, end) = text_bytes(input)?;
    Some((str::from_utf8(text).ok()?, end))
}

/// As [`text`], to compare it with what is UTF-8.
pub(super) fn text_bytes(input: &[u8]) -> Option<(&[u8], usize)> {
    if !matches!(input.first()?, 0xa0..=0xbf | 0xd9..=0xdb) {
        return None;
    }
    let (head, body, _) = head(input)?;
    let end = head.checked_add(body)?;
    Some((input.get(head..end)?, end))
}

/// How many entries the first value has, which is a map, and how many bytes are before them.
pub(super) fn map(input: &[u8]) -> Option<(u64, usize)> {
    if !matches!(input.first()?, 0x80..=0x8f | 0xde | 0xdf) {
        return None;
    }
    let (head, _, inner) = head(input)?;
    Some((inner / 2, head))
}

/// The first value as a whole number.
pub(super) fn integer(input: &[u8]) -> Option<i128> {
    let number = |from: usize, to: usize| {
        Some(input.get(from..to)?.iter().fold(0_i128, |number, byte| number << 8 | i128::from(*byte)))
    };
    Some(match *input.first()? {
        byte @ 0..=0x7f => i128::from(byte),
        byte @ 0xe0..=0xff => i128::from(byte) - 256,
        0xcc => number(1, 2)?,
        0xcd => number(1, 3)?,
        0xce => number(1, 5)?,
        0xcf => number(1, 9)?,
        0xd0 => i128::from(number(1, 2)? as i8),
        0xd1 => i128::from(number(1, 3)? as i16),
        0xd2 => i128::from(number(1, 5)? as i32),
        0xd3 => i128::from(number(1, 9)? as i64),
        _ => return None,
    })
}

/// Nothing.
pub(super) const NIL: &[u8] = &[0xc0];

/// Writes a text.
pub(super) fn write_text(out: &mut impl BufMut, text: &str) {
    let length = text.len();
    match length {
        0..=31 => out.put_u8(0xa0 | length as u8),
        32..=0xff => out.put_slice(&[0xd9, length as u8]),
        0x100..=0xffff => {
            out.put_u8(0xda);
            out.put_u16(length as u16);
        }
        _ => {
            out.put_u8(0xdb);
            out.put_u32(length as u32);
        }
    }
    out.put_slice(text.as_bytes());
}

/// How long a text is when it is written.
pub(super) fn written_length(text: &str) -> usize {
    let head = match text.len() {
        0..=31 => 1,
        32..=0xff => 2,
        0x100..=0xffff => 3,
        _ => 5,
    };
    head + text.len()
}

/// Of the first value: the bytes that say what it is, the bytes of its own behind them, and how many values are in it.
fn head(input: &[u8]) -> Option<(usize, usize, u64)> {
    let (first, rest) = input.split_first()?;
    let one = || rest.first().map(|byte| usize::from(*byte));
    let two = || rest.first_chunk().map(|bytes| u16::from_be_bytes(*bytes));
    let four = || rest.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
    Some(match *first {
        0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => (1, 0, 0),
        byte @ 0x80..=0x8f => (1, 0, 2 * u64::from(byte & 0x0f)),
        byte @ 0x90..=0x9f => (1, 0, u64::from(byte & 0x0f)),
        byte @ 0xa0..=0xbf => (1, usize::from(byte & 0x1f), 0),
        // Never used, says the specification.
        0xc1 => return None,
        0xc4 | 0xd9 => (2, one()?, 0),
        0xc5 | 0xda => (3, usize::from(two()?), 0),
        0xc6 | 0xdb => (5, usize::try_from(four()?).ok()?, 0),
        0xc7 => (3, one()?, 0),
        0xc8 => (4, usize::from(two()?), 0),
        0xc9 => (6, usize::try_from(four()?).ok()?, 0),
        0xcc | 0xd0 => (1, 1, 0),
        0xcd | 0xd1 => (1, 2, 0),
        0xca | 0xce | 0xd2 => (1, 4, 0),
        0xcb | 0xcf | 0xd3 => (1, 8, 0),
        byte @ 0xd4..=0xd8 => (2, 1 << (byte - 0xd4), 0),
        0xdc => (3, 0, u64::from(two()?)),
        0xdd => (5, 0, u64::from(four()?)),
        0xde => (3, 0, 2 * u64::from(two()?)),
        0xdf => (5, 0, 2 * u64::from(four()?)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_ends_where_the_codec_ends_it() {
        let value = (1_u8, -1_i64, 1e9, "grün", vec![Some(300_u16), None], BTreeMap::from([("a", vec![0_u8; 40])]));
        let bytes = rmp_serde::to_vec_named(&value).unwrap();
        let followed = [&bytes[..], b"\xc0\xc0"].concat();
        assert_eq!(length(&followed), Some(bytes.len()));
        assert!((0..bytes.len()).all(|cut| length(&bytes[..cut]).is_none()));
    }

    #[test]
    fn depth_is_no_danger() {
        let mut deep = vec![0x91; 1_000_000];
        assert_eq!(length(&deep), None);
        deep.push(0xc0);
        assert_eq!(length(&deep), Some(deep.len()));
    }

    #[test]
    fn a_promise_of_billions_is_no_work() {
        assert_eq!(length(b"\xdd\xff\xff\xff\xff\xc0"), None);
        assert_eq!(length(b"\xdf\xff\xff\xff\xff\xc0"), None);
        assert_eq!(length(b"\xc6\xff\xff\xff\xff\xc0"), None);
    }

    #[test]
    fn texts_are_read_as_they_are_written() {
        for text in ["", "wf-1", &"x".repeat(31), &"x".repeat(32), &"x".repeat(300), &"x".repeat(70_000)] {
            let mut bytes = Vec::new();
            write_text(&mut bytes, text);
            assert_eq!(bytes, rmp_serde::to_vec(text).unwrap());
            assert_eq!(super::text(&bytes), Some((text, bytes.len())));
            assert_eq!(written_length(text), bytes.len());
        }
    }

    #[test]
    fn numbers_are_read_whatever_their_width() {
        for number in [0, 127, 128, 255, 65_535, 65_536, i64::MAX, -1, -32, -33, -129, -40_000, i64::MIN] {
            assert_eq!(integer(&rmp_serde::to_vec(&number).unwrap()), Some(i128::from(number)));
        }
    }

    proptest! {
        #[test]
        fn garbage_is_never_a_panic(bytes: Vec<u8>) {
            let end = length(&bytes);
            prop_assert!(end.is_none_or(|end| end > 0 && end <= bytes.len()));
            let _ = (text(&bytes), map(&bytes), integer(&bytes));
        }
    }
}
