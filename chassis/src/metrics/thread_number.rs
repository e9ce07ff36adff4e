//! A small number that no other living thread has.
//!
//! A thread gets the lowest free one when it first asks, and gives it back when it ends. Who gets a number next sees
//! all that its last holder has written: they meet in the lock on the free ones.

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
};

/// No thread has this number.
pub(super) const NONE: usize = usize::MAX;

thread_local! {
    /// Read at every turn, so it has no destructor to look after.
    static NUMBER: Cell<usize> = const { Cell::new(NONE) };
    /// Gives the number back.
    static HOLDER: Holder = Holder::take();
}

static NUMBERS: Mutex<Numbers> = Mutex::new(Numbers { given: 0, free: BTreeSet::new() });

/// The number of this thread, [`NONE`] if it has none yet or is ending.
#[inline]
pub(super) fn current() -> usize {
    NUMBER.get()
}

/// The number of this thread, given to it now if need be; nothing if it is ending.
#[cold]
pub(super) fn assigned() -> Option<usize> {
    HOLDER.try_with(|holder| holder.0).ok()
}

/// For how many numbers a sum that is fought over has stripes: some more than there are processors, because threads may
/// outnumber them.
pub(super) fn stripes() -> usize {
    static STRIPES: OnceLock<usize> = OnceLock::new();
    *STRIPES.get_or_init(|| (thread::available_parallelism().map_or(1, usize::from) * 4).clamp(16, 64))
}

struct Numbers {
    /// All below this have been given.
    given: usize,
    /// Those that were given back.
    free: BTreeSet<usize>,
}

struct Holder(usize);

impl Holder {
    fn take() -> Self {
        let mut numbers = numbers();
        let number = numbers.free.pop_first().unwrap_or_else(|| {
            numbers.given += 1;
            numbers.given - 1
        });
        NUMBER.set(number);
        Self(number)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        NUMBER.set(NONE);
        numbers().free.insert(self.0);
    }
}

fn numbers() -> MutexGuard<'static, Numbers> {
    NUMBERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::{collections::HashSet, sync::Barrier};

    use super::*;

    #[test]
    fn threads_that_live_together_have_different_numbers() {
        let barrier = Barrier::new(50);
        let found: HashSet<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|_| {
                    scope.spawn(|| {
                        let number = assigned().unwrap();
                        assert_eq!(current(), number);
                        barrier.wait();
                        number
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(found.len(), 50);
    }
}
