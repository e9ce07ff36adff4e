//! Entity tags: what lets a client ask whether its copy is still good.

use std::hash::{DefaultHasher, Hasher};

use http::{HeaderMap, HeaderValue, header};

use super::negotiation::names_tag;

/// The tag of a body, strong: 128 bits of a hash over every byte of it.
///
/// A compressed body has a tag of its own, as the standard demands: the same one with `-gzip` behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Tag(u128);

impl Tag {
    pub(in super::super) fn of(body: &[u8]) -> Self {
        // Two keyed halves; a collision would have to happen in both.
        let half = |key: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(key);
            hasher.write(body);
            u128::from(hasher.finish())
        };
        Self(half(0) << 64 | half(1))
    }

    /// The header, for the body as it is or for its compressed form.
    pub(in super::super) fn header(self, is_gzip: bool) -> HeaderValue {
        let (text, length) = self.text(is_gzip);
        // Hexadecimal digits and quotes are always a valid value.
        HeaderValue::from_bytes(&text[..length]).unwrap_or(HeaderValue::from_static("\"\""))
    }

    /// The form of this body that the client's `If-None-Match` names; compressed is `true`.
    pub(in super::super) fn known_to(self, request: &HeaderMap) -> Option<bool> {
        if !request.contains_key(header::IF_NONE_MATCH) {
            return None;
        }
        [false, true].into_iter().find(|is_gzip| {
            let (text, length) = self.text(*is_gzip);
            names_tag(if_none_match(request), &text[..length])
        })
    }

    fn text(self, is_gzip: bool) -> ([u8; 39], usize) {
        let mut text = *b"\"................................-gzip\"";
        let mut rest = self.0;
        for digit in text[1..33].iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 15) as usize];
            rest >>= 4;
        }
        if is_gzip {
            return (text, 39);
        }
        text[33] = b'"';
        (text, 34)
    }
}

/// Whether the client's `If-None-Match` names a tag that the handler set itself.
pub(in super::super) fn names_this_tag(request: &HeaderMap, tag: &HeaderValue) -> bool {
    names_tag(if_none_match(request), tag.as_bytes())
}

fn if_none_match(request: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    request.get_all(header::IF_NONE_MATCH).iter().map(HeaderValue::as_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_depends_on_every_byte_and_has_a_form_for_gzip() {
        let (one, other) = (Tag::of(b"[1]"), Tag::of(b"[2]"));
        assert_ne!(one, other);
        let (plain, gzip) = (one.header(false), one.header(true));
        assert_eq!(plain.len(), 34);
        assert_eq!(gzip.len(), 39);
        assert!(gzip.as_bytes().ends_with(b"-gzip\""));
    }

    #[test]
    fn a_client_may_hold_either_form() {
        let tag = Tag::of(b"body");
        for is_gzip in [false, true] {
            let mut request = HeaderMap::new();
            request.insert(header::IF_NONE_MATCH, tag.header(is_gzip));
            assert_eq!(tag.known_to(&request), Some(is_gzip));
            assert_eq!(Tag::of(b"other").known_to(&request), None);
        }
    }
}
