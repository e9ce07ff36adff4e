//! The last good settings in a file, so that a service starts without etcd.
//!
//! Only what this service reads, without its secrets unless that was asked for.

use std::{
    collections::BTreeMap,
    fs, io,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};

use super::tree::Keys;
use crate::{
    logging::timestamp,
    settings::{accepted::Sieve, node::Node},
};

/// What the file holds.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Cache {
    /// Below which key it was read.
    prefix: String,
    pub(super) written: String,
    keys: BTreeMap<String, Kept>,
    /// The paths of secrets that are not in it.
    pub(super) left_out: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    revision: i64,
    /// The document, as text.
    document: String,
}

impl Cache {
    /// What may be kept of these keys.
    pub(super) fn of(keys: &Keys, prefix: &str, sieve: &Sieve) -> Self {
        let written = timestamp(SystemTime::now());
        let mut cache = Self { prefix: prefix.to_owned(), written, ..Self::default() };
        for (key, path, node, revision) in keys.good(prefix) {
            let kept = sieve.keep(&path, node);
            cache.left_out.extend(kept.left_out.iter().map(ToString::to_string));
            if let Some(node) = kept.node {
                cache.keys.insert(key.to_owned(), Kept { revision, document: document(&node) });
            }
        }
        cache
    }

    /// Reads the file.
    ///
    /// # Errors
    /// In words, when there is none, or it is not what [`write`](Self::write) has written for this prefix.
    pub(super) fn read(path: &Path, prefix: &str) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "it does not exist yet".to_owned(),
            _ => error.to_string(),
        })?;
        // Its words hold places, and nothing of the file.
        let cache: Self = serde_json::from_slice(&bytes).map_err(|_| "it is damaged".to_owned())?;
        if cache.prefix == prefix {
            Ok(cache)
        } else {
            Err(format!("it is of the prefix `{}`", cache.prefix.escape_debug()))
        }
    }

    /// The keys that are in it.
    pub(super) fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        for (key, Kept { revision, document }) in &self.keys {
            keys.put(key.clone().into_bytes(), document.as_bytes(), *revision);
        }
        keys
    }

    /// Writes the file as a whole, or leaves the one that is there: nobody sees half of it.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = draft(path);
        // Of a process that was killed while it wrote.
        let _ = fs::remove_file(&draft);
        let written = self.write_to(&draft).and_then(|()| fs::rename(&draft, path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written
    }

    fn write_to(&self, draft: &Path) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()
    }
}

/// Beside the file, so that it can be renamed; two services do not share one.
fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// As it was spelled, where that is known.
fn document(node: &Node) -> String {
    node.spelling.as_ref().map_or_else(|| node.to_json().to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::settings::{Accepted, Declared, Secret};

    fn cache(with_secrets: bool) -> Cache {
        let mut keys = Keys::default();
        for (revision, (key, document)) in
            (1..).zip([("a", "1.10"), ("b", "\"x\""), ("password", "\"hunter2\""), ("other", "1"), ("broken", "}")])
        {
            keys.put(format!("/system/{key}").into_bytes(), document.as_bytes(), revision);
        }
        let declared = [
            Declared::value::<String>("a", None),
            Declared::value::<String>("b", None),
            Declared::value::<Secret<String>>("password", None),
            Declared::value::<String>("broken", None),
        ];
        Cache::of(&keys, "/system", &Accepted::new(&declared, "orders").sieve(with_secrets))
    }

    #[test]
    fn what_is_written_is_read_again_by_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.json");
        for with_secrets in [false, true] {
            let cache = cache(with_secrets);
            cache.write(&file).unwrap();
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
            assert_eq!(Cache::read(&file, "/system").as_ref(), Ok(&cache));
            assert_eq!(fs::read_to_string(&file).unwrap().contains("hunter2"), with_secrets);
            assert_eq!(cache.keys.len(), if with_secrets { 3 } else { 2 });
            assert_eq!(cache.left_out.len(), usize::from(!with_secrets));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn another_prefix_a_damaged_file_and_none_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cache.json");
        assert!(Cache::read(&file, "/system").is_err_and(|why| why.contains("not exist")));
        cache(false).write(&file).unwrap();
        assert!(Cache::read(&file, "/prod").is_err_and(|why| why.contains("/system")));
        fs::write(&file, "{\"prefix\": \"/sys").unwrap();
        assert!(Cache::read(&file, "/system").is_err_and(|why| why.contains("damaged")));
    }
}
