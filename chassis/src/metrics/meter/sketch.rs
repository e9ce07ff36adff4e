//! How often values of each size have occurred, with a relative error below one per cent.
//!
//! Sizes are sorted by the exponent and the first seven bits of the mantissa, so finding the cell is a shift. Cells live
//! in blocks that are made when first needed. Each starts over after four billion values, which a difference of two
//! moments does not notice.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering::Relaxed},
};

/// Bits of the mantissa that tell cells apart.
const FINE: u32 = 7;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - FINE;
/// 2⁻³⁰, about a nanosecond in seconds; what is closer to zero counts as zero.
const SMALLEST: f64 = 1.0 / (1_u64 << 30) as f64;
/// Sizes up to 2⁵⁰, a petabyte in bytes; what is larger counts as this large.
const OCTAVES: usize = 80;
const CELLS: usize = OCTAVES << FINE;
const BLOCK: usize = 128;
const BLOCKS: usize = CELLS / BLOCK;

/// Counts of positive and negative values by size.
pub(super) struct Sketch {
    zero: AtomicU32,
    /// First those of the positive values.
    blocks: [OnceLock<Box<[AtomicU32; BLOCK]>>; 2 * BLOCKS],
}

/// Cells and their counts, by ascending cell.
pub(super) type Counts = Vec<(Cell, u32)>;

/// Where values of one size are counted; ordered like the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell(i32);

impl Cell {
    /// The value closest to zero that is counted here: whole numbers come out whole.
    fn value(self) -> f64 {
        let Some(place) = u64::from(self.0.unsigned_abs()).checked_sub(1) else { return 0.0 };
        let size = f64::from_bits(((SMALLEST.to_bits() >> SHIFT) + place) << SHIFT);
        if self.0 < 0 { -size } else { size }
    }
}

impl Sketch {
    pub(super) fn new() -> Self {
        Self { zero: AtomicU32::new(0), blocks: [const { OnceLock::new() }; 2 * BLOCKS] }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the number of cells")]
    pub(super) fn count(&self, value: f64) {
        let size = value.abs();
        if size < SMALLEST {
            self.zero.fetch_add(1, Relaxed);
            return;
        }
        let place = ((size.to_bits() >> SHIFT) - (SMALLEST.to_bits() >> SHIFT)) as usize;
        let place = place.min(CELLS - 1);
        let block = place / BLOCK + if value < 0.0 { BLOCKS } else { 0 };
        if let Some(block) = self.blocks.get(block) {
            block.get_or_init(|| Box::new([const { AtomicU32::new(0) }; BLOCK]))[place % BLOCK].fetch_add(1, Relaxed);
        }
    }

    /// Everything counted so far.
    #[expect(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "bounded by the number of cells")]
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            for (place, count) in block.get().into_iter().flat_map(|block| block.iter()).enumerate() {
                let cell = ((number % BLOCKS) * BLOCK + place + 1) as i32;
                counts.push((Cell(if number < BLOCKS { cell } else { -cell }), count.load(Relaxed)));
            }
        }
        counts.push((Cell(0), self.zero.load(Relaxed)));
        counts.retain(|(_, count)| *count > 0);
        counts.sort_unstable_by_key(|(cell, _)| *cell);
        counts
    }
}

/// What was counted between `before` and `now`.
pub(super) fn since(before: &Counts, now: &Counts) -> Counts {
    let mut before = before.iter().peekable();
    let mut counts = Vec::with_capacity(now.len());
    for (cell, count) in now {
        let mut earlier = 0;
        while let Some((there, there_count)) = before.next_if(|(there, _)| there <= cell) {
            if there == cell {
                earlier = *there_count;
            }
        }
        let difference = count.wrapping_sub(earlier);
        if difference > 0 {
            counts.push((*cell, difference));
        }
    }
    counts
}

/// The value that the share `quantile` of all does not exceed; not a number when there is none.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rank is small and positive"
)]
pub(super) fn quantile(counts: &Counts, quantile: f64) -> f64 {
    let total: u64 = counts.iter().map(|(_, count)| u64::from(*count)).sum();
    let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total.max(1));
    let mut seen = 0;
    for (cell, count) in counts {
        seen += u64::from(*count);
        if seen >= rank {
            return cell.value();
        }
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 0.01 * expected.abs(), "{found} is not within 1 % of {expected}");
    }

    #[test]
    fn quantiles_are_right_within_one_per_cent_over_all_sizes() {
        for scale in [1e-7, 1e-3, 1.0, 1e6, 1e12] {
            let sketch = Sketch::new();
            (1..=1_000).for_each(|step| sketch.count(f64::from(step) * scale));
            let counts = sketch.counts();
            for share in [0.001, 0.25, 0.5, 0.9, 0.99, 1.0] {
                is_near(quantile(&counts, share), (share * 1_000.0).round() * scale);
            }
        }
    }

    #[test]
    fn negative_values_and_zero_have_their_place() {
        let sketch = Sketch::new();
        [-8.0, -2.0, 0.0, 3.0, 3e-12].into_iter().for_each(|value| sketch.count(value));
        let counts = sketch.counts();
        let found = [0.2, 0.4, 0.6, 0.8, 1.0].map(|share| quantile(&counts, share));
        assert_eq!(found, [-8.0, -2.0, 0.0, 0.0, 3.0]);
    }

    #[test]
    fn extremes_are_counted_at_the_edge() {
        let sketch = Sketch::new();
        [f64::MAX, f64::INFINITY, f64::NEG_INFINITY].into_iter().for_each(|value| sketch.count(value));
        assert_eq!(sketch.counts().iter().map(|(_, count)| count).sum::<u32>(), 3);
    }

    #[test]
    fn a_window_is_the_difference_of_two_moments() {
        let sketch = Sketch::new();
        (0..10).for_each(|_| sketch.count(1.0));
        let before = sketch.counts();
        (0..4).for_each(|_| sketch.count(5.0));
        sketch.count(0.25);
        let window = since(&before, &sketch.counts());
        assert_eq!(window.iter().map(|(_, count)| count).sum::<u32>(), 5);
        is_near(quantile(&window, 0.5), 5.0);
        assert!(quantile(&since(&sketch.counts(), &sketch.counts()), 0.5).is_nan());
    }
}
