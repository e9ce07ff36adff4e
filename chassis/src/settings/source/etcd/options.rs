//! What the source was told.

use std::{path::PathBuf, time::Duration};

use crate::etcd;

/// What the source was told.
#[derive(Clone)]
pub(super) struct Options {
    /// Where etcd is.
    pub(super) etcd: etcd::Options,
    /// With a slash at its beginning and none at its end.
    pub(super) prefix: String,
    pub(super) check_key: Option<String>,
    pub(super) start_timeout: Duration,
    /// Where the last good tree is kept.
    pub(super) cache_file: Option<PathBuf>,
    pub(super) cache_secrets: bool,
}

impl Options {
    pub(super) fn new(endpoints: Vec<String>) -> Self {
        Self {
            etcd: etcd::Options::new(endpoints),
            prefix: "/system".to_owned(),
            check_key: None,
            start_timeout: Duration::from_secs(10),
            cache_file: None,
            cache_secrets: false,
        }
    }

    pub(super) fn set_prefix(&mut self, prefix: String) {
        let prefix = prefix.trim_matches('/');
        self.prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_the_same_with_and_without_slashes_around_it() {
        let mut options = Options::new(Vec::new());
        for (written, meant) in [("/system", "/system"), ("system/", "/system"), ("/", ""), ("", ""), ("a/b", "/a/b")] {
            options.set_prefix(written.to_owned());
            assert_eq!(options.prefix, meant);
        }
    }
}
