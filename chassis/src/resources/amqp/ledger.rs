//! Which confirmed messages had come back: the client hands a message that came back to whichever confirm is next.
//!
//! Pure. The broker sends a message back before it confirms it. Several confirms may come as one, and the client takes
//! them in any order, and gives the first one the first message that came back. So a confirm says nothing for certain
//! as long as a message has come back whose own confirm is not there; once all of those are there, what else was
//! confirmed has arrived.

use std::collections::HashMap;

/// Confirmed messages that are not certain yet.
#[derive(Debug)]
pub(super) struct Ledger<T> {
    /// By their numbers.
    held: Vec<(u64, T)>,
    /// Why they came back, by their numbers.
    returned: HashMap<u64, String>,
}

impl<T> Default for Ledger<T> {
    fn default() -> Self {
        Self { held: Vec::new(), returned: HashMap::new() }
    }
}

impl<T> Ledger<T> {
    /// A message is confirmed, and its confirm has brought one that came back.
    pub(super) fn confirmed(&mut self, number: u64, item: T, returned: Option<(u64, String)>) {
        self.held.push((number, item));
        self.returned.extend(returned);
    }

    /// What is certain now: each message, and why it came back if it did.
    pub(super) fn settle(&mut self) -> Vec<(T, Option<String>)> {
        if !self.returned.is_empty() {
            let held = self.held.iter().filter(|(number, _)| self.returned.contains_key(number)).count();
            if held < self.returned.len() {
                return Vec::new();
            }
        }
        let Self { held, returned } = self;
        held.drain(..).map(|(number, item)| (item, returned.remove(&number))).collect()
    }

    /// What was never certain, once no further confirm can come.
    pub(super) fn abandon(&mut self) -> Vec<T> {
        self.returned.clear();
        self.held.drain(..).map(|(_, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(number: u64) -> Option<(u64, String)> {
        Some((number, "no route".to_owned()))
    }

    #[test]
    fn what_comes_back_by_the_confirm_of_another_is_known_once_its_own_is_there() {
        let mut ledger = Ledger::default();
        ledger.confirmed(1, "one", None);
        assert_eq!(ledger.settle(), [("one", None)]);
        ledger.confirmed(3, "three", back(2));
        assert_eq!(ledger.settle(), []);
        ledger.confirmed(2, "two", None);
        let settled = ledger.settle();
        assert_eq!(settled, [("three", None), ("two", Some("no route".to_owned()))]);
    }

    #[test]
    fn several_that_come_back_are_kept_apart() {
        let mut ledger = Ledger::default();
        ledger.confirmed(6, "six", back(5));
        assert_eq!(ledger.settle(), []);
        ledger.confirmed(5, "five", back(6));
        assert!(ledger.settle().into_iter().all(|(_, why)| why.is_some()));
    }

    #[test]
    fn what_is_never_certain_is_given_up() {
        let mut ledger = Ledger::default();
        ledger.confirmed(6, "six", back(5));
        assert_eq!(ledger.abandon(), ["six"]);
        assert_eq!(ledger.settle(), []);
    }
}
