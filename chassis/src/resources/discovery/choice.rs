//! Which instance is next, and how many exchanges each of them has in flight.

use std::{
    fmt,
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::Instance;

/// An instance with what is in flight to it.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) instance: Arc<Instance>,
    /// The same counter for as long as the instance is known.
    pub(super) in_flight: Arc<AtomicUsize>,
}

impl Target {
    pub(super) fn new(instance: Instance) -> Self {
        Self { instance: Arc::new(instance), in_flight: Arc::default() }
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// The one after the other; `turn` is a number that grows with each choice.
pub(super) fn round_robin(targets: &[Target], turn: usize) -> Option<&Target> {
    targets.get(turn.checked_rem(targets.len())?)
}

/// The one with the least in flight; among equals the one after the other.
pub(super) fn least_in_flight(targets: &[Target], turn: usize) -> Option<&Target> {
    let first = turn.checked_rem(targets.len())?;
    let (before, after) = targets.split_at(first);
    after.iter().chain(before).min_by_key(|target| target.in_flight())
}

/// An instance that was picked. While this is kept, one exchange counts as in flight to it.
pub struct Picked {
    target: Target,
}

impl Picked {
    pub(super) fn new(target: &Target) -> Self {
        target.in_flight.fetch_add(1, Ordering::Relaxed);
        Self { target: target.clone() }
    }

    /// How many exchanges of this process are in flight to the instance, this one included.
    pub fn in_flight(&self) -> usize {
        self.target.in_flight()
    }
}

impl Deref for Picked {
    type Target = Instance;

    fn deref(&self) -> &Instance {
        &self.target.instance
    }
}

impl Drop for Picked {
    fn drop(&mut self) {
        self.target.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Picked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picked({})", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(count: usize) -> Vec<Target> {
        let instance = |number| Instance::parse(&format!("{number}"), b"a:1").unwrap();
        (0..count).map(|number| Target::new(instance(number))).collect()
    }

    fn id(target: Option<&Target>) -> Option<&str> {
        target.map(|target| target.instance.id.as_str())
    }

    #[test]
    fn round_robin_takes_one_after_the_other_also_when_the_count_of_turns_wraps() {
        let targets = targets(3);
        let ids: Vec<_> = (0..4).map(|turn| id(round_robin(&targets, turn)).unwrap()).collect();
        assert_eq!(ids, ["0", "1", "2", "0"]);
        assert!(round_robin(&targets, usize::MAX).is_some());
        assert!(round_robin(&[], 1).is_none() && least_in_flight(&[], 1).is_none());
    }

    #[test]
    fn least_in_flight_spreads_over_equals_and_avoids_who_is_busy() {
        let targets = targets(3);
        assert_eq!((0..3).map(|turn| id(least_in_flight(&targets, turn)).unwrap()).collect::<String>(), "012");
        let busy = Picked::new(&targets[0]);
        assert_eq!((0..3).map(|turn| id(least_in_flight(&targets, turn)).unwrap()).collect::<String>(), "112");
        drop(busy);
        assert_eq!(targets[0].in_flight(), 0);
    }
}
