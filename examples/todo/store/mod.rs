//! Where tasks are kept: a resource whose engine is a setting.

mod fs;
mod memory;
mod sqlite;

use std::{collections::BTreeMap, io, path::PathBuf, sync::Arc};

use chassis::{Context, Error, Health, Resource, Result, Slot, settings::SettingsSchema};

use crate::{id::TaskId, task::Task};

/// The settings at `system.resources.store`.
#[derive(Debug, Clone, SettingsSchema)]
pub struct StoreSettings {
    /// What keeps the tasks.
    #[setting(default = Kind::Memory)]
    engine: Kind,
    /// The folder of `fs` or the file of `sqlite`; made when it is not there.
    path: Option<PathBuf>,
}

/// What keeps the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SettingsSchema)]
pub enum Kind {
    /// The process; a restart of it starts with no task.
    Memory,
    /// A folder with a file per task.
    Fs,
    /// A table in an SQLite file.
    Sqlite,
}

/// What every engine can do. Its methods may block: the store calls them where that is allowed.
pub trait Engine: Send + Sync {
    /// Whether tasks can be kept; well, unless it can be seen that they cannot.
    fn health(&self) -> Health {
        Health::pass()
    }
    /// All tasks.
    fn list(&self) -> Result<BTreeMap<TaskId, Task>>;
    /// One task.
    fn get(&self, id: TaskId) -> Result<Option<Task>>;
    /// Keeps a new task.
    fn insert(&self, id: TaskId, task: &Task) -> Result<()>;
    /// Replaces a task; whether there was one.
    fn replace(&self, id: TaskId, task: &Task) -> Result<bool>;
    /// Forgets a task; whether there was one.
    fn remove(&self, id: TaskId) -> Result<bool>;
}

/// Keeps tasks.
#[derive(Default)]
pub struct Store {
    engine: Slot<Box<dyn Engine>>,
}

impl Store {
    /// All tasks.
    pub async fn list(&self) -> Result<BTreeMap<TaskId, Task>> {
        self.call(|engine| engine.list()).await
    }

    /// One task.
    pub async fn get(&self, id: TaskId) -> Result<Option<Task>> {
        self.call(move |engine| engine.get(id)).await
    }

    /// Keeps a new task.
    pub async fn insert(&self, task: Task) -> Result<TaskId> {
        let id = TaskId::random();
        self.call(move |engine| engine.insert(id, &task)).await?;
        Ok(id)
    }

    /// Replaces a task; whether there was one.
    pub async fn replace(&self, id: TaskId, task: Task) -> Result<bool> {
        self.call(move |engine| engine.replace(id, &task)).await
    }

    /// Forgets a task; whether there was one.
    pub async fn remove(&self, id: TaskId) -> Result<bool> {
        self.call(move |engine| engine.remove(id)).await
    }

    async fn call<T: Send + 'static>(&self, work: impl FnOnce(&dyn Engine) -> Result<T> + Send + 'static) -> Result<T> {
        let engine = self.engine.get().ok_or_else(|| Error::unavailable(Error::msg("the store is closed")))?;
        tokio::task::spawn_blocking(move || work(&**engine)).await?
    }
}

impl Resource for Store {
    type Settings = StoreSettings;

    fn check(&self, settings: &StoreSettings) -> Result<()> {
        if settings.engine != Kind::Memory && settings.path.is_none() {
            let engine = settings.engine;
            return Err(Error::msg(format!("engine `{engine:?}` needs a `path`: the folder or file to keep tasks in")));
        }
        Ok(())
    }

    async fn start(&self, _cx: &Context, settings: StoreSettings) -> Result<()> {
        let path = settings.path.unwrap_or_default();
        let open = move || -> Result<Box<dyn Engine>> {
            Ok(match settings.engine {
                Kind::Memory => Box::new(memory::Memory::default()),
                Kind::Fs => Box::new(fs::Folder::open(path)?),
                Kind::Sqlite => Box::new(sqlite::Table::open(&path)?),
            })
        };
        let engine: Arc<Box<dyn Engine>> = Arc::new(tokio::task::spawn_blocking(open).await??);
        self.engine.set(engine);
        Ok(())
    }

    async fn stop(&self, _cx: &Context) -> Result<()> {
        self.engine.take();
        Ok(())
    }

    async fn health(&self) -> Health {
        self.call(|engine| Ok(engine.health())).await.unwrap_or_else(Health::fail)
    }
}

/// A path that this process cannot use is a wrong setting; a disk that fails is not.
fn unusable(error: io::Error) -> Error {
    use io::ErrorKind::{AlreadyExists, NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};

    match error.kind() {
        AlreadyExists | NotADirectory | NotFound | PermissionDenied | ReadOnlyFilesystem => Error::misconfigured(error),
        _ => Error::from(error),
    }
}
