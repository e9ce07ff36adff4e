//! Standard output, shared by the services of the process.
//!
//! One thread writes for all of them; it starts with the first line and ends with the last service.

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
    time::Duration,
};

use super::{Sink, queue::Written, with_buffer};
use crate::logging::{format::Format, record::Record};

/// Bytes that wait for a slow reader before lines are dropped.
const LIMIT: usize = 8 * 1024 * 1024;

static SHARED: Mutex<Weak<Written>> = Mutex::new(Weak::new());

/// Lines in one format on standard output.
#[derive(Debug)]
pub(crate) struct Stdout {
    format: Format,
    /// Started with the first line: a service whose logs are captured has no thread for them.
    written: OnceLock<Arc<Written>>,
}

impl Stdout {
    /// Standard output in that format; `None` is text on a terminal and otherwise JSON.
    pub(crate) fn new(format: Option<Format>) -> Self {
        let auto = || if io::stdout().is_terminal() { Format::Text { color: is_colored() } } else { Format::Json };
        Self { format: format.unwrap_or_else(auto), written: OnceLock::new() }
    }

    /// Text for standard output, coloured if it is a terminal that wants colours.
    pub(crate) fn text() -> Format {
        Format::Text { color: io::stdout().is_terminal() && is_colored() }
    }

    fn written(&self) -> &Written {
        self.written.get_or_init(shared)
    }
}

impl Sink for Stdout {
    fn write(&self, record: &Record<'_>) -> bool {
        with_buffer(|buffer| {
            self.format.write(buffer, record);
            self.written().queue().push(buffer)
        })
    }

    fn flush(&self, timeout: Duration) -> bool {
        self.written.get().is_none_or(|written| written.queue().flush(timeout))
    }

    fn lost(&self) -> u64 {
        self.written.get().map_or(0, |written| written.queue().lost())
    }
}

/// The writer of the process: the one that lives, or a new one.
fn shared() -> Arc<Written> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        // Locked for a whole batch, so that lines stay whole beside a `println!` of the user's.
        let written = Arc::new(Written::start("chassis-stdout", LIMIT, || io::stdout().lock()));
        *shared = Arc::downgrade(&written);
        written
    })
}

/// <https://no-color.org>, and terminals that say they are dumb.
fn is_colored() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !is_set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
