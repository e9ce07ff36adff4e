//! What travels beside the body of a message.

use std::{borrow::Cow, fmt};

use bytes::Bytes;

/// Names and values beside the body, in the order they were added. Names are found whatever their case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(Cow<'static, str>, Bytes)>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A single header.
    #[cfg(feature = "zmq")]
    pub(crate) fn of_known(name: &'static str, value: Bytes) -> Self {
        Self(vec![(Cow::Borrowed(name), value)])
    }

    /// Sets a header; what it was is gone.
    pub fn set(&mut self, name: &str, value: impl Into<Bytes>) {
        self.put(name, |name| name.to_owned().into(), value.into());
    }

    /// As [`set`](Self::set), for a name that needs no memory of its own.
    pub(crate) fn set_known(&mut self, name: &'static str, value: impl Into<Bytes>) {
        self.put(name, Cow::Borrowed, value.into());
    }

    fn put<'n>(&mut self, name: &'n str, own: impl FnOnce(&'n str) -> Cow<'static, str>, value: Bytes) {
        match self.0.iter_mut().find(|(found, _)| found.eq_ignore_ascii_case(name)) {
            Some((_, found)) => *found = value,
            None => self.0.push((own(name), value)),
        }
    }

    /// Takes a header away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    }

    /// A header that is text; `None` when it is not there, or is not UTF-8.
    pub fn get(&self, name: &str) -> Option<&str> {
        str::from_utf8(self.bytes(name)?).ok()
    }

    /// A header as it came.
    pub fn bytes(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> FromIterator<(&'a str, Bytes)> for Headers {
    fn from_iter<I: IntoIterator<Item = (&'a str, Bytes)>>(headers: I) -> Self {
        Self(headers.into_iter().map(|(name, value)| (name.to_owned().into(), value)).collect())
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, value.escape_ascii().to_string()))).finish()
    }
}
