//! Processor time of a process, to the nanosecond.

use std::{fs, io, time::Duration};

/// Processor time used so far by all threads of a process; `process` is its id, or `self`.
///
/// # Errors
///
/// When there is no such process.
pub fn processor_time(process: &str) -> io::Result<Duration> {
    let mut total = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        // Nanoseconds on a processor, nanoseconds waiting for one, turns. A thread may have ended meanwhile.
        let statistics = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        total += statistics.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0);
    }
    Ok(Duration::from_nanos(total))
}
