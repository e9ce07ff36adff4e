//! The types of meters. All are cheap handles: a clone counts into the same numbers.

pub(super) mod counter;
pub(super) mod gauge;
pub(super) mod histogram;
mod labelled;
pub(super) mod observed;
pub(super) mod quantity;
mod sketch;
pub(super) mod summary;
pub(super) mod timing;
