//! Entity tags: what lets a client ask whether its copy is still good.

use http::{HeaderValue, header};

use super::{super::asked::Asked, negotiation::names_tag};

/// Any odd numbers with their bits well mixed.
const KEYS: [u64; 2] = [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9];

/// The two digits of every byte.
const DIGITS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

/// How long a tag is as it is written, with its quotes.
const TAG_LENGTH: usize = 18;

/// The tag of a body, strong: 64 bits of a hash over every byte of it.
///
/// It is compared with the one tag that a client holds, so that a change goes unnoticed once in 2⁶⁴ times.
/// A compressed body has a tag of its own, as the standard demands: the same one with `-gzip` behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Tag(u64);

impl Tag {
    pub(in super::super) fn of(body: &[u8]) -> Self {
        let mut hash = KEYS[0] ^ body.len() as u64;
        let mut mix = |block: [u8; 16]| {
            let block = u128::from_le_bytes(block);
            hash = fold(hash ^ block as u64, KEYS[1] ^ (block >> 64) as u64);
        };
        let (blocks, rest) = body.as_chunks();
        blocks.iter().copied().for_each(&mut mix);
        let mut last = [0; 16];
        last[..rest.len()].copy_from_slice(rest);
        mix(last);
        Self(fold(hash, KEYS[0]))
    }

    /// The header, for the body as it is or for its compressed form.
    pub(in super::super) fn header(self, is_gzip: bool) -> HeaderValue {
        let (text, length) = self.text(is_gzip);
        // Hexadecimal digits and quotes are always a valid value.
        HeaderValue::from_bytes(&text[..length]).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// The form of this body that the client's `If-None-Match` names; compressed is `true`.
    pub(in super::super) fn known_to(self, asked: &Asked) -> Option<bool> {
        // Nearly always nothing was asked.
        if_none_match(asked).next()?;
        [false, true].into_iter().find(|is_gzip| {
            let (text, length) = self.text(*is_gzip);
            names_tag(if_none_match(asked), &text[..length])
        })
    }

    fn text(self, is_gzip: bool) -> ([u8; TAG_LENGTH + 5], usize) {
        let mut text = *b"\"................-gzip\"";
        for (pair, byte) in text[1..17].as_chunks_mut().0.iter_mut().zip(self.0.to_be_bytes()) {
            *pair = DIGITS[usize::from(byte)];
        }
        if is_gzip {
            return (text, text.len());
        }
        text[17] = b'"';
        (text, TAG_LENGTH)
    }
}

/// Whether the client's `If-None-Match` names a tag that the handler set itself.
pub(in super::super) fn names_this_tag(asked: &Asked, tag: &HeaderValue) -> bool {
    names_tag(if_none_match(asked), tag.as_bytes())
}

/// Mixes two numbers: the halves of their product laid over each other.
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    (product as u64) ^ (product >> 64) as u64
}

fn if_none_match(asked: &Asked) -> impl Iterator<Item = &[u8]> {
    asked.all(header::IF_NONE_MATCH).map(HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_depends_on_every_byte_and_has_a_form_for_gzip() {
        let (one, other) = (Tag::of(b"[1]"), Tag::of(b"[2]"));
        assert_ne!(one, other);
        let body: Vec<u8> = (0..=255).collect();
        let mut tags = std::collections::BTreeSet::from([Tag::of(&body).0]);
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            assert!(tags.insert(Tag::of(&changed).0) && tags.insert(Tag::of(&body[..at]).0), "{at}");
        }
        let (plain, gzip) = (one.header(false), one.header(true));
        assert_eq!(plain.len(), TAG_LENGTH);
        assert_eq!(gzip.len(), TAG_LENGTH + 5);
        assert!(gzip.as_bytes().ends_with(b"-gzip\""));
    }

    #[test]
    fn a_client_may_hold_either_form() {
        let tag = Tag::of(b"body");
        for is_gzip in [false, true] {
            let asked = Asked::from_iter([(header::IF_NONE_MATCH, tag.header(is_gzip))]);
            assert_eq!(tag.known_to(&asked), Some(is_gzip));
            assert_eq!(Tag::of(b"other").known_to(&asked), None);
        }
    }
}
