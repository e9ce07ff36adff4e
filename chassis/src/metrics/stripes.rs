//! Sums that many threads add to without waiting for each other.
//!
//! The first thread that adds to a sum owns it, and adds as if there were no others. All other threads share a second
//! cell, until two of them meet on it; from then on each has a stripe of its own. Readers add everything up. So a sum
//! that is never fought over costs two cells, one that is gets its stripes once, and the usual way to add needs no
//! locked instruction.
//!
//! That one thread owns a cell rests on [`thread_number`].

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

use super::thread_number::{self, NONE};

/// The owner of a sum that nobody has added to; no thread has this number, and none is without one like this.
const UNOWNED: usize = NONE - 1;

/// What a thread adds to.
pub(super) trait Stripe: Send + Sync {
    type Amount: Copy;

    /// An empty stripe of the same shape.
    fn another(&self) -> Self;

    /// Adds; no other thread adds here.
    fn add_alone(&self, amount: Self::Amount);

    /// Adds, unless another thread is doing so at this moment; then nothing has been added.
    fn try_add(&self, amount: Self::Amount) -> bool;

    /// Adds, whoever else does.
    fn add(&self, amount: Self::Amount);
}

/// A sum over stripes.
#[derive(Debug)]
pub(super) struct Striped<S> {
    /// The number of the thread that `owned` belongs to.
    owner: AtomicUsize,
    owned: S,
    shared: S,
    /// One for each of the lowest thread numbers.
    more: OnceLock<Box<[Apart<S>]>>,
}

/// On cache lines of its own, of which processors fetch two at a time.
#[derive(Debug)]
#[repr(align(128))]
struct Apart<S>(S);

impl<S: Stripe> Striped<S> {
    pub(super) fn new(empty: S) -> Self {
        Self { owner: AtomicUsize::new(UNOWNED), shared: empty.another(), owned: empty, more: OnceLock::new() }
    }

    #[inline]
    pub(super) fn add(&self, amount: S::Amount) {
        let me = thread_number::current();
        if self.owner.load(Relaxed) == me {
            self.owned.add_alone(amount);
        } else {
            self.add_beside(me, amount);
        }
    }

    /// All stripes, to be summed up.
    pub(super) fn iter(&self) -> impl Iterator<Item = &S> {
        [&self.owned, &self.shared].into_iter().chain(self.more.get().into_iter().flatten().map(|own| &own.0))
    }

    /// Adds as a thread that is not the owner, or not yet.
    fn add_beside(&self, me: usize, amount: S::Amount) {
        if me == NONE {
            // This thread is ending, or has not counted before.
            return match thread_number::assigned() {
                Some(_) => self.add(amount),
                None => self.shared.add(amount),
            };
        }
        if let Some(more) = self.more.get() {
            return match more.get(me) {
                Some(own) => own.0.add_alone(amount),
                None => self.shared.add(amount),
            };
        }
        if self.owner.compare_exchange(UNOWNED, me, Relaxed, Relaxed).is_ok() {
            self.owned.add_alone(amount);
        } else if !self.shared.try_add(amount) {
            self.more.get_or_init(|| (0..thread_number::stripes()).map(|_| Apart(self.owned.another())).collect());
            self.add_beside(me, amount);
        }
    }
}

/// A 64-bit sum on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
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
    fn add_alone(&self, amount: u64) {
        add_alone(&self.0, amount);
    }

    fn try_add(&self, amount: u64) -> bool {
        let now = self.0.load(Relaxed);
        self.0.compare_exchange(now, now.wrapping_add(amount), Relaxed, Relaxed).is_ok()
    }

    fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }
}

/// A floating-point sum on a cache line of its own.
#[derive(Debug, Default)]
#[repr(align(64))]
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
    fn add_alone(&self, amount: f64) {
        add_float_alone(&self.0, amount);
    }

    fn try_add(&self, amount: f64) -> bool {
        try_add_float(&self.0, amount)
    }

    fn add(&self, amount: f64) {
        add_float(&self.0, amount);
    }
}

