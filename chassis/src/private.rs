//! What expansions of the macros may name; nobody else.

pub use core::primitive::str;

pub use crate::metrics::{LabelValue, LabelValues, Labels, Timing};
