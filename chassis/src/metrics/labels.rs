//! What tells the series of one meter apart: names fixed by a type, values by the moment.
//!
//! A set of labels is a struct that derives [`Labels`]; its fields are texts, whole numbers, booleans, or enums that
//! derive [`Labels`] too. Values are written into a small buffer, one after the other, and that buffer is the key of
//! the series: finding a series allocates nothing.

use std::{borrow::Cow, fmt, sync::Arc};

/// The longest text of one label value in bytes; the rest is cut off, so that no caller can fill the memory with one.
pub const LONGEST_VALUE: usize = 256;

/// Ends each value in the key; never part of UTF-8.
const END: u8 = 0xFF;
/// Keys up to this length live on the stack.
const INLINE: usize = 128;

/// The labels of a meter, made by `#[derive(Labels)]`.
///
/// ```
/// use chassis::metrics::{Counter, Labels};
///
/// #[derive(Labels)]
/// struct ByCurrency {
///     currency: String,
///     express: bool,
/// }
///
/// let placed = Counter::<ByCurrency>::default();
/// placed.with(&ByCurrency { currency: "EUR".into(), express: false }).inc();
/// ```
///
/// On an enum without fields it makes a label value of each variant, its name in snake_case, and lets the
/// enum stand alone as the one label of a meter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no set of labels",
    label = "not a set of labels",
    note = "put `#[derive(Labels)]` on `{Self}`, a struct with one named field per label"
)]
pub trait Labels {
    /// The names, in the order in which [`write`](Labels::write) writes the values.
    const NAMES: &'static [&'static str];

    /// Writes one value per name.
    fn write(&self, values: &mut LabelValues);
}

#[diagnostic::do_not_recommend]
impl Labels for () {
    const NAMES: &'static [&'static str] = &[];

    fn write(&self, _values: &mut LabelValues) {}
}

/// The value of one label.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a label",
    label = "not a label value",
    note = "a label is a text, a whole number, a boolean, or an enum that derives `Labels`"
)]
pub trait LabelValue {
    /// Writes the text of the value, by [`LabelValues::text`] or `write!`.
    fn write(&self, values: &mut LabelValues);
}

/// The values of a set of labels, as they are being written.
pub struct LabelValues {
    inline: [u8; INLINE],
    length: usize,
    /// Holds everything once it does not fit `inline`.
    heap: Vec<u8>,
    /// Where the value that is being written starts.
    start: usize,
}

impl LabelValues {
    /// Writes one value and ends it.
    #[inline]
    pub fn value(&mut self, value: &(impl LabelValue + ?Sized)) {
        value.write(self);
        self.bytes(&[END]);
        self.start = self.key().len();
    }

    /// Adds to the text of the current value.
    #[inline]
    pub fn text(&mut self, text: &str) {
        let room = (self.start + LONGEST_VALUE).saturating_sub(self.key().len());
        let fits = if text.len() <= room { text } else { &text[..text.floor_char_boundary(room)] };
        self.bytes(fits.as_bytes());
    }

    /// The key of a set of labels.
    pub(super) fn of<L: Labels + ?Sized>(labels: &L) -> Self {
        let mut values = Self { inline: [0; INLINE], length: 0, heap: Vec::new(), start: 0 };
        labels.write(&mut values);
        values
    }

    #[inline]
    pub(super) fn key(&self) -> &[u8] {
        if self.heap.is_empty() { &self.inline[..self.length] } else { &self.heap }
    }

    /// The values that make up a key.
    pub(super) fn split(key: &[u8]) -> impl Iterator<Item = Cow<'_, str>> {
        key.split_inclusive(|byte| *byte == END)
            .map(|value| String::from_utf8_lossy(value.strip_suffix(&[END]).unwrap_or(value)))
    }

    #[inline]
    fn bytes(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        match self.inline.get_mut(self.length..end) {
            Some(free) if self.heap.is_empty() => {
                free.copy_from_slice(bytes);
                self.length = end;
            }
            _ => self.spill(bytes),
        }
    }

    #[cold]
    fn spill(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            self.heap.extend_from_slice(&self.inline[..self.length]);
        }
        self.heap.extend_from_slice(bytes);
    }
}

impl fmt::Write for LabelValues {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

impl fmt::Debug for LabelValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Self::split(self.key())).finish()
    }
}

impl LabelValue for str {
    #[inline]
    fn write(&self, values: &mut LabelValues) {
        values.text(self);
    }
}

impl LabelValue for bool {
    fn write(&self, values: &mut LabelValues) {
        values.text(if *self { "true" } else { "false" });
    }
}

macro_rules! texts {
    ($($text:ty),+) => {$(
        impl LabelValue for $text {
            #[inline]
            fn write(&self, values: &mut LabelValues) {
                values.text(self);
            }
        }
    )+};
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl LabelValue for $number {
            fn write(&self, values: &mut LabelValues) {
                values.text(itoa::Buffer::new().format(*self));
            }
        }
    )+};
}

texts!(String, Box<str>, Arc<str>, Cow<'_, str>);
numbers!(u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize);

impl LabelValue for char {
    fn write(&self, values: &mut LabelValues) {
        values.text(self.encode_utf8(&mut [0; 4]));
    }
}

impl<V: LabelValue + ?Sized> LabelValue for &V {
    #[inline]
    fn write(&self, values: &mut LabelValues) {
        (**self).write(values);
    }
}

/// Nothing is the empty text, which Prometheus treats as an absent label.
impl<V: LabelValue> LabelValue for Option<V> {
    fn write(&self, values: &mut LabelValues) {
        if let Some(value) = self {
            value.write(values);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Two(String, Option<u32>);

    impl Labels for Two {
        const NAMES: &'static [&'static str] = &["a", "b"];

        fn write(&self, values: &mut LabelValues) {
            values.value(&self.0);
            values.value(&self.1);
        }
    }

    fn split(labels: &Two) -> Vec<String> {
        LabelValues::split(LabelValues::of(labels).key()).map(Cow::into_owned).collect()
    }

    #[test]
    fn a_key_gives_its_values_back() {
        assert_eq!(split(&Two("x".into(), Some(7))), ["x", "7"]);
        assert_eq!(split(&Two(String::new(), None)), ["", ""]);
    }

    #[test]
    fn a_key_may_be_longer_than_the_buffer() {
        let long = "y".repeat(200);
        assert_eq!(split(&Two(long.clone(), Some(1))), [long, "1".into()]);
    }

    #[test]
    fn a_value_is_cut_between_characters() {
        let values = split(&Two("ä".repeat(LONGEST_VALUE), Some(2)));
        assert_eq!(values, ["ä".repeat(LONGEST_VALUE / 2), "2".into()]);
        let values = split(&Two(format!("x{}", "ä".repeat(LONGEST_VALUE)), Some(2)));
        assert_eq!(values[0].len(), LONGEST_VALUE - 1);
    }

    #[test]
    fn different_values_never_share_a_key() {
        let key = |a: &str, b| LabelValues::of(&Two(a.into(), b)).key().to_vec();
        assert_ne!(key("1", Some(1)), key("11", None));
        assert_ne!(key("", Some(1)), key("1", None));
    }
}
