//! Where lines go. A sink is one file here, behind one trait; the settings say which ones a service has.

mod memory;
mod queue;
mod stdout;

use std::{cell::Cell, time::Duration};

pub(crate) use self::{memory::Memory, stdout::Stdout};
use super::record::Record;

/// Takes records in its own form, and never blocks whoever logs.
pub(crate) trait Sink: Send + Sync {
    /// Takes a record; `false` if there was no room for it.
    fn write(&self, record: &Record<'_>) -> bool;

    /// Waits until everything taken so far has left the process; `false` if the time was not enough.
    fn flush(&self, timeout: Duration) -> bool;

    /// How many records were taken and lost afterwards, because the other side failed.
    fn lost(&self) -> u64 {
        0
    }
}

/// A buffer that one extraordinary line made large is not kept.
const KEPT_CAPACITY: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends an empty buffer of this thread, so that a line costs no allocation.
///
/// A line that is said while another one is being formatted gets a buffer of its own.
fn with_buffer<T>(f: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    buffer.clear();
    let result = f(&mut buffer);
    if buffer.capacity() <= KEPT_CAPACITY {
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
    }
    result
}
