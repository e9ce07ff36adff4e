//! Things that rest until they are due.

use std::collections::BTreeMap;

use tokio::time::Instant;

/// Things that rest until they are due, for an engine whose broker keeps nothing for later.
#[derive(Debug)]
pub struct Resting<T> {
    /// By when they are due; of two that are due at the same time the one that went to rest first comes first.
    by_due: BTreeMap<(Instant, u64), T>,
    count: u64,
}

impl<T> Resting<T> {
    /// Lets something rest.
    pub fn put(&mut self, thing: T, due: Instant) {
        self.count += 1;
        self.by_due.insert((due, self.count), thing);
    }

    /// Takes the first one that is due.
    ///
    /// # Errors
    /// When the next one will be due, if there is one.
    pub fn take(&mut self) -> Result<T, Option<Instant>> {
        match self.by_due.first_entry() {
            Some(first) if first.key().0 <= Instant::now() => Ok(first.remove()),
            first => Err(first.map(|first| first.key().0)),
        }
    }

    /// Takes the first one, due or not.
    pub fn take_any(&mut self) -> Option<T> {
        self.by_due.pop_first().map(|(_, thing)| thing)
    }

    /// Lets only those go on resting that are wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        self.by_due.retain(|_, thing| is_wanted(thing));
    }

    /// How many rest.
    pub fn len(&self) -> usize {
        self.by_due.len()
    }

    /// Whether none rests.
    pub fn is_empty(&self) -> bool {
        self.by_due.is_empty()
    }
}

impl<T> Default for Resting<T> {
    fn default() -> Self {
        Self { by_due: BTreeMap::new(), count: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn things_come_when_they_are_due_and_not_before() {
        let (mut resting, began) = (Resting::default(), Instant::now());
        let at = |millis| began + Duration::from_millis(millis);
        for (name, millis) in [("c", 30), ("a", 10), ("b", 10)] {
            resting.put(name, at(millis));
        }
        assert_eq!(resting.take(), Err(Some(at(10))));
        tokio::time::advance(Duration::from_millis(10)).await;
        assert_eq!((resting.take(), resting.take(), resting.take()), (Ok("a"), Ok("b"), Err(Some(at(30)))));
        assert_eq!((resting.take_any(), resting.take(), resting.len()), (Some("c"), Err(None), 0));
    }
}
