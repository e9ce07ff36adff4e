//! Tasks in a folder, a file each.
//!
//! A file is written under another name, brought to the disk, and then renamed: a reader, a crash or a full disk sees
//! the old task or the new one, never half of one.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use chassis::{Error, Health, Result, ResultExt};

use super::{Engine, unusable};
use crate::{id::TaskId, task::Task};

/// How the name of a file that is being written ends.
const UNFINISHED: &str = "unfinished";

/// Tasks in a folder.
pub struct Folder {
    path: PathBuf,
    /// Held by a change, so that two of one task come one after the other.
    changing: Mutex<()>,
    /// Damaged files that the log knows of, each as it was last changed.
    told: Mutex<BTreeSet<(TaskId, Option<SystemTime>)>>,
}

impl Folder {
    /// Opens a folder, and makes it when it is not there. What a killed process left unfinished is removed.
    pub fn open(path: PathBuf) -> Result<Self> {
        let about = || format!("cannot open the folder `{}`", path.display());
        Self::make(&path).map_err(unusable).with_context(about)?;
        Ok(Self { path, changing: Mutex::default(), told: Mutex::default() })
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

    /// The task in a file; what is no task is damaged.
    fn read(&self, id: TaskId) -> Result<Option<Result<Task, serde_json::Error>>> {
        match fs::read(self.file(id)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot read task `{id}`")),
        }
    }

    /// Tells the log of a damaged file, once per change of it.
    fn tell(&self, id: TaskId, error: &serde_json::Error) -> (TaskId, Option<SystemTime>) {
        let file = self.file(id);
        let changed = fs::metadata(&file).and_then(|about| about.modified()).ok();
        if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert((id, changed)) {
            tracing::error!(path = %file.display(), "task `{id}` is damaged, and left out of the list: {error}");
        }
        (id, changed)
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
    fn health(&self) -> Health {
        match fs::read_dir(&self.path) {
            Ok(_) => Health::pass(),
            Err(error) => Health::fail(format!("cannot read the folder `{}`: {error}", self.path.display())),
        }
    }

    /// All tasks; a damaged one is left out, and told in the log.
    fn list(&self) -> Result<BTreeMap<TaskId, Task>> {
        let mut tasks = BTreeMap::new();
        let mut damaged = BTreeSet::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".json")).and_then(TaskId::parse);
            let Some(id) = id else { continue };
            match self.read(id)? {
                Some(Ok(task)) => drop(tasks.insert(id, task)),
                Some(Err(error)) => drop(damaged.insert(self.tell(id, &error))),
                // It was removed meanwhile, which is what a list may say.
                None => {}
            }
        }
        // What is whole again, or gone, is told anew when it is damaged again.
        self.told.lock().unwrap_or_else(PoisonError::into_inner).retain(|file| damaged.contains(file));
        Ok(tasks)
    }

    fn get(&self, id: TaskId) -> Result<Option<Task>> {
        match self.read(id)? {
            Some(Err(error)) => {
                self.tell(id, &error);
                Err(Error::from(error)).with_context(|| format!("task `{id}` is damaged"))
            }
            read => Ok(read.and_then(Result::ok)),
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
