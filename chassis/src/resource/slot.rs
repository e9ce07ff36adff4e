//! A place for what a resource runs now.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

/// What runs now, reachable through `&self`, and replaced by a restart.
///
/// A resource lives as long as its service, its connection does not: `start` sets it, `stop` takes it.
/// Readers get an [`Arc`], so a value that was taken lives until its last user is done.
///
/// ```
/// # use chassis::Slot;
/// let slot = Slot::default();
/// assert!(slot.get().is_none());
/// slot.set("connection");
/// assert_eq!(slot.get().as_deref(), Some(&"connection"));
/// slot.take();
/// assert!(slot.get().is_none());
/// ```
pub struct Slot<T> {
    value: RwLock<Option<Arc<T>>>,
}

impl<T> Slot<T> {
    /// Puts a value in; gives back the one before.
    pub fn set(&self, value: impl Into<Arc<T>>) -> Option<Arc<T>> {
        self.value.write().unwrap_or_else(PoisonError::into_inner).replace(value.into())
    }

    /// What is in, if the resource runs.
    pub fn get(&self) -> Option<Arc<T>> {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes the value out.
    pub fn take(&self) -> Option<Arc<T>> {
        self.value.write().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self { value: RwLock::new(None) }
    }
}

impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.get().is_some() { "Slot(set)" } else { "Slot(empty)" })
    }
}
