//! Sums that many threads add to without waiting for each other.
//!
//! A sum starts as one cell. The first time two threads meet on it, it gets a stripe per thread (shared by
//! some, when there are many), and every reader adds the stripes up. So a series that is never fought over, which is nearly every
//! series, costs one cell, and a hot one costs its stripes once.

use std::{
    cell::Cell,
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

/// What one thread adds to.
pub(super) trait Stripe: Send + Sync {
    type Amount: Copy;

    /// An empty stripe of the same shape.
    fn another(&self) -> Self;

    /// Adds, unless another thread is doing so at this moment; then nothing has been added.
    fn try_add(&self, amount: Self::Amount) -> bool;

    /// Adds, however long it takes.
    fn add(&self, amount: Self::Amount);
}

/// A sum over stripes.
#[derive(Debug)]
pub(super) struct Striped<S> {
    first: S,
    more: OnceLock<Box<[S]>>,
}

impl<S: Stripe> Striped<S> {
    pub(super) fn new(first: S) -> Self {
        Self { first, more: OnceLock::new() }
    }

    #[inline]
    pub(super) fn add(&self, amount: S::Amount) {
        match self.more.get() {
            None => {
                if !self.first.try_add(amount) {
                    self.spread(amount);
                }
            }
            Some(more) => add_to_own(more, amount),
        }
    }

    /// All stripes, to be summed up.
    pub(super) fn iter(&self) -> impl Iterator<Item = &S> {
        std::iter::once(&self.first).chain(self.more.get().into_iter().flatten())
    }

    #[cold]
    fn spread(&self, amount: S::Amount) {
        let more = self.more.get_or_init(|| (0..stripes()).map(|_| self.first.another()).collect());
        add_to_own(more, amount);
    }
}

/// A 64-bit sum on a cache line of its own (two lines: processors fetch them in pairs).
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Stripe for Count {
    type Amount = u64;

    fn another(&self) -> Self {
        Self::default()
    }

    #[inline]
    fn try_add(&self, amount: u64) -> bool {
        let now = self.0.load(Relaxed);
        self.0.compare_exchange(now, now.wrapping_add(amount), Relaxed, Relaxed).is_ok()
    }

    #[inline]
    fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }
}

/// A floating-point sum on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Total(AtomicU64);

impl Total {
    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

impl Stripe for Total {
    type Amount = f64;

    fn another(&self) -> Self {
        Self::default()
    }

    #[inline]
    fn try_add(&self, amount: f64) -> bool {
        try_add_float(&self.0, amount)
    }

    #[inline]
    fn add(&self, amount: f64) {
        add_float(&self.0, amount);
    }
}

/// Adds to a float kept as bits, unless another thread comes in between.
#[inline]
pub(super) fn try_add_float(bits: &AtomicU64, amount: f64) -> bool {
    let now = bits.load(Relaxed);
    let then = (f64::from_bits(now) + amount).to_bits();
    bits.compare_exchange(now, then, Relaxed, Relaxed).is_ok()
}

/// Adds to a float kept as bits.
#[inline]
pub(super) fn add_float(bits: &AtomicU64, amount: f64) {
    while !try_add_float(bits, amount) {
        std::hint::spin_loop();
    }
}

#[inline]
fn add_to_own<S: Stripe>(stripes: &[S], amount: S::Amount) {
    // Their number is a power of two, so that the mask is the remainder.
    let own = own_number() & stripes.len().wrapping_sub(1);
    if let Some(stripe) = stripes.get(own) {
        stripe.add(amount);
    }
}

/// The number of this thread, in order of first use.
#[inline]
fn own_number() -> usize {
    const UNKNOWN: usize = usize::MAX;
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static OWN: Cell<usize> = const { Cell::new(UNKNOWN) });

    OWN.with(|own| {
        if own.get() == UNKNOWN {
            own.set(NEXT.fetch_add(1, Relaxed));
        }
        own.get()
    })
}

/// More stripes than processors, so that threads seldom share one by chance.
fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        (processors * 4).next_power_of_two().clamp(4, 32)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn nothing_is_lost_when_threads_meet() {
        let count = Striped::new(Count::default());
        let total = Striped::new(Total::default());
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        count.add(3);
                        total.add(0.5);
                    }
                });
            }
        });
        assert_eq!(count.iter().map(Count::get).sum::<u64>(), 480_000);
        assert_eq!(total.iter().map(Total::get).sum::<f64>(), 80_000.0);
    }

    #[test]
    fn one_thread_never_pays_for_stripes() {
        let count = Striped::new(Count::default());
        for _ in 0..1_000 {
            count.add(1);
        }
        assert_eq!(count.iter().count(), 1);
        assert_eq!(count.first.get(), 1_000);
    }

    #[test]
    fn what_was_counted_before_the_stripes_stays_counted() {
        let count = Striped::new(Count::default());
        count.add(1);
        count.spread(2);
        count.add(4);
        assert_eq!(count.iter().map(Count::get).sum::<u64>(), 7);
    }
}
