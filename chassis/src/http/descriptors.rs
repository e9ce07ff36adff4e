//! How many connections the process can have: each is an open file, and the rest of the service needs some too.

use std::fs;

/// The least that is left to everything else.
const LEAST_REST: usize = 32;

/// How many connections to serve at the same time, when `wanted` was set.
pub(super) fn affordable(wanted: usize) -> usize {
    // Only Linux tells; elsewhere the failure to accept does.
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(files) = open_files(&limits) else { return wanted };
    let affordable = without_rest(files);
    if affordable < wanted {
        tracing::debug!("serves at most {affordable} connections at a time: the process may open {files} files");
    }
    wanted.min(affordable)
}

/// The soft limit in what Linux says of a process; `None` when there is none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn without_rest(files: usize) -> usize {
    let rest = (files / 16).max(LEAST_REST);
    files.saturating_sub(rest).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_open_files_is_found() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max processes             94846                94846                processes \n\
            Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(limits), Some(1024));
        assert_eq!(open_files(&limits.replace("1024  ", "unlimited")), None);
        assert_eq!(open_files(""), None);
    }

    #[test]
    fn some_are_left_to_the_rest_of_the_service() {
        assert_eq!([10, 64, 1024, 20_000].map(without_rest), [1, 32, 960, 18_750]);
    }
}
