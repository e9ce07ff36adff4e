//! When which timer is to be looked at: a queue by time.
//!
//! Entries stand in slots of a millisecond, as fine as the runtime sleeps. With many timers that is what makes it quick: an
//! entry is put at the end of its slot, and what is due comes out a slot at a time, where a heap would touch a dozen
//! far places for each entry.

use std::{collections::BTreeMap, mem};

/// When to look at which timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    /// Nanoseconds since the timers began.
    pub(super) due: u64,
    pub(super) number: u32,
    /// Void when the timer is in another round by then.
    pub(super) round: u32,
}

/// Entries by the time they are due.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// By milliseconds since the timers began; none is empty.
    slots: BTreeMap<u64, Vec<Entry>>,
    len: usize,
    /// An emptied slot, for the next one.
    spare: Vec<Entry>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn push(&mut self, entry: Entry) {
        let spare = &mut self.spare;
        self.slots.entry(slot(entry.due)).or_insert_with(|| mem::take(spare)).push(entry);
        self.len += 1;
    }

    /// When the first entry is due.
    pub(super) fn next_due(&self) -> Option<u64> {
        let (_, first) = self.slots.first_key_value()?;
        first.iter().map(|entry| entry.due).min()
    }

    /// Moves what is due by now out of the queue, about in its order.
    pub(super) fn take_due(&mut self, now: u64, due: &mut Vec<Entry>) {
        let before = due.len();
        let now_slot = slot(now);
        while let Some(mut first) = self.slots.first_entry().filter(|first| *first.key() <= now_slot) {
            if *first.key() == now_slot {
                due.extend(first.get_mut().extract_if(.., |entry| entry.due <= now));
                if first.get().is_empty() {
                    first.remove();
                }
                break;
            }
            let mut slot = first.remove();
            due.append(&mut slot);
            self.spare = slot;
        }
        self.len -= due.len() - before;
    }

    /// Forgets the entries that do not count any more.
    pub(super) fn retain(&mut self, mut counts: impl FnMut(&Entry) -> bool) {
        self.slots.retain(|_, slot| {
            slot.retain(&mut counts);
            !slot.is_empty()
        });
        self.len = self.slots.values().map(Vec::len).sum();
    }
}

fn slot(due: u64) -> u64 {
    due / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_out_once_it_is_due_and_not_before() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut queue = Queue::default();
            let mut at = |below: u64| random.u64(..below) * 1_000;
            let entries: Vec<Entry> = (0..100).map(|number| Entry { due: at(20_000), number, round: 0 }).collect();
            let mut looks: Vec<u64> = (0..20).map(|_| at(25_000)).collect();
            looks.sort();
            entries.iter().for_each(|entry| queue.push(*entry));
            let mut out = Vec::new();
            for look in looks {
                queue.take_due(look, &mut out);
                let mut numbers: Vec<u32> = out.iter().map(|entry| entry.number).collect();
                numbers.sort_unstable();
                let (due, left): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| entry.due <= look);
                assert_eq!(numbers, due.iter().map(|entry| entry.number).collect::<Vec<_>>(), "seed {seed}");
                assert_eq!((queue.len(), queue.next_due()), (left.len(), left.iter().map(|entry| entry.due).min()));
            }
        }
    }

    #[test]
    fn what_does_not_count_is_forgotten() {
        let mut queue = Queue::default();
        (0..10).for_each(|number| queue.push(Entry { due: 1_000_000_000, number, round: number % 2 }));
        queue.retain(|entry| entry.round == 1);
        assert_eq!(queue.len(), 5);
        queue.retain(|_| false);
        assert_eq!((queue.len(), queue.next_due()), (0, None));
    }
}
