//! Keeps records in memory, for tests that look at them.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tokio::sync::Notify;

use super::{Sink, with_buffer};
use crate::logging::{format::Format, record::Record};

/// More than any test reads; the oldest records make room.
const KEPT: usize = 100_000;

/// The last records of a service, as JSON says them.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    lines: Mutex<VecDeque<Box<[u8]>>>,
    added: Notify,
}

impl Memory {
    /// Everything kept, oldest first.
    pub(crate) fn records(&self) -> Vec<Value> {
        // Our own JSON parses; what would not is shown as it is rather than hidden.
        let parse = |line: &[u8]| {
            serde_json::from_slice(line).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(line).into()))
        };
        self.lines().iter().map(|line| parse(line)).collect()
    }

    /// The first record, old or new, that `is_it` says yes to.
    pub(crate) async fn wait_for(&self, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            // Listening begins before looking, so that nothing falls in between.
            added.as_mut().enable();
            if let Some(found) = self.records().into_iter().find(&mut is_it) {
                return found;
            }
            added.await;
        }
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<Box<[u8]>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sink for Memory {
    fn write(&self, record: &Record<'_>) -> bool {
        with_buffer(|buffer| {
            Format::Json.write(buffer, record);
            let mut lines = self.lines();
            if lines.len() >= KEPT {
                lines.pop_front();
            }
            lines.push_back(buffer.as_slice().into());
        });
        self.added.notify_waiters();
        true
    }

    fn flush(&self, _: Duration) -> bool {
        true
    }
}
