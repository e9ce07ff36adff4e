//! What a request asks of the form of its answer.

use http::{HeaderName, HeaderValue, header};

/// The headers of a request that decide about the form of the answer, for the handler takes the request itself.
///
/// A list and no map: there are hardly ever more than two.
#[derive(Debug, Default)]
pub(super) struct Asked(Vec<(HeaderName, HeaderValue)>);

impl Asked {
    /// Whether it is a header of that sort. `Origin` is needed only where other origins are told what they may do.
    pub(super) fn is_needed(name: &HeaderName, has_cors: bool) -> bool {
        *name == header::ACCEPT_ENCODING || *name == header::IF_NONE_MATCH || has_cors && *name == header::ORIGIN
    }

    /// Keeps a header.
    pub(super) fn keep(&mut self, name: &HeaderName, value: &HeaderValue) {
        self.0.push((name.clone(), value.clone()));
    }

    /// The values of a header, in the order they came.
    pub(super) fn all(&self, name: HeaderName) -> impl Iterator<Item = &HeaderValue> {
        self.0.iter().filter(move |(kept, _)| *kept == name).map(|(_, value)| value)
    }
}

#[cfg(test)]
impl FromIterator<(HeaderName, HeaderValue)> for Asked {
    fn from_iter<I: IntoIterator<Item = (HeaderName, HeaderValue)>>(headers: I) -> Self {
        Self(headers.into_iter().collect())
    }
}
