//! How far one partition is done: what may be committed.

use std::collections::VecDeque;

/// The messages of one partition that were taken, in the order of their offsets, without those that are done and have
/// nothing unfinished before them.
///
/// An offset that is committed says that everything below it is done, so a message that is done waits here for the ones
/// before it. Offsets may have gaps: a broker that compacts a topic takes messages out, and transactions leave marks.
#[derive(Debug, Default)]
pub(super) struct Window {
    taken: VecDeque<Taken>,
    /// Behind the last message that is done with all before it.
    next: Option<i64>,
    /// What was last committed.
    committed: Option<i64>,
}

#[derive(Debug)]
struct Taken {
    offset: i64,
    is_done: bool,
}

impl Window {
    /// Adds a message; those that came before it have lower offsets. One that is here already, or is done, is not wanted
    /// again.
    pub(super) fn take(&mut self, offset: i64) -> bool {
        let is_new = match self.taken.back() {
            Some(last) => last.offset < offset,
            None => self.next.is_none_or(|next| next <= offset),
        };
        if is_new {
            self.taken.push_back(Taken { offset, is_done: false });
        }
        is_new
    }

    /// A message is done.
    pub(super) fn finish(&mut self, offset: i64) {
        // Most often it is the first one.
        match self.taken.front_mut() {
            Some(first) if first.offset == offset => first.is_done = true,
            _ => {
                let Ok(at) = self.taken.binary_search_by_key(&offset, |taken| taken.offset) else { return };
                self.taken[at].is_done = true;
            }
        }
        while let Some(first) = self.taken.pop_front_if(|first| first.is_done) {
            self.next = Some(first.offset + 1);
        }
    }

    /// How many messages were taken and cannot be committed.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// The offset to commit, when there is a new one: below it everything is done.
    pub(super) fn commit(&mut self) -> Option<i64> {
        let next = self.next.filter(|next| self.committed != Some(*next))?;
        self.committed = Some(next);
        Some(next)
    }

    /// The last commit did not arrive.
    pub(super) fn uncommit(&mut self) {
        self.committed = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_committed_over_a_message_that_is_not_done() {
        let mut window = Window::default();
        assert!((10..15).all(|offset| window.take(offset)));
        window.finish(12);
        window.finish(11);
        assert_eq!((window.commit(), window.len()), (None, 5));
        window.finish(10);
        assert_eq!((window.commit(), window.len()), (Some(13), 2));
        assert_eq!(window.commit(), None, "it was committed");
        window.finish(14);
        assert_eq!(window.commit(), None);
        window.finish(13);
        assert_eq!((window.commit(), window.len()), (Some(15), 0));
    }

    #[test]
    fn gaps_are_stepped_over() {
        let mut window = Window::default();
        assert!([3, 7, 100].into_iter().all(|offset| window.take(offset)));
        window.finish(7);
        window.finish(3);
        assert_eq!(window.commit(), Some(8));
        window.finish(100);
        assert_eq!(window.commit(), Some(101));
    }

    #[test]
    fn what_is_here_or_done_is_not_taken_twice() {
        let mut window = Window::default();
        assert!(window.take(5) && !window.take(5) && !window.take(4));
        window.finish(5);
        assert!(!window.take(5) && window.take(6));
        window.finish(4);
        assert_eq!(window.commit(), Some(6));
    }

    #[test]
    fn a_commit_that_did_not_arrive_is_made_again() {
        let mut window = Window::default();
        window.take(0);
        window.finish(0);
        assert_eq!(window.commit(), Some(1));
        window.uncommit();
        assert_eq!(window.commit(), Some(1));
    }

    /// Any order of finishing: what is committed is the lowest that is not done, and only grows.
    #[test]
    fn every_order_commits_the_lowest_unfinished() {
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let (mut window, mut offsets) = (Window::default(), Vec::new());
            let mut next = 0;
            for _ in 0..50 {
                next += random.i64(1..4);
                window.take(next);
                offsets.push(next);
            }
            let mut left = offsets.clone();
            random.shuffle(&mut left);
            let mut last = 0;
            while let Some(offset) = left.pop() {
                window.finish(offset);
                let Some(committed) = window.commit() else { continue };
                assert!(committed > last && left.iter().all(|open| *open >= committed), "{seed}: {committed}");
                last = committed;
            }
            assert_eq!(last, next + 1);
        }
    }
}
