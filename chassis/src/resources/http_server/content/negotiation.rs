//! What a client says it accepts: `Accept-Encoding` with its weights, lists in headers, media types.
//!
//! Pure: text in, decisions out.

/// Whether a client takes gzip, by its `Accept-Encoding` headers.
///
/// Gzip has to be named, or meant by `*`, with a weight above zero.
pub(super) fn accepts_gzip<'a>(headers: impl Iterator<Item = &'a [u8]>) -> bool {
    let mut by_star = false;
    for header in headers {
        for entry in header.split(|byte| *byte == b',') {
            let (coding, parameters) = cut(entry, b';');
            let is_wanted = weight(parameters) > 0.0;
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                return is_wanted;
            }
            by_star |= coding == b"*" && is_wanted;
        }
    }
    by_star
}

/// Whether a request's body is gzip, by its `Content-Encoding` headers; `None` when it is something else, or coded twice.
///
/// Several headers are one list, in the order the codings were applied. `identity` should not be in it, and is nothing.
pub(in super::super) fn is_gzip<'a>(headers: impl Iterator<Item = &'a [u8]>) -> Option<bool> {
    let mut is_gzip = false;
    for coding in headers.flat_map(|header| header.split(|byte| *byte == b',')).map(<[u8]>::trim_ascii) {
        if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        let is_known = coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip");
        if !is_known || std::mem::replace(&mut is_gzip, true) {
            return None;
        }
    }
    Some(is_gzip)
}

/// Whether one of the tags in `If-None-Match` is this one; compared weakly, as the header demands.
pub(super) fn names_tag<'a>(mut headers: impl Iterator<Item = &'a [u8]>, tag: &[u8]) -> bool {
    headers.any(|header| {
        header
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii)
            .any(|candidate| candidate == b"*" || candidate.strip_prefix(b"W/").unwrap_or(candidate) == opaque(tag))
    })
}

/// The media type of a `Content-Type`, without its parameters.
pub(crate) fn media_type(content_type: &[u8]) -> &[u8] {
    cut(content_type, b';').0
}

/// Whether a media type is JSON by itself: `application/json`, or any with the suffix `+json`.
pub(crate) fn is_json(media_type: &[u8]) -> bool {
    let suffix = media_type.len().checked_sub(5).map(|at| &media_type[at..]);
    media_type.eq_ignore_ascii_case(b"application/json") || suffix.is_some_and(|end| end.eq_ignore_ascii_case(b"+json"))
}

/// Whether a media type is worth compressing: text and what is written like text.
pub(super) fn is_compressible(media_type: &[u8]) -> bool {
    let lower = media_type.to_ascii_lowercase();
    let is_stream = lower == b"text/event-stream" || lower == b"application/grpc";
    let is_text = lower.starts_with(b"text/")
        || lower.ends_with(b"+json")
        || lower.ends_with(b"+xml")
        || lower.ends_with(b"+text")
        || lower.ends_with(b"+yaml");
    let is_listed = matches!(
        lower.as_slice(),
        b"application/json"
            | b"application/xml"
            | b"application/javascript"
            | b"application/x-javascript"
            | b"application/yaml"
            | b"application/x-ndjson"
            | b"application/graphql"
            | b"application/wasm"
            | b"application/x-www-form-urlencoded"
            | b"image/bmp"
            | b"font/ttf"
            | b"font/otf"
    );
    !is_stream && (is_text || is_listed)
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// The weight in `;q=0.5`; 1 when it is not said, 0 when it cannot be read.
fn weight(parameters: &[u8]) -> f32 {
    parameters
        .split(|byte| *byte == b';')
        .map(|parameter| cut(parameter, b'='))
        .find(|(name, _)| name.eq_ignore_ascii_case(b"q"))
        .map_or(1.0, |(_, value)| std::str::from_utf8(value).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0))
}

/// What stands before and behind the first `separator`, without blanks around.
fn cut(text: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (text[..at].trim_ascii(), text[at + 1..].trim_ascii()),
        None => (text.trim_ascii(), &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gzip(header: &str) -> bool {
        accepts_gzip([header.as_bytes()].into_iter())
    }

    #[test]
    fn gzip_is_used_only_where_the_client_takes_it() {
        for yes in ["gzip", "deflate, gzip;q=1.0, *;q=0.5", "*", "GZIP", "br;q=1.0, gzip ; q=0.001", "x-gzip"] {
            assert!(gzip(yes), "{yes}");
        }
        for no in ["", "identity", "gzip;q=0", "*;q=0", "*, gzip;q=0", "gzip;q=x", "br"] {
            assert!(!gzip(no), "{no}");
        }
    }

    #[test]
    fn a_body_is_gzip_once_or_not_at_all() {
        let check = |headers: &[&str], expected| {
            assert_eq!(is_gzip(headers.iter().map(|header| header.as_bytes())), expected, "{headers:?}");
        };
        check(&[], Some(false));
        check(&["identity"], Some(false));
        check(&[""], Some(false));
        check(&["GZip"], Some(true));
        check(&["x-gzip"], Some(true));
        check(&["identity, gzip,"], Some(true));
        check(&["gzip, gzip"], None);
        check(&["gzip", "gzip"], None);
        check(&["gzip", "br"], None);
        check(&["br"], None);
        check(&["gzip;q=1"], None);
    }

    #[test]
    fn tags_are_compared_weakly() {
        let named = |header: &str, tag: &str| names_tag([header.as_bytes()].into_iter(), tag.as_bytes());
        assert!(named(r#""a", W/"b""#, r#""b""#));
        assert!(named(r#""b""#, r#"W/"b""#));
        assert!(named("*", r#""b""#));
        assert!(!named(r#""a", "bb""#, r#""b""#));
        assert!(!named("", r#""b""#));
    }

    #[test]
    fn json_is_told_by_type_and_suffix() {
        assert!(is_json(media_type(b"application/json; charset=utf-8")));
        assert!(is_json(b"application/problem+JSON"));
        assert!(!is_json(b"text/json-ish"));
        assert!(!is_json(b"json"));
    }

    #[test]
    fn text_is_compressible_and_pictures_and_event_streams_are_not() {
        assert!(is_compressible(b"application/json"));
        assert!(is_compressible(b"Text/HTML"));
        assert!(is_compressible(b"image/svg+xml"));
        assert!(!is_compressible(b"image/png"));
        assert!(!is_compressible(b"text/event-stream"));
        assert!(!is_compressible(b""));
    }
}
