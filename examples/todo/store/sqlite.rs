//! Tasks in a table of an SQLite file.

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chassis::{Error, Result, ResultExt};
use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::{Engine, unusable};
use crate::{id::TaskId, task::Task};

/// Tasks in a table with their id as key.
pub struct Table {
    connection: Mutex<Connection>,
}

impl Table {
    /// Opens a file, and makes it and its table when they are not there.
    pub fn open(path: &Path) -> Result<Self> {
        let about = || format!("cannot open `{}`", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(unusable).with_context(about)?;
        }
        let connection = Connection::open(path).map_err(told).with_context(about)?;
        // A committed task is on the disk; the journal beside the file is folded in by the next opening after a crash.
        connection.pragma_update(None, "journal_mode", "wal").map_err(told).with_context(about)?;
        connection.pragma_update(None, "synchronous", "full").map_err(told).with_context(about)?;
        let table = "CREATE TABLE IF NOT EXISTS tasks (id TEXT PRIMARY KEY, task TEXT NOT NULL) WITHOUT ROWID";
        connection.execute(table, ()).map_err(told).with_context(about)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for Table {
    fn list(&self) -> Result<BTreeMap<TaskId, Task>> {
        let connection = self.connection();
        let mut rows = connection.prepare_cached("SELECT id, task FROM tasks").map_err(told)?;
        let rows = rows.query_map((), |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).map_err(told)?;
        let mut tasks = BTreeMap::new();
        for row in rows {
            let (id, task) = row.map_err(told)?;
            if let Some(id) = TaskId::parse(&id) {
                tasks.insert(id, serde_json::from_str(&task).with_context(|| format!("task `{id}` is damaged"))?);
            }
        }
        Ok(tasks)
    }

    fn get(&self, id: TaskId) -> Result<Option<Task>> {
        let query = "SELECT task FROM tasks WHERE id = ?1";
        let task: Option<String> =
            self.connection().query_row(query, [id.to_string()], |row| row.get(0)).optional().map_err(told)?;
        task.map(|task| serde_json::from_str(&task).with_context(|| format!("task `{id}` is damaged"))).transpose()
    }

    fn insert(&self, id: TaskId, task: &Task) -> Result<()> {
        let row = params![id.to_string(), serde_json::to_string(task)?];
        self.connection().execute("INSERT INTO tasks (id, task) VALUES (?1, ?2)", row).map_err(told)?;
        Ok(())
    }

    fn replace(&self, id: TaskId, task: &Task) -> Result<bool> {
        let row = params![id.to_string(), serde_json::to_string(task)?];
        Ok(self.connection().execute("UPDATE tasks SET task = ?2 WHERE id = ?1", row).map_err(told)? == 1)
    }

    fn remove(&self, id: TaskId) -> Result<bool> {
        Ok(self.connection().execute("DELETE FROM tasks WHERE id = ?1", [id.to_string()]).map_err(told)? == 1)
    }
}

/// A full disk is told as the system tells it; a file that is no database is a wrong setting.
fn told(error: rusqlite::Error) -> Error {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::from(io::Error::new(io::ErrorKind::StorageFull, error)),
        Some(ErrorCode::NotADatabase | ErrorCode::CannotOpen) => Error::misconfigured(error),
        _ => Error::from(error),
    }
}
