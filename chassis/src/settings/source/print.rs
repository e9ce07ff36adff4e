//! Whether a settings file is as it was, without reading it.
//!
//! The file is looked at twice a second. That costs two calls to the system, and it sees what a watch of the system does
//! not: a file on a network's disk, a mounted `ConfigMap` whose links are exchanged, an editor that writes a new file
//! in place of the old one.

use std::{fs, io, path::Path, time::Duration};

use tokio::time::sleep;

use super::Changes;
use crate::tasks::spawn;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A file that does not change for so long is written to its end.
const SETTLED: Duration = Duration::from_millis(50);

/// What tells a file from how it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Print(Vec<u64>);

impl Print {
    /// How the file is now; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).and_then(|metadata| Self::from_metadata(&metadata)).ok()
    }

    #[cfg(unix)]
    fn from_metadata(file: &fs::Metadata) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;

        let times = [file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()].map(i64::cast_unsigned);
        Ok(Self([file.dev(), file.ino(), file.size()].into_iter().chain(times).collect()))
    }

    #[cfg(not(unix))]
    fn from_metadata(file: &fs::Metadata) -> io::Result<Self> {
        let since = file.modified()?.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        Ok(Self(vec![file.len(), since.as_secs(), since.subsec_nanos().into()]))
    }
}

/// Tells of a file that is not `as_read`, once nobody writes to it.
pub(super) async fn follow(
    as_read: impl Fn() -> (bool, Option<Print>) + Clone + Send + Sync + 'static,
    changes: Changes,
) {
    let look = || {
        let as_read = as_read.clone();
        spawn::blocking(as_read)
    };
    let mut was_changed = false;
    loop {
        sleep(LOOK).await;
        let (is_as_read, mut print) = look().await;
        if !is_as_read {
            loop {
                sleep(SETTLED).await;
                let (_, now) = look().await;
                if now == print {
                    break;
                }
                print = now;
            }
        }
        // Once more after a change: one within the same tick of the file system's clock leaves no trace.
        if !is_as_read || was_changed {
            changes.notify();
        }
        was_changed = !is_as_read;
    }
}
