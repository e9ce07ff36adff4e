//! Tasks in a folder, a file each.
//!
//! A file is written under another name, brought to the disk, and then renamed: a reader, a crash or a full disk sees
//! the old task or the new one, never half of one.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use chassis::{Result, ResultExt};

use super::{Engine, unusable};
use crate::{id::TaskId, task::Task};

/// How the name of a file that is being written ends.
const UNFINISHED: &str = "unfinished";

/// Tasks in a folder.
pub struct Folder {
    path: PathBuf,
    /// Held by a change, so that two of one task come one after the other.
    changing: Mutex<()>,
}

impl Folder {
    /// Opens a folder, and makes it when it is not there. What a killed process left unfinished is removed.
    pub fn open(path: PathBuf) -> Result<Self> {
        let about = || format!("cannot open the folder `{}`", path.display());
        Self::make(&path).map_err(unusable).with_context(about)?;
        Ok(Self { path, changing: Mutex::default() })
    }

    fn make(path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        for entry in fs::read_dir(path)? {
            let file = entry?.path();
            if file.extension().is_some_and(|ending| ending == UNFINISHED) {
                fs::remove_file(&file)?;
            }
        }
        Ok(())
    }

    fn file(&self, id: TaskId) -> PathBuf {
        self.path.join(format!("{id}.json"))
    }

    fn write(&self, id: TaskId, task: &Task) -> Result<()> {
        let unfinished = self.path.join(format!("{id}.{UNFINISHED}"));
        let result = self.write_and_rename(&unfinished, &self.file(id), task);
        if result.is_err() {
            // The room is needed, and nobody will finish it.
            let _ = fs::remove_file(&unfinished);
        }
        result.with_context(|| format!("cannot write task `{id}`"))
    }

    fn write_and_rename(&self, unfinished: &Path, finished: &Path, task: &Task) -> Result<()> {
        let mut file = File::create(unfinished)?;
        file.write_all(&serde_json::to_vec(task)?)?;
        file.sync_all()?;
        fs::rename(unfinished, finished)?;
        // The new name is on the disk once the folder is.
        File::open(&self.path)?.sync_all()?;
        Ok(())
    }
}

impl Engine for Folder {
    fn list(&self) -> Result<BTreeMap<TaskId, Task>> {
        let mut tasks = BTreeMap::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(TaskId::parse);
            // A task that was removed meanwhile is not there, which is what a list may say.
            if let Some(id) = id
                && let Some(task) = self.get(id)?
            {
                tasks.insert(id, task);
            }
        }
        Ok(tasks)
    }

    fn get(&self, id: TaskId) -> Result<Option<Task>> {
        match fs::read(self.file(id)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes).with_context(|| format!("task `{id}` is damaged"))?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read task `{id}`")),
        }
    }

    fn insert(&self, id: TaskId, task: &Task) -> Result<()> {
        self.write(id, task)
    }

    fn replace(&self, id: TaskId, task: &Task) -> Result<bool> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = self.file(id).exists();
        if is_known {
            self.write(id, task)?;
        }
        Ok(is_known)
    }

    fn remove(&self, id: TaskId) -> Result<bool> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        match fs::remove_file(self.file(id)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error).with_context(|| format!("cannot remove task `{id}`")),
        }
    }
}
