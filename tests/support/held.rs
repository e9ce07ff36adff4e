//! A source of settings that a test writes to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::settings::{Changes, Dict, Following, Layer, Problems, Source};
use serde_json::Value;

/// A source of settings that says what it was told last. Clones are the same source.
#[derive(Debug, Clone)]
pub struct Held {
    said: Arc<Mutex<Value>>,
    changes: Arc<Mutex<Option<Changes>>>,
}

impl Held {
    /// One that says this from the beginning.
    pub fn saying(settings: Value) -> Self {
        Self { said: Arc::new(Mutex::new(settings)), changes: Arc::default() }
    }

    /// Says something else from now on.
    ///
    /// # Panics
    /// When nobody follows it yet.
    pub fn say(&self, settings: Value) {
        *lock(&self.said) = settings;
        let changes = lock(&self.changes);
        changes.as_ref().unwrap_or_else(|| panic!("nobody follows the source yet")).notify();
    }

    /// What it says.
    pub fn said(&self) -> Value {
        lock(&self.said).clone()
    }

    /// Waits until a service follows it, which is soon after its start.
    pub async fn is_followed(&self) {
        while lock(&self.changes).is_none() {
            tokio::task::yield_now().await;
        }
    }
}

impl Source for Held {
    fn name(&self) -> String {
        "held".to_owned()
    }

    fn load(&self, problems: &mut Problems) -> Layer {
        Dict::from(self.said()).load(problems)
    }

    fn follow(&self, changes: Changes) -> Option<Following> {
        *lock(&self.changes) = Some(changes);
        Some(Box::pin(std::future::pending()))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