/// Adds where no other thread does; readers see the sum before or after, never half of it.
#[inline]
pub(super) fn add_alone(sum: &AtomicU64, amount: u64) {
    sum.store(sum.load(Relaxed).wrapping_add(amount), Relaxed);
}

/// Adds to a float kept as bits, where no other thread does.
#[inline]
pub(super) fn add_float_alone(bits: &AtomicU64, amount: f64) {
    bits.store((f64::from_bits(bits.load(Relaxed)) + amount).to_bits(), Relaxed);
}

/// Adds to a float kept as bits, unless another thread comes in between.
pub(super) fn try_add_float(bits: &AtomicU64, amount: f64) -> bool {
    let now = bits.load(Relaxed);
    let then = (f64::from_bits(now) + amount).to_bits();
    bits.compare_exchange(now, then, Relaxed, Relaxed).is_ok()
}

/// Adds to a float kept as bits.
pub(super) fn add_float(bits: &AtomicU64, amount: f64) {
    while !try_add_float(bits, amount) {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::disallowed_methods, reason = "tests keep real time and spawn for themselves")]
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::thread;

    use super::*;

    fn count(striped: &Striped<Count>) -> u64 {
        striped.iter().map(Count::get).sum()
    }

    #[test]
    fn nothing_is_lost_when_threads_meet_end_and_begin() {
        let counted = Striped::new(Count::default());
        let total = Striped::new(Total::default());
        for _ in 0..10 {
            thread::scope(|scope| {
                for _ in 0..40 {
                    scope.spawn(|| {
                        for _ in 0..500 {
                            counted.add(3);
                            total.add(0.5);
                        }
                    });
                }
            });
        }
        assert_eq!(count(&counted), 600_000);
        assert_eq!(total.iter().map(Total::get).sum::<f64>(), 100_000.0);
    }

    #[test]
    fn one_thread_pays_for_no_stripes_and_neither_do_threads_that_do_not_meet() {
        let counted = Striped::new(Count::default());
        (0..1_000).for_each(|_| counted.add(1));
        assert_eq!(counted.owned.get(), 1_000);
        thread::scope(|scope| {
            scope.spawn(|| counted.add(1)).join().unwrap();
            scope.spawn(|| counted.add(1)).join().unwrap();
        });
        assert_eq!((counted.iter().count(), counted.shared.get()), (2, 2));
    }

    #[test]
    fn what_was_counted_before_the_stripes_stays_counted() {
        let counted = Striped::new(Count::default());
        counted.add(1);
        thread::scope(|scope| {
            scope.spawn(|| counted.add(2)).join().unwrap();
            let more: Box<[_]> = (0..thread_number::stripes()).map(|_| Apart(Count::default())).collect();
            counted.more.set(more).unwrap();
            scope.spawn(|| counted.add(4)).join().unwrap();
        });
        counted.add(8);
        assert_eq!((count(&counted), counted.owned.get(), counted.shared.get()), (15, 9, 2));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a scope does not wait for what a thread does at its end")]
    fn a_thread_that_is_ending_still_counts() {
        struct CountsAtTheEnd(std::sync::Arc<Striped<Count>>);
        impl Drop for CountsAtTheEnd {
            fn drop(&mut self) {
                self.0.add(10);
            }
        }
        thread_local!(static END: std::cell::RefCell<Option<CountsAtTheEnd>> = const { std::cell::RefCell::new(None) });

        let counted = std::sync::Arc::new(Striped::new(Count::default()));
        for counts_first in [true, false] {
            let end = CountsAtTheEnd(counted.clone());
            thread::spawn(move || {
                // Whether the number goes before or after, depends on which was made first.
                if counts_first {
                    end.0.add(1);
                }
                END.set(Some(end));
            })
            .join()
            .unwrap();
        }
        assert_eq!(count(&counted), 21);
    }
}
