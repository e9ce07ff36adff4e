//! What can be recorded: numbers, and durations in seconds.

use std::time::Duration;

/// A number, or a duration as seconds.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be recorded",
    label = "neither a number nor a duration",
    note = "meters record numbers and `Duration`s, which count as seconds"
)]
pub trait Quantity {
    /// The number that is recorded.
    fn amount(self) -> f64;
}

impl Quantity for f64 {
    #[inline]
    fn amount(self) -> f64 {
        self
    }
}

impl Quantity for Duration {
    #[inline]
    fn amount(self) -> f64 {
        self.as_secs_f64()
    }
}

impl Quantity for bool {
    #[inline]
    fn amount(self) -> f64 {
        f64::from(u8::from(self))
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Quantity for $number {
            #[inline]
            #[allow(clippy::cast_precision_loss, clippy::cast_lossless, reason = "exporters send doubles")]
            fn amount(self) -> f64 {
                self as f64
            }
        }
    )+};
}

numbers!(f32, u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);
